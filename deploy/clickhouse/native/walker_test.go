package native

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

// blocks are one-column blocks, written down by the format's description.
var blocks = []struct {
	name  string
	rows  int
	bytes []byte
}{
	{"numbers", 2, []byte("\x01\x02\x01n\x06UInt16\x01\x00\x02\x00")},
	{"strings", 3, []byte("\x01\x03\x01s\x06String\x01a\x00\x03abc")},
	{"array", 2, []byte("\x01\x02\x01a\x0cArray(UInt8)\x02\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x07\x08\x09")},
	{"nullable", 2, []byte("\x01\x02\x01n\x0fNullable(UInt8)\x01\x00\x00\x05")},
	{"map", 1, []byte("\x01\x01\x01m\x12Map(String, UInt8)\x01\x00\x00\x00\x00\x00\x00\x00\x01k\x2a")},
	{"dictionary", 2, []byte("\x01\x02\x01l\x16LowCardinality(String)\x01\x00\x00\x00\x00\x00\x00\x00" +
		"\x00\x02\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01x\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00")},
	{"tuple", 1, []byte("\x01\x01\x01t\x1aTuple(a UInt8, `b (` Date)\x01\x02\x03")},
	{"no rows", 0, []byte("\x01\x00\x01n\x06UInt16")},
}

func TestBlockIsCopied(t *testing.T) {
	for _, b := range blocks {
		t.Run(b.name, func(t *testing.T) {
			rest := "the next packet"
			in := append(bytes.Clone(b.bytes), rest...)
			for _, size := range []int{16, 4096} { // a reader that holds little, and one that holds all
				w := Walker{R: bufio.NewReaderSize(bytes.NewReader(in), size)}
				columns, rows, err := w.Block(false, false)
				if err != nil || columns != 1 || rows != b.rows {
					t.Fatalf("got %d columns, %d rows, %v", columns, rows, err)
				}
				if !bytes.Equal(w.Out, b.bytes) {
					t.Errorf("copied %q, want %q", w.Out, b.bytes)
				}
				if next, _ := w.R.ReadString(0); next != rest {
					t.Errorf("left %q, want %q", next, rest)
				}
			}
		})
	}
}

func TestFlagsAreAddedAndDropped(t *testing.T) {
	bare, flagged := "\x01\x01\x01n\x05UInt8\x2a", "\x01\x01\x01n\x05UInt8\x00\x2a"
	for _, c := range []struct {
		in, want string
		fromWire bool
	}{{bare, flagged, false}, {flagged, bare, true}} {
		w := Walker{R: bufio.NewReader(strings.NewReader(c.in))}
		if _, _, err := w.Block(c.fromWire, !c.fromWire); err != nil || string(w.Out) != c.want {
			t.Errorf("%q became %q, %v; want %q", c.in, w.Out, err, c.want)
		}
	}
}

func TestMalformedBlocks(t *testing.T) {
	column := func(typ string) string { return "\x01\x01\x01c" + string(rune(len(typ))) + typ }
	for name, in := range map[string]string{
		"unknown type":             column("Nonsense"),
		"aggregate state":          column("AggregateFunction(sum, UInt8)"),
		"array of nothing":         column("Array()"),
		"size missing":             column("FixedString"),
		"size negative":            column("FixedString(-5)"),
		"deep type":                "\x01\x01\x01c\xac\x04" + strings.Repeat("Array(", 92) + "UInt",
		"too many columns":         "\xff\xff\x03\x01",
		"too many rows":            "\x01\xff\xff\xff\xff\xff\x01",
		"array larger than memory": column("Array(UInt8)") + "\xff\xff\xff\xff\xff\xff\xff\xff",
		"string larger than block": column("String") + "\xff\xff\xff\xff\xff\x01",
	} {
		w := Walker{R: bufio.NewReader(strings.NewReader(in))}
		if _, _, err := w.Block(false, false); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v, want ErrMalformed", name, err)
		}
		if cap(w.Out) > 2*chunk {
			t.Errorf("%s: took %d bytes of memory", name, cap(w.Out))
		}
	}
}

// TestBlockInPieces walks a block of several chunks whose columns begin and end anywhere in them.
func TestBlockInPieces(t *testing.T) {
	var in []byte
	in = append(in, "\x03"...)
	const rows = 3 * chunk / 8
	in = binary.AppendUvarint(in, rows)
	in = append(in, "\x01n\x06UInt64"...)
	for i := range rows {
		in = binary.LittleEndian.AppendUint64(in, uint64(i))
	}
	in = append(in, "\x01s\x06String"...)
	for i := range rows {
		size := i % 7
		if i == rows/2 {
			size = 2 * chunk
		}
		in = append(binary.AppendUvarint(in, uint64(size)), bytes.Repeat([]byte{'x'}, size)...)
	}
	in = append(in, "\x01a\x0cArray(UInt8)"...)
	for i := range rows {
		in = binary.LittleEndian.AppendUint64(in, uint64(i))
	}
	in = append(in, make([]byte, rows-1)...)

	var got []byte
	pieces, largest := 0, 0
	w := Walker{R: bufio.NewReader(bytes.NewReader(in)), Sink: func(p []byte) error {
		got, pieces, largest = append(got, p...), pieces+1, max(largest, len(p))
		return nil
	}}
	if _, n, err := w.Block(false, false); err != nil || n != rows {
		t.Fatalf("%d rows, %v; want %d", n, err, rows)
	}
	if got = append(got, w.Out...); !bytes.Equal(got, in) {
		t.Errorf("%d bytes came out, not the %d that went in", len(got), len(in))
	}
	if pieces < 8 || largest > 2*chunk {
		t.Errorf("%d pieces of up to %d bytes", pieces, largest)
	}
	full := errors.New("full")
	w = Walker{R: bufio.NewReader(bytes.NewReader(in)), Sink: func([]byte) error { return full }}
	if _, _, err := w.Block(false, false); !errors.Is(err, full) {
		t.Errorf("a sink that refuses: got %v", err)
	}
}
