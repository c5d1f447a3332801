package server

import (
	"errors"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/midwatch/midwatch/deploy/clickhouse/engine"
)

// exception answers with an error, under ClickHouse's code where it has one.
func (x *session) exception(err error) {
	e := proto.Exception{Code: 1001, Name: "DB::Exception", Message: err.Error()}
	var known *engine.Exception
	if errors.As(err, &known) {
		e.Code = proto.Error(known.Code)
	}
	proto.ServerCodeException.Encode(&x.out)
	e.EncodeAware(&x.out, x.revision)
}

// flush sends the output.
func (x *session) flush() error {
	x.writing.Lock()
	defer x.writing.Unlock()
	if err := x.conn.SetWriteDeadline(time.Now().Add(x.cfg.Timeouts.Send)); err != nil {
		return err
	}
	_, err := x.conn.Write(x.out.Buf)
	x.out.Buf = x.out.Buf[:0]
	if cap(x.out.Buf) > keepBuffer {
		x.out.Buf = nil
	}
	return err
}

func unsupported(what string) error {
	return &engine.Exception{Code: engine.CodeNotImplemented, Message: "DB::Exception: " + what + " are not supported. (NOT_IMPLEMENTED)"}
}

func wasCancelled() error {
	return &engine.Exception{Code: engine.CodeQueryWasCancelled, Message: "DB::Exception: Query was cancelled. (QUERY_WAS_CANCELLED)"}
}
