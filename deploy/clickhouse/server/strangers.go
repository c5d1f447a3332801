package server

import (
	"net"
	"slices"
	"sync"
)

// maxStrangers is how many connections may be open that have not said who they are. Each takes some 20 KiB.
const maxStrangers = 1024

// strangers are the connections that have not said who they are, the oldest first. When there are too many, the oldest goes: who has a
// certificate needs milliseconds, and who has none cannot keep others out by being slow.
type strangers struct {
	sync.Mutex
	conns []net.Conn
}

func (s *strangers) add(c net.Conn) {
	s.Lock()
	var oldest net.Conn
	if len(s.conns) == maxStrangers {
		oldest = s.conns[0] // a statement of its own: Delete moves the others
		s.conns = slices.Delete(s.conns, 0, 1)
	}
	s.conns = append(s.conns, c)
	s.Unlock()
	if oldest != nil {
		oldest.Close()
	}
}

// remove forgets a connection whose client is known, or that is closed.
func (s *strangers) remove(c net.Conn) {
	s.Lock()
	defer s.Unlock()
	if i := slices.Index(s.conns, c); i >= 0 {
		s.conns = slices.Delete(s.conns, i, i+1)
	}
}
