package engine

import (
	"errors"
	"runtime"
)

// Stream is a running query whose result comes block by block, in Native format.
type Stream struct {
	session  *Session
	res      ptr
	finished bool
}

// Stream starts a query. The engine streams SELECT and WITH only; for the rest there is Query.
func (s *Session) Stream(q string, params ...Param) (*Stream, error) {
	a := arrays(params)
	res := s.lib.stream(s.conn, text(q), uintptr(len(q)), text(native), uintptr(len(native)),
		first(a.names), first(a.nameLens), first(a.values), first(a.valueLens), uintptr(len(params)))
	runtime.KeepAlive(a)
	if res == nil {
		return nil, errors.New("the ClickHouse engine returned no stream")
	}
	if err := exception(s.lib.err(res)); err != nil {
		s.lib.destroy(res)
		return nil, err
	}
	return &Stream{session: s, res: res}, nil
}

// Next returns the next block, or nil and no error at the end.
func (s *Stream) Next() (*Result, error) {
	r, err := s.session.lib.result(s.session.lib.fetch(s.session.conn, s.res))
	if err != nil {
		return nil, err
	}
	if len(r.Data) == 0 {
		r.Close()
		s.finished = true
		return nil, nil
	}
	return r, nil
}

// Close ends the query if it still runs.
func (s *Stream) Close() {
	if !s.finished {
		s.session.lib.cancelQuery(s.session.conn, s.res)
	}
	s.session.lib.destroy(s.res)
}
