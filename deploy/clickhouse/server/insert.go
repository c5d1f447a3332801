package server

import (
	"fmt"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/midwatch/midwatch/deploy/clickhouse/engine"
)

// insert sends the sample block, then passes the client's blocks to the engine until the empty one. The client has its
// answer only after the engine stored the rows.
func (x *session) insert(ins *insertion) (failed, err error) {
	failed = x.header(statement{verb: "SELECT", text: "SELECT " + ins.columns + " FROM " + ins.target}, nil)
	if failed != nil {
		return failed, nil
	}
	if err := x.flush(); err != nil {
		return nil, err
	}
	f := feed{session: x.engine, head: ins.head}
	defer f.abort()
	for {
		rows, cancel, err := x.nextBlock(f.take)
		if err != nil {
			return nil, err
		}
		if cancel {
			return wasCancelled(), nil
		}
		if rows == 0 {
			break
		}
	}
	stop := x.watch()
	stored, failed := f.commit()
	stop() // a cancel that came too late changes nothing: the rows are stored, and that is the answer
	if failed == nil {
		x.wrote(stored, 0)
	}
	return failed, nil
}

// nextBlock reads the next packet of an insert: a block, of no rows at the end, or a cancel.
func (x *session) nextBlock(take func([]byte) error) (rows int, cancel bool, err error) {
	x.hurry(receiveTimeout)
	code, err := x.wire.ReadByte()
	if err != nil {
		return 0, false, err
	}
	switch proto.ClientCode(code) {
	case proto.ClientCodeCancel:
		return 0, true, nil
	case proto.ClientCodeData:
		rows, err = x.readBlock(take)
		return rows, false, err
	}
	return 0, false, fmt.Errorf("unexpected packet %d during an insert", code)
}

// feed is an insert of the engine that is opened by the first piece of a block.
type feed struct {
	session *engine.Session
	head    string
	insert  *engine.Insert
	failed  error // of the engine; the client hears of it when it has sent everything
}

// take passes a piece of a block on.
func (f *feed) take(piece []byte) error {
	if f.failed == nil && f.insert == nil {
		f.insert, f.failed = f.session.Insert(f.head)
	}
	if f.failed == nil {
		f.failed = f.insert.Append(piece)
	}
	return nil
}

// commit stores what was taken and returns how many rows that is.
func (f *feed) commit() (rows uint64, err error) {
	if f.failed != nil || f.insert == nil {
		return 0, f.failed
	}
	rows, err = f.insert.Commit()
	f.insert = nil
	return rows, err
}

// abort drops what was not committed.
func (f *feed) abort() {
	if f.insert != nil {
		f.insert.Abort()
	}
}
