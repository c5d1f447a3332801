package native

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Limits on what a peer may announce. A block of clickhouse-go's is a few tens of megabytes at most.
const (
	MaxBlock   = 512 << 20 // rows of one block, and bytes of it that are held at a time
	maxColumns = 10_000
	chunk      = 256 << 10 // memory is grown by this much, so that a false length costs none
)

// ErrMalformed means the bytes are not a block this package can walk.
var ErrMalformed = errors.New("malformed block")

// Walker copies the blocks it reads from R to Out. After an error R stands somewhere within a block.
type Walker struct {
	R   *bufio.Reader
	Out []byte
	// Sink, if there is one, takes what is in Out whenever that is a chunk or more of a block that has rows, so that no
	// block is ever held as a whole. What Out holds at the end of a block is the caller's to take.
	Sink func(piece []byte) error

	spills bool // whether the current block goes to the sink
}

// Block appends one block to Out, from the count of columns to the end of the last one. With flagsIn each column of the
// input carries the "custom serialization" byte, with flagsOut each column of the output gets one.
// It returns ErrMalformed, or what R returned.
func (w *Walker) Block(flagsIn, flagsOut bool) (columns, rows int, err error) {
	defer func() {
		if r := recover(); r != nil {
			stop, ok := r.(walkError)
			if !ok {
				panic(r)
			}
			err = stop.error
		}
	}()
	columns, rows = w.count(), w.count()
	if columns > maxColumns {
		malformed("%d columns are more than %d", columns, maxColumns)
	}
	w.spills = w.Sink != nil && rows > 0
	for range columns {
		w.column(rows, flagsIn, flagsOut)
	}
	return columns, rows, nil
}

func (w *Walker) column(rows int, flagsIn, flagsOut bool) {
	w.text()
	name := w.text()
	if flagsIn {
		if w.take(1)[0] != 0 {
			malformed("custom serialization is not supported")
		}
		w.Out = w.Out[:len(w.Out)-1]
	}
	if flagsOut {
		w.Out = append(w.Out, 0)
	}
	if rows > 0 {
		t := parse(name)
		w.prefix(t)
		w.data(t, rows)
	}
}

// walkError carries an error from the depth of nested types up to Block, and no further.
type walkError struct{ error }

func malformed(format string, args ...any) {
	panic(walkError{fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)})
}

// take copies n bytes and returns them; they are valid until the next copy.
func (w *Walker) take(n int) []byte {
	w.room(n)
	start := len(w.Out)
	for n > 0 {
		step := min(n, chunk)
		w.read(step)
		n -= step
	}
	return w.Out[start:]
}

// copy copies n values of one size.
func (w *Walker) copy(n, size int) {
	for n *= size; n > 0; {
		step := min(n, chunk)
		w.room(step)
		w.read(step)
		w.spill()
		n -= step
	}
}

func (w *Walker) read(n int) {
	at := len(w.Out)
	w.Out = slices.Grow(w.Out, n)[:at+n]
	if _, err := io.ReadFull(w.R, w.Out[at:]); err != nil {
		panic(walkError{err})
	}
}

// spill hands over what has been copied, if that is enough to be worth it.
func (w *Walker) spill() {
	if !w.spills || len(w.Out) < chunk {
		return
	}
	if err := w.Sink(w.Out); err != nil {
		panic(walkError{err})
	}
	w.Out = w.Out[:0]
}

func (w *Walker) room(n int) {
	if n < 0 || n > MaxBlock-len(w.Out) {
		malformed("larger than %d bytes", MaxBlock)
	}
}

func (w *Walker) uvarint() uint64 {
	v, err := binary.ReadUvarint(w.R)
	if err != nil {
		panic(walkError{err})
	}
	w.Out = binary.AppendUvarint(w.Out, v)
	return v
}

// count copies a number that memory will be proportional to.
func (w *Walker) count() int { return bounded(w.uvarint()) }

func bounded(v uint64) int {
	if v > MaxBlock {
		malformed("count %d is too large", v)
	}
	return int(v)
}

func (w *Walker) u64() uint64  { return binary.LittleEndian.Uint64(w.take(8)) }
func (w *Walker) text() string { return string(w.take(w.count())) }

// strings copies n strings, as many at a time as the reader holds: a call per string was most of the walk's cost.
func (w *Walker) strings(n int) {
	for n > 0 {
		window, _ := w.R.Peek(w.R.Buffered())
		pos := 0
		for n > 0 {
			size, k := binary.Uvarint(window[pos:])
			if k <= 0 || size > uint64(len(window)-pos-k) {
				break
			}
			pos += k + int(size)
			n--
		}
		if pos == 0 {
			w.copy(w.count(), 1)
			n--
			continue
		}
		w.room(pos)
		w.Out = append(w.Out, window[:pos]...)
		if _, err := w.R.Discard(pos); err != nil {
			panic(walkError{err})
		}
		w.spill()
	}
}
