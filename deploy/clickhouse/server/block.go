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

// keepBuffer is the most that a buffer may have grown to if it is to be kept for the next block.
const keepBuffer = 16 << 20

// readBlock reads the rest of a Data packet and gives its block, in the engine's form and in pieces, to take. Of a block
// without rows take gets nothing. An error of take's is returned.
func (x *session) readBlock(take func(piece []byte) error) (rows int, err error) {
	d := decoder{r: x.wire}
	d.text(maxName) // name of an external table
	if d.err == nil && x.compress {
		d.r = x.plain
	}
	d.blockInfo()
	if d.err != nil {
		return 0, fmt.Errorf("read block: %w", d.err)
	}
	w := native.Walker{R: d.r, Out: x.copied[:0], Sink: take}
	_, rows, err = w.Block(proto.FeatureCustomSerialization.In(x.revision), false)
	x.keep(w.Out)
	if err != nil {
		return 0, fmt.Errorf("read block: %w", err)
	}
	if rows > 0 {
		err = take(w.Out)
	}
	return rows, err
}

// keep keeps what a walker copied to for the next one, unless it has become too large.
func (x *session) keep(b []byte) {
	if x.copied = b; cap(b) > keepBuffer {
		x.copied = nil
	}
}

// blocks puts the engine's blocks into the output. It returns native.ErrMalformed for a type that cannot be sent; the
// output is as it was then.
func (x *session) blocks(data []byte) (rows int, err error) {
	r := bufio.NewReaderSize(bytes.NewReader(data), min(len(data)+16, bufferSize))
	start := len(x.out.Buf)
	for {
		if _, err := r.Peek(1); errors.Is(err, io.EOF) {
			return rows, nil
		}
		w := native.Walker{R: r, Out: x.beginData(), Sink: x.piece}
		_, n, err := w.Block(false, proto.FeatureCustomSerialization.In(x.revision))
		x.keep(w.Out)
		if err == nil {
			err = x.piece(w.Out)
		}
		if err != nil {
			x.out.Buf = x.out.Buf[:start]
			return rows, err
		}
		rows += n
	}
}

// data puts a Data packet into the output.
func (x *session) data(block []byte) error {
	return x.piece(append(x.beginData(), block...))
}

// beginData begins a Data packet and returns what its block has to stand behind.
func (x *session) beginData() []byte {
	proto.ServerCodeData.Encode(&x.out)
	x.out.PutString("") // of no external table
	b := proto.Buffer{Buf: x.copied[:0]}
	proto.BlockInfo{BucketNum: -1}.Encode(&b)
	return b.Buf
}

// piece puts a piece of a Data packet into the output: as a frame, if the client wants them. An empty frame would be left
// unread by the client and then taken for a packet.
func (x *session) piece(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if !x.compress {
		x.out.Buf = append(x.out.Buf, p...)
		return nil
	}
	if err := x.lz4.Compress(p); err != nil {
		return fmt.Errorf("compress block: %w", err)
	}
	x.out.Buf = append(x.out.Buf, x.lz4.Data...)
	return nil
}
