package compress

import (
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip" // registers before we do, and would win if somebody else imported it later
)

// gRPC keeps compressors in a map of the process, which may be written only before anything uses it: this is the one room that needs init.
func init() {
	readers := new(Readers)
	encoding.RegisterCompressor(&compressor{name: Gzip, readers: readers, make: func() writer { return gzip.NewWriter(nil) }})
	encoding.RegisterCompressor(&compressor{name: Zstd, readers: readers, make: func() writer {
		w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(1<<20))
		if err != nil {
			panic(err) // the options are constants
		}
		return w
	}})
}

// writer is what both libraries' writers are.
type writer interface {
	io.WriteCloser
	Reset(io.Writer)
}

// compressor implements gRPC's encoding.Compressor.
type compressor struct {
	name    string
	readers *Readers
	make    func() writer
	writers sync.Pool // of writer
}

func (c *compressor) Name() string { return c.name }

func (c *compressor) Decompress(in io.Reader) (io.Reader, error) { return c.readers.New(c.name, in) }

func (c *compressor) Compress(to io.Writer) (io.WriteCloser, error) {
	w, ok := c.writers.Get().(writer)
	if !ok {
		w = c.make()
	}
	w.Reset(to)
	return &closing{writer: w, pool: &c.writers}, nil
}

// closing gives its writer back when it is closed.
type closing struct {
	writer
	pool *sync.Pool
}

func (w *closing) Close() error {
	err := w.writer.Close()
	w.pool.Put(w.writer)
	return err
}
