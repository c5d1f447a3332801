package server

import (
	"bufio"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/ClickHouse/ch-go/proto"

	"github.com/midwatch/midwatch/deploy/clickhouse/engine"
)

const (
	bufferSize      = 256 << 10
	smallBufferSize = 4 << 10 // until the client is known
)

// session is one client connection.
type session struct {
	*Server
	name     string // in log_comment, where KILL QUERY finds it
	conn     net.Conn
	wire     *bufio.Reader
	plain    *bufio.Reader     // what compressed blocks on the wire contain; nil until the client is known
	lz4      *compress.Writer  // nil until the client is known
	engine   *engine.Session   // nil until the client is known
	counted  bool              // among those that MaxSessions limits
	revision int               // of the protocol, that both ends know
	compress bool              // whether the current query's blocks are compressed
	applied  map[string]string // settings of the last query
	copied   []byte            // what walkers copy to, reused
	out      proto.Buffer      // packets not yet sent
	writing  sync.Mutex        // held while whole packets go out: the reporter sends some, too
	told     told
}

func (s *Server) newSession(c net.Conn, name string) *session {
	return &session{Server: s, name: name, conn: c, applied: map[string]string{}, wire: bufio.NewReaderSize(c, smallBufferSize)}
}

// furnish makes what a session takes that is worth it: three quarters of a megabyte.
func (x *session) furnish() {
	x.wire = bufio.NewReaderSize(x.wire, bufferSize) // the small one may have read ahead
	x.plain = bufio.NewReaderSize(&frames{r: x.wire}, bufferSize)
	x.lz4 = compress.NewWriter(0, compress.LZ4)
}

func (x *session) close() {
	if x.engine != nil {
		x.engine.Close()
	}
	if x.counted {
		x.sessions.open.Add(-1)
	}
}

// run greets the client and answers its packets until the connection breaks.
func (x *session) run() error {
	if err := x.greet(); err != nil {
		return err
	}
	x.strangers.Remove(x.conn)
	x.furnish()
	for {
		if err := x.conn.SetReadDeadline(time.Time{}); err != nil {
			return err
		}
		code, err := x.wire.ReadByte()
		if err != nil {
			return err
		}
		x.hurry(x.cfg.Timeouts.Receive)
		if err := x.packet(proto.ClientCode(code)); err != nil {
			return err
		}
	}
}

// hurry gives the client this long for what it sends next.
func (x *session) hurry(d time.Duration) {
	_ = x.conn.SetReadDeadline(time.Now().Add(d)) // fails only on a closed connection, as the read will
}

func (x *session) packet(code proto.ClientCode) error {
	switch code {
	case proto.ClientCodePing:
		proto.ServerCodePong.Encode(&x.out)
		return x.flush()
	case proto.ClientCodeQuery:
		return x.query()
	case proto.ClientCodeCancel: // of a query that is over
		return nil
	case proto.ClientTablesStatusRequest:
		return x.tablesStatus()
	}
	x.exception(&engine.Exception{
		Code:    engine.CodeUnexpectedPacket,
		Message: fmt.Sprintf("DB::Exception: Unexpected packet %d from client. (UNKNOWN_PACKET_FROM_CLIENT)", code),
	})
	return errors.Join(x.flush(), fmt.Errorf("unexpected packet %d", code))
}

// greet reads the client's hello, opens its session of the engine and answers. It begins with the TLS handshake, which writes, too.
func (x *session) greet() error {
	if err := x.conn.SetDeadline(time.Now().Add(x.cfg.Timeouts.Greet)); err != nil {
		return err
	}
	h, err := decodeHello(x.wire)
	if err != nil {
		return fmt.Errorf("read hello: %w", err)
	}
	x.revision = min(h.ProtocolVersion, revision)
	if !proto.FeatureQueryStartTime.In(x.revision) {
		return fmt.Errorf("client revision %d is too old", x.revision)
	}
	if err := x.open(h); err != nil {
		x.exception(err)
		return errors.Join(x.flush(), err)
	}
	x.hello.EncodeAware(&x.out, x.revision)
	if err := x.flush(); err != nil {
		return err
	}
	if !proto.FeatureAddendum.In(x.revision) {
		return nil
	}
	d := decoder{r: x.wire}
	d.text(maxName) // quota key
	return d.err
}

// open lets the client in if it may come in. Only then it counts: who is not known takes nobody's place.
func (x *session) open(h proto.ClientHello) (err error) {
	if subtle.ConstantTimeCompare([]byte(h.User+"\x00"+h.Password), []byte(x.cfg.User+"\x00"+x.cfg.Password)) != 1 {
		return &engine.Exception{
			Code:    engine.CodeAuthenticationError,
			Message: "DB::Exception: " + h.User + ": Authentication failed. (AUTHENTICATION_FAILED)",
		}
	}
	x.counted = true
	if x.sessions.open.Add(1) > int64(x.cfg.MaxSessions) {
		return &engine.Exception{
			Code:    engine.CodeTooManySessions,
			Message: fmt.Sprintf("DB::Exception: %d connections are open, come back later. (NO_FREE_CONNECTION)", x.cfg.MaxSessions),
		}
	}
	if x.engine, err = x.cfg.Open(); err != nil {
		return err
	}
	if h.Database != "" {
		return x.engine.Exec("USE " + identifier(h.Database))
	}
	return nil
}

// tablesStatus says that every table asked for exists and is not replicated. Distributed reads ask for it.
func (x *session) tablesStatus() error {
	d := decoder{r: x.wire}
	n := d.number(maxTables)
	proto.ServerCodeTablesStatus.Encode(&x.out)
	x.out.PutInt(n)
	for range n {
		x.out.PutString(d.text(maxName)) // database
		x.out.PutString(d.text(maxName)) // table
		x.out.PutBool(false)
	}
	if d.err != nil {
		return fmt.Errorf("read tables status request: %w", d.err)
	}
	return x.flush()
}
