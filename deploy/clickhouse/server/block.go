package server

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/midwatch/midwatch/deploy/clickhouse/native"
)

const (
	keepBuffer = 16 << 20 // buffers that grew beyond this are not kept for the next block
	frame      = 1 << 20  // uncompressed bytes of one compressed frame
)

// readBlock reads the rest of a Data packet and returns its block in the engine's form, valid until the next call.
func (x *session) readBlock() (block []byte, rows int, err error) {
	d := decoder{r: x.wire}
	d.text(maxName) // name of an external table
	if d.err == nil && x.compress {
		d.r = x.plain
	}
	d.blockInfo()
	if d.err != nil {
		return nil, 0, fmt.Errorf("read block: %w", d.err)
	}
	if cap(x.in) > keepBuffer {
		x.in = nil
	}
	w := native.Walker{R: d.r, Out: x.in[:0]}
	_, rows, err = w.Block(proto.FeatureCustomSerialization.In(x.revision), false)
	x.in = w.Out
	if err != nil {
		return nil, 0, fmt.Errorf("read block: %w", err)
	}
	return w.Out, rows, nil
}

// blocks puts the engine's blocks into the output. It returns native.ErrMalformed for a type that cannot be sent.
func (x *session) blocks(data []byte) (rows int, err error) {
	r := bufio.NewReaderSize(bytes.NewReader(data), min(len(data)+16, bufferSize))
	w := native.Walker{R: r, Out: make([]byte, 0, len(data)+1024)}
	for {
		if _, err := r.Peek(1); errors.Is(err, io.EOF) {
			return rows, nil
		}
		w.Out = w.Out[:0]
		_, n, err := w.Block(false, proto.FeatureCustomSerialization.In(x.revision))
		if err != nil {
			return rows, err
		}
		rows += n
		if err := x.data(w.Out); err != nil {
			return rows, err
		}
	}
}

// data puts a Data packet into the output.
func (x *session) data(block []byte) error {
	proto.ServerCodeData.Encode(&x.out)
	x.out.PutString("") // of no external table
	var b proto.Buffer
	proto.BlockInfo{BucketNum: -1}.Encode(&b)
	if !x.compress {
		x.out.Buf = append(append(x.out.Buf, b.Buf...), block...)
		return nil
	}
	for rest := append(b.Buf, block...); len(rest) > 0; {
		n := min(len(rest), frame)
		if err := x.lz4.Compress(rest[:n]); err != nil {
			return fmt.Errorf("compress block: %w", err)
		}
		x.out.Buf, rest = append(x.out.Buf, x.lz4.Data...), rest[n:]
	}
	return nil
}
