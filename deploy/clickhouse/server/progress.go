package server

import (
	"sync/atomic"
	"time"

	"github.com/ClickHouse/ch-go/proto"
)

// reportEvery is how often a client hears of a query that sends nothing. ch-go hangs up after three silent seconds.
const reportEvery = 500 * time.Millisecond

// told is how far a client knows its query to be. Packets of progress carry what has been added since the one before.
type told struct {
	rows, bytes, total atomic.Uint64
	arrived            struct{ rows, bytes uint64 } // read for what has been sent of the result
	packets            atomic.Uint64
}

// progress puts into the output that so many more rows were read for the result, as far as the client does not know.
func (x *session) progress(rows, bytes uint64) {
	x.told.arrived.rows += rows
	x.told.arrived.bytes += bytes
	x.told.packets.Add(1)
	p := x.told.until(x.told.arrived.rows, x.told.arrived.bytes, 0)
	if p.Rows > 0 {
		x.encode(&x.out, p)
	}
}

// wrote puts into the output that so many rows were stored.
func (x *session) wrote(rows, bytes uint64) {
	x.encode(&x.out, proto.Progress{WroteRows: rows, WroteBytes: bytes})
}

func (x *session) encode(out *proto.Buffer, p proto.Progress) {
	proto.ServerCodeProgress.Encode(out)
	p.EncodeAware(out, x.revision)
}

// until is what has to be told for the client to know of so much.
func (t *told) until(rows, bytes, total uint64) proto.Progress {
	return proto.Progress{Rows: rise(&t.rows, rows), Bytes: rise(&t.bytes, bytes), TotalRows: rise(&t.total, total)}
}

// rise lifts a number to at least to and returns by how much.
func rise(n *atomic.Uint64, to uint64) uint64 {
	for {
		from := n.Load()
		if to <= from {
			return 0
		}
		if n.CompareAndSwap(from, to) {
			return to - from
		}
	}
}

// report tells the client how far its query is, as long as nothing else is sent, until ended.
func (x *session) report(ended <-chan struct{}) {
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for last := uint64(0); ; {
		select {
		case <-ended:
			return
		case <-tick.C:
		}
		if n := x.told.packets.Load(); n != last {
			last = n
			continue
		}
		var now far
		select {
		case <-ended:
			return
		case now = <-x.asker.ask(x.name):
		}
		var b proto.Buffer
		x.encode(&b, x.told.until(now.rows, now.bytes, now.total))
		x.writing.Lock()
		_ = x.conn.SetWriteDeadline(time.Now().Add(x.cfg.Timeouts.Send)) // fails only on a closed connection, as the write will
		_, err := x.conn.Write(b.Buf)
		x.writing.Unlock()
		if err != nil {
			return // the reader of this connection hears of it, too
		}
	}
}
