package load

import (
	"encoding/binary"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// Rows are the records of a request.
const Rows = 1000

// perResource are the log records of a resource in a request; of spans each has its own, as a trace crosses services.
const perResource = 50

// spansPerTrace are the spans of a trace; they are in one request.
const spansPerTrace = 10

// Load says what is sent. The same Load gives the same bytes.
type Load struct {
	Seed        uint64
	Start       time.Time     // of the first record
	Span        time.Duration // over which the records are spread, in the order of their requests
	Logs, Spans int           // records in all, multiples of Rows; what more is asked for begins at Start again
}

// A Signal is what a request carries.
type Signal string

// The signals.
const (
	Logs  Signal = "logs"
	Spans Signal = "spans"
)

// Total is how many records of a signal the load has.
func (l Load) Total(s Signal) int {
	if s == Logs {
		return l.Logs
	}
	return l.Spans
}

// Requests is how many requests carry them.
func (l Load) Requests(s Signal) int { return l.Total(s) / Rows }

// Append appends request n of a signal, from 0, to b, which may be nil.
func (l Load) Append(b []byte, s Signal, n int) []byte {
	if s == Logs {
		return l.appendLogs(b, n)
	}
	return l.appendSpans(b, n)
}

// Trace returns the id of trace n, from 0 to Spans/10; logs refer to those from 0 to Logs/10.
func (l Load) Trace(n int) (id [16]byte) {
	r := rand.New(rand.NewPCG(uint64(n), 77+l.Seed)) //nolint:gosec // not negative
	binary.BigEndian.PutUint64(id[:8], r.Uint64())
	binary.BigEndian.PutUint64(id[8:], r.Uint64())
	return id
}

// source draws a request's content.
func (l Load) source(n int, stream uint64) *rand.Rand {
	return rand.New(rand.NewPCG(l.Seed<<32|uint64(n), stream)) //nolint:gosec // not negative
}

// at is a time in the stretch of request n of total records.
func (l Load) at(r *rand.Rand, n, total int) uint64 {
	requests := total / Rows
	share := (float64(n%requests) + r.Float64()) / float64(requests)
	return uint64(l.Start.UnixNano()) + uint64(share*float64(l.Span)) //nolint:gosec // after 1970
}

// span draws the id of a span, which is never zero.
func span(r *rand.Rand) (id [8]byte) {
	binary.BigEndian.PutUint64(id[:], r.Uint64()|1)
	return id
}

// LastHour is a load of the hour that ends about now, in whole requests.
func LastHour(seed uint64, logs, spans int) Load {
	return Load{
		Seed: seed, Start: time.Now().Add(-time.Hour).Truncate(time.Minute), Span: time.Hour,
		Logs: logs / Rows * Rows, Spans: spans / Rows * Rows,
	}
}

// file has the Load of a directory of stored data.
const file = "load.json"

// Write notes in a directory what its data is.
func (l Load) Write(dir string) error {
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, file), b, 0o600)
}

// Read says what Write noted; the error is os.ErrNotExist if nothing was.
func Read(dir string) (l Load, err error) {
	b, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return l, err
	}
	return l, json.Unmarshal(b, &l)
}
