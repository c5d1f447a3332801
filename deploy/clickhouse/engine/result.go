package engine

import (
	"errors"
	"unsafe"
)

// Result is a finished result, or one piece of a streamed one.
type Result struct {
	Data                      []byte // in the engine's memory: dies with Close
	ReadRows, ReadBytes       uint64
	WrittenRows, WrittenBytes uint64

	lib *Library
	res ptr
}

// Close gives the result's memory back to the engine.
func (r *Result) Close() { r.lib.destroy(r.res) }

// result takes what a C function returned; it is freed here if it carries an exception.
func (l *Library) result(res ptr) (*Result, error) {
	if res == nil {
		return nil, errors.New("the ClickHouse engine returned no result")
	}
	if err := exception(l.err(res)); err != nil {
		l.destroy(res)
		return nil, err
	}
	r := &Result{
		lib: l, res: res,
		ReadRows: l.readRows(res), ReadBytes: l.readBytes(res),
		WrittenRows: l.writtenRows(res), WrittenBytes: l.writtenBytes(res),
	}
	if n := l.length(res); n > 0 {
		r.Data = unsafe.Slice((*byte)(l.buffer(res)), n)
	}
	return r, nil
}
