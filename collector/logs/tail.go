package logs

import (
	"bytes"
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/midwatch/midwatch/collector/host"
)

const (
	// maxLine is the most of a line that is kept, in bytes; the rest is cut and counted.
	maxLine = 64 << 10
	// readSize is what one read takes.
	readSize = 256 << 10
	// readTurn is how many reads a busy file has before it is another's turn.
	readTurn = 8
	// drainTime is how long a file that was rotated away is still followed: its writer reopens late.
	drainTime = 5 * time.Second
	// burstSeconds is how many seconds' worth of lines may come at once.
	burstSeconds = 10
)

// fileID is a file whatever its name.
type fileID struct{ dev, ino uint64 }

// tail is one followed file.
type tail struct {
	path    string
	service string        // when process is nil
	process *host.Process // that writes to it, nil when unknown

	file      *os.File
	offset    int64  // of the next byte to read
	partial   []byte // of a line without its end
	cutting   bool   // the rest of this line is dropped
	cut       uint64
	join      joiner
	batched   int64     // everything before it is in a batch
	committed int64     // everything before it was sent
	gone      time.Time // when no path led to it any more

	tokens float64
	filled time.Time
}

func openTail(path string, offset int64) (*tail, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	return &tail{path: path, file: f, offset: offset, batched: offset, committed: offset}, nil
}

// read takes up to a buffer of bytes and emits the records that are complete. It returns whether there may be more.
func (f *tail) read(buf []byte, now time.Time, emit func(record)) bool {
	if st, err := f.file.Stat(); err == nil && st.Size() < f.offset { // truncated: what is there now is new
		f.join.flush(emit)
		f.offset, f.batched, f.committed, f.partial, f.cutting = 0, 0, 0, nil, false
	}
	n, err := f.file.ReadAt(buf, f.offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	f.offset += int64(n)
	f.split(buf[:n], now, emit)
	if n == 0 {
		f.join.idle(now, emit)
	} else {
		f.gone = extend(f.gone, now)
	}
	return n == len(buf)
}

// extend starts the draining time anew, because the writer still writes.
func extend(gone, now time.Time) time.Time {
	if gone.IsZero() {
		return gone
	}
	return now
}

// split cuts the bytes into lines.
func (f *tail) split(b []byte, now time.Time, emit func(record)) {
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		end := i
		if i < 0 {
			end = len(b)
		}
		if room := maxLine - len(f.partial); !f.cutting {
			if end > room {
				f.partial = append(f.partial, b[:room]...)
				f.cutting = true
				f.cut++
			} else {
				f.partial = append(f.partial, b[:end]...)
			}
		}
		if i < 0 {
			return
		}
		b = b[i+1:]
		next := f.offset - int64(len(b))
		f.join.line(string(bytes.TrimRight(f.partial, "\r")), next, now, emit)
		f.partial, f.cutting = f.partial[:0], false
	}
}

// close emits what is left, even a last line without its end.
func (f *tail) close(emit func(record)) {
	if len(f.partial) > 0 {
		f.join.line(string(f.partial), f.offset, time.Now(), emit)
	}
	f.join.flush(emit)
	_ = f.file.Close()
}

// finished tells whether a file that was rotated away has nothing more to give.
func (f *tail) finished(now time.Time) bool {
	return !f.gone.IsZero() && now.Sub(f.gone) > drainTime
}

func (f *tail) takeCut() uint64 {
	n := f.cut
	f.cut = 0
	return n
}

// allowed spends one token of the file's rate.
func (f *tail) allowed(now time.Time, rate int) bool {
	limit := float64(rate * burstSeconds)
	if f.filled.IsZero() {
		f.tokens = limit
	} else {
		f.tokens = min(limit, f.tokens+now.Sub(f.filled).Seconds()*float64(rate))
	}
	f.filled = now
	if f.tokens < 1 {
		return false
	}
	f.tokens--
	return true
}
