package engine

import (
	"errors"
	"runtime"
)

// native is the format in which results and inserted rows cross the C interface.
const native = "Native"

// Session is one session of the engine: its own current database, settings and temporary tables. It runs one statement
// at a time and is not safe for concurrent use; several sessions run in parallel.
type Session struct {
	lib    *Library
	handle ptr // chdb_connection *, which closes the session
	conn   ptr // the chdb_connection itself, which everything else wants
}

// Open opens a session with the arguments of clickhouse-local, such as --path=DIR. The first one of a process decides
// path and configuration, and the engine lives until the last one is closed.
func (l *Library) Open(args ...string) (*Session, error) {
	argv := make([]*byte, 0, len(args)+2)
	for _, a := range append([]string{"clickhouse"}, args...) {
		argv = append(argv, &append([]byte(a), 0)[0])
	}
	n := len(argv)
	argv = append(argv, nil)
	h := l.connect(int32(n), ptr(&argv[0]))
	runtime.KeepAlive(argv)
	if h == nil {
		return nil, errors.New("open a session of the ClickHouse engine: refused; its data directory may be unreadable or in use")
	}
	return &Session{lib: l, handle: h, conn: *(*ptr)(h)}, nil
}

// Close ends the session, with its temporary tables.
func (s *Session) Close() { s.lib.close(s.handle) }

// Query runs a statement to its end and returns the whole result, in the format named.
func (s *Session) Query(q, format string, params ...Param) (*Result, error) {
	a := arrays(params)
	res := s.lib.query(s.conn, text(q), uintptr(len(q)), text(format), uintptr(len(format)),
		first(a.names), first(a.nameLens), first(a.values), first(a.valueLens), uintptr(len(params)))
	runtime.KeepAlive(a)
	return s.lib.result(res)
}

// Exec runs a statement whose result does not matter.
func (s *Session) Exec(q string, params ...Param) error {
	r, err := s.Query(q, native, params...)
	if err == nil {
		r.Close()
	}
	return err
}

// Text runs a statement and returns its result as text in the format named.
func (s *Session) Text(q, format string, params ...Param) (string, error) {
	r, err := s.Query(q, format, params...)
	if err != nil {
		return "", err
	}
	defer r.Close()
	return string(r.Data), nil
}
