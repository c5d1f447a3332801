// Package compress reads and writes what senders compress with, over HTTP and gRPC: gzip, zstd and, as Prometheus does, blocks of snappy.
// What a decompressor takes is bounded, whatever it is given: readers are pooled, and a window has at most 8 MiB.
package compress

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
)

// Names of compressions, as headers have them.
const (
	Gzip   = "gzip"
	Zstd   = "zstd"
	Snappy = "snappy"
)

// maxWindow is what a decoder of zstd has to keep of what came before, in bytes: what the format's standard asks of each.
const maxWindow = 8 << 20

// ErrTooLarge means that a block holds more than the caller wants.
var ErrTooLarge = errors.New("too large")

// pools are readers that somebody has closed.
type pools struct{ gzip, zstd sync.Pool }

// Readers makes readers, and uses them again. The zero value is ready; it is safe for concurrent use.
type Readers struct{ free pools }

// New returns a reader of in, compressed by name, or as it is for "" and "identity". Close gives it back; it does not close in. Its errors
// are about what in holds.
func (p *Readers) New(name string, in io.Reader) (io.ReadCloser, error) {
	switch name {
	case "", "identity":
		return io.NopCloser(in), nil
	case Gzip:
		return p.gzip(in)
	case Zstd:
		return p.zstd(in)
	}
	return nil, fmt.Errorf("unknown compression %q: want gzip, zstd or none", name)
}

// pooled is a reader that goes back where it came from.
type pooled struct {
	io.Reader
	back func()
}

func (p *pooled) Close() error {
	if p.back != nil {
		p.back()
	}
	p.Reader, p.back = eof{}, nil
	return nil
}

// eof is what a closed reader reads.
type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

func (p *Readers) gzip(in io.Reader) (io.ReadCloser, error) {
	z, ok := p.free.gzip.Get().(*gzip.Reader)
	if !ok {
		z = new(gzip.Reader)
	}
	if err := z.Reset(in); err != nil {
		p.free.gzip.Put(z)
		return nil, fmt.Errorf("gzip: %w", err)
	}
	return &pooled{Reader: z, back: func() { p.free.gzip.Put(z) }}, nil
}

func (p *Readers) zstd(in io.Reader) (io.ReadCloser, error) {
	z, ok := p.free.zstd.Get().(*zstd.Decoder)
	if !ok {
		var err error
		// One at a time: it then has no goroutine, and may be forgotten without being closed.
		if z, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow)); err != nil {
			return nil, fmt.Errorf("zstd: %w", err)
		}
	}
	if err := z.Reset(in); err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	return &pooled{Reader: z, back: func() {
		if z.Reset(nil) == nil {
			p.free.zstd.Put(z)
		}
	}}, nil
}

// BlockSize is how many bytes a block of snappy says it holds.
func BlockSize(in []byte) (int, error) {
	n, err := snappy.DecodedLen(in)
	if err != nil {
		return 0, fmt.Errorf("snappy: %w", err)
	}
	return n, nil
}

// Block decodes one block of snappy of at most limit bytes, else it returns ErrTooLarge before it takes memory.
func Block(in []byte, limit int) ([]byte, error) {
	n, err := BlockSize(in)
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, fmt.Errorf("snappy: %w: %d bytes", ErrTooLarge, n)
	}
	out, err := snappy.Decode(nil, in)
	if err != nil {
		return nil, fmt.Errorf("snappy: %w", err)
	}
	return out, nil
}
