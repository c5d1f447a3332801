// Package cassandratest is a server that speaks Cassandra's native protocol as far as drivers need it: versions 3 to 5, LZ4 and Snappy, prepared
// statements, errors. It keeps no data: every SELECT has one row.
package cassandratest

import (
	"crypto/md5" //nolint:gosec // what Cassandra makes ids of
	"encoding/binary"
	"errors"
	"net"
	"strings"
	"sync"
)

// Large is the length of the value that a SELECT from a table with "large" in its name finds.
const Large = 300_000

// Server answers every connection of a listener until that is closed.
type Server struct {
	Versions map[byte]bool // that it speaks; nil: all

	mu       sync.Mutex
	prepared map[string]string // :: id → text
}

// Serve returns when the listener is closed.
func (s *Server) Serve(l net.Listener) error {
	s.prepared = map[string]string{}
	for {
		c, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return nil
			}
			return err
		}
		go func() {
			defer c.Close()
			_ = (&session{server: s, wire: wire{conn: c}}).run() // a client that goes away is none of a server's troubles
		}()
	}
}

type session struct {
	wire
	server   *Server
	keyspace string
}

func (s *session) run() error {
	for {
		e, err := s.read()
		if err != nil {
			return err
		}
		if e.version > 5 || s.server.Versions != nil && !s.server.Versions[e.version] {
			e.version = 4
			return s.write(e, 0x00, failure(0x000a, "Invalid or unsupported protocol version (5); supported versions are (3/v3, 4/v4)"))
		}
		opcode, body := s.answer(e)
		if err := s.write(e, opcode, body); err != nil {
			return err
		}
		if e.opcode == 0x01 && e.version == 5 {
			s.segmented = true
		}
	}
}

func (s *session) answer(e envelope) (opcode byte, body []byte) {
	switch e.opcode {
	case 0x05: // OPTIONS → SUPPORTED
		return 0x06, concat(short(2), str("CQL_VERSION"), short(1), str("3.4.5"), str("COMPRESSION"), short(2), str("snappy"), str("lz4"))
	case 0x01: // STARTUP → READY
		for _, algorithm := range []string{"lz4", "snappy"} {
			if strings.Contains(string(e.body), "COMPRESSION\x00"+string(rune(len(algorithm)))+algorithm) {
				s.compression = algorithm
			}
		}
		return 0x02, nil
	case 0x0b: // REGISTER → READY
		return 0x02, nil
	case 0x07:
		n := binary.BigEndian.Uint32(e.body)
		return s.execute(string(e.body[4 : 4+n]))
	case 0x09:
		n := binary.BigEndian.Uint32(e.body)
		return s.prepare(e.version, string(e.body[4:4+n]))
	case 0x0a:
		id := string(e.body[2 : 2+binary.BigEndian.Uint16(e.body)])
		s.server.mu.Lock()
		text, ok := s.server.prepared[id]
		s.server.mu.Unlock()
		if !ok {
			return 0x00, concat(failure(0x2500, "Prepared query with ID 0a1b not found"), str(id))
		}
		return s.execute(text)
	case 0x0d:
		return 0x08, number(1)
	}
	return 0x00, failure(0x000a, "what is that?")
}

func (s *session) execute(text string) (opcode byte, body []byte) {
	switch word, rest, _ := strings.Cut(text, " "); {
	case strings.Contains(text, "missing"):
		return 0x00, failure(0x2200, "table missing does not exist")
	case word == "USE":
		s.keyspace = strings.Trim(rest, `"`)
		return 0x08, concat(number(3), str(s.keyspace))
	case strings.Contains(text, "system.local"):
		return 0x08, local
	case strings.Contains(text, "system.peers"), strings.Contains(text, "system_schema"):
		return 0x08, concat(number(2), number(1), number(0), str("system"), str("peers"), number(0))
	case strings.Contains(text, "large"):
		return 0x08, rows("shop", "large", [][3]string{{"name", varchar, strings.Repeat("0123456789", Large/10)}})
	case word == "SELECT":
		return 0x08, rows("shop", "items", [][3]string{{"name", varchar, "a name"}})
	}
	return 0x08, number(1)
}

func (s *session) prepare(version byte, text string) (opcode byte, body []byte) {
	if strings.Contains(text, "nothing") {
		return 0x00, failure(0x2200, `Invalid STRING constant (swordfish) for "id" of type uuid`)
	}
	id := md5.Sum([]byte(s.keyspace + text)) //nolint:gosec // as above
	s.server.mu.Lock()
	s.server.prepared[string(id[:])] = text
	s.server.mu.Unlock()
	body = concat(number(4), str(string(id[:])))
	if version == 5 {
		body = concat(body, str(string(id[:])))
	}
	n := strings.Count(text, "?")
	body = concat(body, number(1), number(n))
	if version >= 4 {
		body = concat(body, number(0))
	}
	body = concat(body, str("shop"), str("items"))
	for range n {
		body = concat(body, str("v"), []byte(varchar))
	}
	if strings.HasPrefix(text, "SELECT") {
		return 0x08, concat(body, number(1), number(1), str("shop"), str("items"), str("name"), []byte(varchar))
	}
	return 0x08, concat(body, number(4), number(0))
}
