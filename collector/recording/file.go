// Package recording keeps telemetry as node agents published it, in one small file, and plays it back as if it happened now. With
// a recording everything behind the kernel runs for real on a machine that cannot watch its own.
//
// A file is the line "midwatch recording 1\n", then one zstd stream:
//
//	start   uint64  big endian, Unix time in nanoseconds when recording began
//	frames, each
//	  after   uvarint  milliseconds since start when the batch was published
//	  signal  byte     't', 'm' or 'l'
//	  size    uvarint  bytes of otlp
//	  otlp             protobuf export request
//
// Trace and span ids are small numbers in a file, because random ones do not compress; playing makes random ones of them. Times
// are cut to microseconds for the same reason.
package recording

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/midwatch/midwatch/collector/envelope"
	"github.com/midwatch/midwatch/internal/telemetry"
)

const (
	magic  = "midwatch recording 1\n"
	window = 16 << 20 // how far back a repetition is found
)

// ErrFormat means a file is not a recording or is damaged.
var ErrFormat = errors.New("not a recording")

var signals = [...]struct {
	letter byte
	signal telemetry.Signal
}{{'t', telemetry.Traces}, {'m', telemetry.Metrics}, {'l', telemetry.Logs}}

// frame is one batch.
type frame struct {
	after  time.Duration // since the start
	signal telemetry.Signal
	otlp   []byte
}

type writer struct {
	z   *zstd.Encoder
	buf []byte
}

func newWriter(out io.Writer, start time.Time) (*writer, error) {
	if _, err := io.WriteString(out, magic); err != nil {
		return nil, fmt.Errorf("write recording: %w", err)
	}
	z, err := zstd.NewWriter(out, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithWindowSize(window), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("write recording: %w", err)
	}
	w := &writer{z: z}
	return w, w.write(binary.BigEndian.AppendUint64(nil, uint64(start.UnixNano())))
}

func (w *writer) add(f frame) error {
	b := binary.AppendUvarint(w.buf[:0], uint64(max(f.after, 0)/time.Millisecond))
	for _, s := range signals {
		if s.signal == f.signal {
			b = append(b, s.letter)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(f.otlp)))
	w.buf = append(b, f.otlp...)
	return w.write(w.buf)
}

func (w *writer) write(b []byte) error {
	if _, err := w.z.Write(b); err != nil {
		return fmt.Errorf("write recording: %w", err)
	}
	return nil
}

func (w *writer) close() error {
	if err := w.z.Close(); err != nil {
		return fmt.Errorf("write recording: %w", err)
	}
	return nil
}

type reader struct {
	start time.Time
	z     *zstd.Decoder
	in    *bufio.Reader
}

func newReader(in io.Reader) (*reader, error) {
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(in, head); err != nil || string(head) != magic {
		return nil, fmt.Errorf("%w: it does not begin with %q", ErrFormat, magic)
	}
	z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(window))
	if err != nil {
		return nil, fmt.Errorf("read recording: %w", err)
	}
	r := &reader{z: z, in: bufio.NewReader(z)}
	var start [8]byte
	if _, err := io.ReadFull(r.in, start[:]); err != nil {
		z.Close()
		return nil, damaged(err)
	}
	r.start = time.Unix(0, int64(binary.BigEndian.Uint64(start[:])))
	return r, nil
}

func damaged(err error) error { return fmt.Errorf("%w: damaged: %w", ErrFormat, err) }

// next returns the next frame, or io.EOF after the last.
func (r *reader) next() (f frame, err error) {
	after, err := binary.ReadUvarint(r.in)
	if errors.Is(err, io.EOF) {
		return f, io.EOF
	}
	if err != nil {
		return f, damaged(err)
	}
	f.after = time.Duration(after) * time.Millisecond
	letter, err := r.in.ReadByte()
	if err != nil {
		return f, damaged(err)
	}
	for _, s := range signals {
		if s.letter == letter {
			f.signal = s.signal
		}
	}
	size, err := binary.ReadUvarint(r.in)
	if err != nil {
		return f, damaged(err)
	}
	if f.signal == "" || size > envelope.MaxOTLP {
		return f, fmt.Errorf("%w: frame of %d bytes with signal %q", ErrFormat, size, letter)
	}
	f.otlp = make([]byte, size)
	if _, err := io.ReadFull(r.in, f.otlp); err != nil {
		return f, damaged(err)
	}
	return f, nil
}

func (r *reader) close() { r.z.Close() }
