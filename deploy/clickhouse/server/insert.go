package server

import (
	"fmt"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/midwatch/midwatch/deploy/clickhouse/engine"
)

// insert sends the sample block, then passes the client's blocks to the engine until the empty one. The client has its
// answer only after the engine stored the rows. The engine's insert is open before the client may send a row: from then on it is in
// system.processes, where whoever has to know sees that rows may be on their way.
func (x *session) insert(ins *insertion) (failed, err error) {
	start := len(x.out.Buf)
	failed = x.header(statement{verb: "SELECT", text: "SELECT " + ins.columns + " FROM " + ins.target}, nil)
	if failed != nil {
		return failed, nil
	}
	opened, failed := x.engine.Insert(ins.head)
	if failed != nil {
		x.out.Buf = x.out.Buf[:start]
		return failed, nil
	}
	f := feed{insert: opened}
	defer f.abort()
	if err := x.flush(); err != nil {
		return nil, err
	}
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
	x.hurry(x.cfg.Timeouts.Receive)
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

// feed is an open insert of the engine.
type feed struct {
	insert *engine.Insert // nil when it is over
	failed error          // of the engine; the client hears of it when it has sent everything
}

// take passes a piece of a block on.
func (f *feed) take(piece []byte) error {
	if f.failed == nil {
		f.failed = f.insert.Append(piece)
	}
	return nil
}

// commit stores what was taken and returns how many rows that is. An insert of nothing is committed, too: one that is aborted stays in
// system.processes until its session does something else.
func (f *feed) commit() (rows uint64, err error) {
	if f.failed != nil {
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
