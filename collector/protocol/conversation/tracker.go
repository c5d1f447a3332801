package conversation

import (
	"bytes"
	"errors"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/midwatch/midwatch/collector/probe"
	"github.com/midwatch/midwatch/collector/protocol"
)

// Bounds of the tracker.
const (
	defaultConnections = 8192
	maxHeld            = 8  // answers held back until their request shows up
	maxTries           = 16 // chunks of an old connection looked at before it counts as unknown
)

// Peer is where a call was seen: a process and its end of a connection.
type Peer struct {
	Sock      uint64
	TGID, TID uint32 // of the last chunk of the call
	Cgroup    uint64
	probe.Endpoints
	Role    probe.Role // RoleServer or RoleClient, proven by the kernel or, on old connections, by who sent the request
	Request Request
}

// Config of a Tracker.
type Config struct {
	// OnCall receives every completed call. Required. It runs on the goroutine that feeds the tracker.
	OnCall func(Peer, protocol.Call)
	// Mute, if not nil, is told connections of which no more chunks are wanted.
	Mute func(sock uint64)
	// MaxConnections bounds the connections followed; past it the one idle longest is forgotten. 0 means 8192.
	MaxConnections int
}

// Stats counts what a tracker did since it was made.
type Stats struct {
	Calls    uint64
	Unknown  uint64 // connections that speak no protocol we know
	GivenUp  uint64 // connections whose parser gave up
	Broken   uint64 // of those, by a panic: always a bug, but never the node agent's end
	Evicted  uint64 // connections forgotten because there were too many
	Unpaired uint64 // chunks of answers whose request was never seen
}

// Tracker follows connections. It is used by one goroutine.
type Tracker struct {
	cfg      Config
	dialects []dialect
	pushes   []dialect
	conns    *simplelru.LRU[uint64, *conn] // :: probe's socket id → its connection
	stats    Stats
}

// conn is one end of one connection.
type conn struct {
	peer   Peer
	parser protocol.Parser // nil while the protocol is unknown
	dead   bool            // of no more interest, though chunks may still be on their way
	tries  int
	begun  *probe.Chunk       // copy of the last chunk, which may be the head of what comes next
	held   []protocol.Segment // copies of answers that wait for their request
	asked  int64              // bytes of requests that the parser was given
	places []place            // :: the last of the transfers they came in, oldest first
}

// maxHead is how long the heads of messages are at most that programs read by themselves, before the rest: Kafka's brokers, MariaDB, MongoDB.
const maxHead = 16

// New returns an empty tracker.
func New(cfg Config) (*Tracker, error) {
	if cfg.OnCall == nil {
		return nil, errors.New("conversation: Config.OnCall is required")
	}
	if cfg.MaxConnections == 0 {
		cfg.MaxConnections = defaultConnections
	}
	if cfg.Mute == nil {
		cfg.Mute = func(uint64) {}
	}
	conns, err := simplelru.NewLRU[uint64, *conn](cfg.MaxConnections, nil)
	if err != nil {
		return nil, err
	}
	return &Tracker{cfg: cfg, dialects: dialects(), pushes: pushes(), conns: conns}, nil
}

// Stats returns the counts so far.
func (t *Tracker) Stats() Stats { return t.stats }

// Chunk takes one chunk. It keeps nothing of c.
func (t *Tracker) Chunk(c *probe.Chunk) {
	k, ok := t.conns.Get(c.Sock)
	if !ok {
		if probe.IsSecure(c.Sock) { // nothing more comes of what was encrypted
			t.conns.Remove(probe.Opened(c.Sock))
		}
		k = &conn{}
		if t.conns.Add(c.Sock, k) {
			t.stats.Evicted++
		}
	}
	if k.dead {
		return
	}
	role := k.peer.Role
	if role == probe.RoleUnknown {
		role = c.Role
	}
	ends := c.Endpoints
	if !ends.Remote.IsValid() { // a TLS library told of it before it was known which connection that is
		ends = k.peer.Endpoints
	}
	k.peer = Peer{Sock: c.Sock, TGID: c.TGID, TID: c.TID, Cgroup: c.Cgroup, Endpoints: ends, Role: role}
	if k.parser == nil && !t.recognize(k, c) {
		return
	}
	t.take(k, c)
}

// Closed ends a connection.
func (t *Tracker) Closed(c probe.Closed) {
	k, ok := t.conns.Peek(c.Sock)
	if !ok {
		return
	}
	t.conns.Remove(c.Sock)
	if k.parser != nil {
		t.survive(func() bool { k.parser.Close(c.Time); return true })
	}
}

// End ends every connection, those in use longest ago first.
func (t *Tracker) End(at time.Time) {
	for _, sock := range t.conns.Keys() {
		t.Closed(probe.Closed{Sock: sock, Time: at})
	}
}

