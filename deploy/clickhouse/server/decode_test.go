package server

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/google/go-cmp/cmp"
)

// aQuery is a Query packet as ch-go writes it, without the packet's code.
func aQuery() (proto.Query, []byte) {
	q := proto.Query{
		ID: "id", Body: "SELECT {a:String}", Stage: proto.StageComplete, Compression: proto.CompressionEnabled,
		Info: proto.ClientInfo{
			ProtocolVersion: revision, Interface: proto.InterfaceTCP, Query: proto.ClientQueryInitial,
			InitialAddress: "0.0.0.0:0", ClientName: "test",
		},
		Settings:   []proto.Setting{{Key: "max_threads", Value: "1", Important: true}, {Key: "log_comment", Value: "x"}},
		Parameters: []proto.Parameter{{Key: "a", Value: "'b'"}},
	}
	var b proto.Buffer
	q.EncodeAware(&b, revision)
	return q, b.Buf[1:]
}

func TestDecodeQuery(t *testing.T) {
	want, b := aQuery()
	r := bufio.NewReader(bytes.NewReader(append(b, "rest"...)))
	got, err := decodeQuery(r, revision)
	if err != nil {
		t.Fatal(err)
	}
	want.Info = proto.ClientInfo{} // skipped
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("query (-want +got):\n%s", diff)
	}
	if rest, _ := io.ReadAll(r); string(rest) != "rest" {
		t.Errorf("left %q of what follows", rest)
	}
}

func TestDecodeBelievesNoLength(t *testing.T) {
	for name, b := range map[string]string{
		"longer than allowed": "\x00\xff\xff\xff\xff\x7f",
		"overflowing":         "\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
	} {
		if _, err := decodeHello(bufio.NewReader(bytes.NewReader([]byte(b)))); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	many := []byte{}
	for range maxSettings + 1 {
		many = append(many, "\x01a\x00\x01b"...)
	}
	d := decoder{r: bufio.NewReader(bytes.NewReader(many))}
	if d.settings(); !errors.Is(d.err, errTooLong) {
		t.Errorf("too many settings: got %v", d.err)
	}
}

func TestFrames(t *testing.T) {
	var wire, want bytes.Buffer
	for _, m := range []compress.Method{compress.None, compress.LZ4, compress.LZ4HC, compress.ZSTD} {
		content := bytes.Repeat([]byte(m.String()+" "), 1000)
		w := compress.NewWriter(0, m)
		if err := w.Compress(content); err != nil {
			t.Fatal(err)
		}
		wire.Write(w.Data)
		want.Write(content)
	}
	got, err := io.ReadAll(&frames{r: bufio.NewReader(&wire)})
	if !errors.Is(err, io.EOF) || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%d bytes came out, want %d; %v", len(got), want.Len(), err)
	}
}

// TestFrameBomb sends a few bytes that unpack to more than a frame may hold, or than they say.
func TestFrameBomb(t *testing.T) {
	w := compress.NewWriter(0, compress.ZSTD)
	if err := w.Compress(make([]byte, 4<<20)); err != nil {
		t.Fatal(err)
	}
	for name, announced := range map[string]uint32{"more than allowed": maxFrame + 1, "little": 100} {
		b := bytes.Clone(w.Data)
		b[21], b[22], b[23], b[24] = byte(announced), byte(announced>>8), byte(announced>>16), byte(announced>>24)
		f := frames{r: bufio.NewReader(bytes.NewReader(b))}
		if _, err := io.ReadAll(&f); !errors.Is(err, errFrame) || cap(f.data) > 1<<20 {
			t.Errorf("a bomb that announces %s: got %v and took %d bytes", name, err, cap(f.data))
		}
	}
}

// FuzzSession feeds arbitrary bytes to everything that reads a client's: it may only return.
func FuzzSession(f *testing.F) {
	_, q := aQuery()
	f.Add(q)
	f.Add([]byte("\x00\x01x\x01\x01\x01\x00\x00\x00"))
	w := compress.NewWriter(0, compress.LZ4)
	if err := w.Compress([]byte("\x00\x01\x01\x01n\x05UInt8\x00\x2a")); err != nil {
		f.Fatal(err)
	}
	f.Add(append([]byte{0}, w.Data...))
	f.Fuzz(func(_ *testing.T, in []byte) {
		reader := func() *bufio.Reader { return bufio.NewReader(bytes.NewReader(in)) }
		_, _ = decodeHello(reader())
		_, _ = decodeQuery(reader(), revision)
		for _, compressed := range []bool{false, true} {
			wire := reader()
			x := session{wire: wire, plain: bufio.NewReader(&frames{r: wire}), compress: compressed, revision: revision}
			_, _ = x.readBlock(func([]byte) error { return nil })
		}
	})
}
