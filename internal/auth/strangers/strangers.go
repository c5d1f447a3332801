// Package strangers bounds how many connections may be open whose clients have not said who they are.
package strangers

import (
	"net"
	"slices"
	"sync"
)

// Max is how many those may be. Each takes 20 to 100 KiB.
const Max = 1024

// Conns are such connections, the oldest first. When there are too many, the oldest goes: who has a certificate or a token needs milliseconds, and who
// has none cannot keep others out by being slow. The zero value is ready; safe for concurrent use.
type Conns struct {
	mu    sync.Mutex
	conns []net.Conn
}

// Add has a connection that was just accepted.
func (s *Conns) Add(c net.Conn) {
	s.mu.Lock()
	var oldest net.Conn
	if len(s.conns) == Max {
		oldest = s.conns[0] // a statement of its own: Delete moves the others
		s.conns = slices.Delete(s.conns, 0, 1)
	}
	s.conns = append(s.conns, c)
	s.mu.Unlock()
	if oldest != nil {
		_ = oldest.Close() // nobody is there to be told
	}
}

// Remove forgets a connection whose client is known, or that is closed.
func (s *Conns) Remove(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.conns, c); i >= 0 {
		s.conns = slices.Delete(s.conns, i, i+1)
	}
}
