package protocoltest

import (
	"bytes"
	"context"
	"net"
	"sync"
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
)

// What the kernel side keeps of a transfer.
const (
	headKept = 4 << 10
	tailKept = 128
)

// Recorder dials, and keeps what clients and servers tell each other as the kernel side would. Safe for concurrent use.
type Recorder struct {
	mu    sync.Mutex
	conns []*recorded
}

// DialContext connects as a net.Dialer does.
func (r *Recorder) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	k := &recorded{Conn: c}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns = append(r.conns, k)
	return k, nil
}

// Conversations are what was said so far, one for each connection, in the order in which they were made.
func (r *Recorder) Conversations() (all []Conversation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		c.mu.Lock()
		all = append(all, append(Conversation(nil), c.said...))
		c.mu.Unlock()
	}
	return all
}

type recorded struct {
	net.Conn

	mu   sync.Mutex
	said Conversation
}

// Write notes what it sends first: the answer may come before it returns.
func (c *recorded) Write(b []byte) (int, error) {
	c.note(protocol.Request, b)
	return c.Conn.Write(b)
}

func (c *recorded) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.note(protocol.Response, b[:n])
	return n, err
}

func (c *recorded) note(d protocol.Direction, b []byte) {
	if len(b) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	head := b[:min(len(b), headKept)]
	tail := b[max(len(head), len(b)-tailKept):]
	c.said = append(c.said, protocol.Segment{Direction: d, At: time.Now(), Size: int64(len(b)), Head: bytes.Clone(head), Tail: bytes.Clone(tail)})
}