// recognize finds the parser of a connection by a chunk of it, and by one before that may be its head. It returns false if the chunk is not to be parsed.
func (t *Tracker) recognize(k *conn, c *probe.Chunk) bool {
	if k.peer.Role != probe.RoleUnknown && direction(k.peer.Role, c) == protocol.Response {
		t.hold(k, segment(k.peer.Role, c))
		return false
	}
	head, data := k.begun, c.Data
	k.begun = nil
	if head != nil && head.Direction == c.Direction {
		data = append(bytes.Clone(head.Data), c.Data...)
	} else {
		head = nil
	}
	d := t.speaks(k, data)
	if d == nil && k.peer.Role == probe.RoleUnknown {
		d = t.pushed(k, c, data)
	}
	if d != nil {
		t.begin(k, d, c)
		return head == nil || t.take(k, head)
	}
	if head == nil && len(c.Data) <= maxHead && c.Size == len(c.Data) {
		k.begun = &probe.Chunk{Direction: c.Direction, Time: c.Time, Size: c.Size, Data: bytes.Clone(c.Data), Placed: c.Placed, First: c.First}
		if k.peer.Role != probe.RoleUnknown {
			return false
		}
	}
	if k.tries++; k.peer.Role != probe.RoleUnknown || k.tries >= maxTries {
		t.stats.Unknown++
		t.abandon(k)
	}
	return false
}

// speaks finds the dialect of what a connection begins or goes on with, nil if there is none.
func (t *Tracker) speaks(k *conn, data []byte) *dialect {
	for i, d := range t.dialects {
		if k.peer.Role != probe.RoleUnknown && d.opens(data) || k.peer.Role == probe.RoleUnknown && d.resumes(data) {
			return &t.dialects[i]
		}
	}
	return nil
}

// pushed finds the dialect of an old connection by what only its servers send.
func (t *Tracker) pushed(k *conn, c *probe.Chunk, data []byte) *dialect {
	for i, d := range t.pushes {
		if d.resumes(data) {
			k.peer.Role = probe.RoleServer + probe.RoleClient - sender(c)
			return &t.pushes[i]
		}
	}
	return nil
}

// begin follows a connection from a chunk on that is a request.
func (t *Tracker) begin(k *conn, d *dialect, c *probe.Chunk) {
	if k.peer.Role == probe.RoleUnknown {
		k.peer.Role = sender(c)
	}
	k.parser = d.parse(func(call protocol.Call) {
		t.stats.Calls++
		peer := k.peer
		peer.Request = k.request(call)
		t.cfg.OnCall(peer, call)
	})
}

func (t *Tracker) abandon(k *conn) {
	k.dead, k.parser, k.held, k.begun = true, nil, nil, nil
	t.cfg.Mute(k.peer.Sock)
}

// take gives a chunk to the parser, and remembers where requests stand. It returns false if the parser gave up.
func (t *Tracker) take(k *conn, c *probe.Chunk) bool {
	s := segment(k.peer.Role, c)
	if s.Direction == protocol.Request {
		k.answered()
		k.note(c)
	}
	return t.feed(k, s)
}

// feed gives a segment to the parser, and what waited for it. It returns false if the parser gave up.
func (t *Tracker) feed(k *conn, s protocol.Segment) bool {
	if s.Direction == protocol.Response && k.parser.Idle() {
		t.hold(k, s)
		return true
	}
	if !t.parse(k, s) {
		return false
	}
	if s.Direction == protocol.Response || len(k.held) == 0 {
		return true
	}
	waiting := k.held
	k.held = nil
	for _, h := range waiting {
		if h.At.Before(s.At) { // the end of something that began before we looked
			t.stats.Unpaired++
		} else if !t.parse(k, h) {
			return false
		}
	}
	return true
}

func (t *Tracker) parse(k *conn, s protocol.Segment) bool {
	if t.survive(func() bool { return s.Feed(k.parser) }) {
		return true
	}
	t.stats.GivenUp++
	t.abandon(k)
	return false
}

// survive runs a parser on bytes that anyone may have sent.
func (t *Tracker) survive(parse func() bool) (ok bool) {
	defer func() {
		if recover() != nil {
			t.stats.Broken++
			ok = false
		}
	}()
	return parse()
}

// hold keeps an answer that overtook its request: a write is reported when it returns, and by then another thread may
// have read what the peer answered.
func (t *Tracker) hold(k *conn, s protocol.Segment) {
	if len(k.held) == maxHeld {
		t.stats.Unpaired++
		k.held = k.held[1:]
	}
	s.Head, s.Tail = bytes.Clone(s.Head), bytes.Clone(s.Tail)
	k.held = append(k.held, s)
}

func segment(r probe.Role, c *probe.Chunk) protocol.Segment {
	return protocol.Segment{Direction: direction(r, c), At: c.Time, Size: int64(c.Size), Head: c.Data, Tail: c.Tail}
}

// direction says which way a chunk went between the two ends.
func direction(r probe.Role, c *probe.Chunk) protocol.Direction {
	if (r == probe.RoleServer) == (c.Direction == probe.Receive) {
		return protocol.Request
	}
	return protocol.Response
}

// sender is the role of a process that sent or received a request in this chunk.
func sender(c *probe.Chunk) probe.Role {
	if c.Direction == probe.Receive {
		return probe.RoleServer
	}
	return probe.RoleClient
}
