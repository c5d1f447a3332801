package strangers

import (
	"net"
	"sync"
)

// Listener takes everybody for a stranger until told otherwise. Safe for concurrent use.
type Listener struct {
	net.Listener
	strangers Conns

	mu   sync.Mutex
	open map[string]net.Conn // :: address of a stranger → its connection
}

// Listen bounds the strangers of a listener.
func Listen(l net.Listener) *Listener { return &Listener{Listener: l, open: map[string]net.Conn{}} }

// Accept waits for the next connection.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err //nolint:wrapcheck // servers compare it
	}
	s := &conn{Conn: c, of: l}
	l.mu.Lock()
	l.open[s.key()] = s
	l.mu.Unlock()
	l.strangers.Add(s)
	return s, nil
}

// Known says that whoever is at an address has said who he is.
func (l *Listener) Known(remote string) {
	l.mu.Lock()
	c, ok := l.open[remote]
	delete(l.open, remote)
	l.mu.Unlock()
	if ok {
		l.strangers.Remove(c)
	}
}

// conn is forgotten when it is closed.
type conn struct {
	net.Conn
	of *Listener
}

func (c *conn) key() string { return c.RemoteAddr().String() }

func (c *conn) Close() error {
	c.of.forget(c)
	return c.Conn.Close()
}

// forget is Known of this connection alone: at its address there may be another already.
func (l *Listener) forget(c *conn) {
	l.mu.Lock()
	if l.open[c.key()] == c {
		delete(l.open, c.key())
	}
	l.mu.Unlock()
	l.strangers.Remove(c)
}
