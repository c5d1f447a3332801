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
	var open *engine.Insert
	defer func() {
		if open != nil {
			open.Abort()
		}
	}()
	for {
		block, rows, cancel, err := x.nextBlock()
		if err != nil {
			return nil, err
		}
		if cancel {
			return wasCancelled(), nil
		}
		if rows == 0 {
			break
		}
		if failed != nil { // the client hears of it when it has sent everything
			continue
		}
		if open == nil {
			if open, failed = x.engine.Insert(ins.head); failed != nil {
				continue
			}
		}
		failed = open.Append(block)
	}
	if failed != nil || open == nil {
		return failed, nil
	}
	rows, failed := open.Commit()
	open = nil
	if failed == nil {
		x.progress(proto.Progress{WroteRows: rows})
	}
	return failed, nil
}

// nextBlock reads the next packet of an insert: a block, of no rows at the end, or a cancel.
func (x *session) nextBlock() (block []byte, rows int, cancel bool, err error) {
	x.hurry(receiveTimeout)
	code, err := x.wire.ReadByte()
	if err != nil {
		return nil, 0, false, err
	}
	switch proto.ClientCode(code) {
	case proto.ClientCodeCancel:
		return nil, 0, true, nil
	case proto.ClientCodeData:
		block, rows, err = x.readBlock()
		return block, rows, false, err
	}
	return nil, 0, false, fmt.Errorf("unexpected packet %d during an insert", code)
}
