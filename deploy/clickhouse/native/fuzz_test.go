package native

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"testing"
)

// FuzzBlock feeds arbitrary bytes. The walk may only succeed or say why not, and must copy what it read.
func FuzzBlock(f *testing.F) {
	for _, b := range blocks {
		f.Add(b.bytes, false)
	}
	f.Add([]byte("\x01\x01\x01c\x0bFixedString\x00"), false)
	f.Add([]byte("\x01\x01\x01c\x0eLowCardinality\x00\x00"), true)
	f.Fuzz(func(t *testing.T, in []byte, flags bool) {
		w := Walker{R: bufio.NewReaderSize(bytes.NewReader(in), 64)}
		_, _, err := w.Block(flags, flags)
		if err != nil && !errors.Is(err, ErrMalformed) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			if err.Error() != "binary: varint overflows a 64-bit integer" {
				t.Fatalf("unexpected error: %v", err)
			}
		}
		if len(w.Out) > 2*len(in)+chunk+16 {
			t.Fatalf("%d bytes in made %d bytes out", len(in), len(w.Out))
		}
	})
}
