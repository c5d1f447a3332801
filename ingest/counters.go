package ingest

import (
	"maps"
	"sync"

	"github.com/midwatch/midwatch/ingest/otlp"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// Outcomes of records and requests, as attribute values.
const (
	outcomeStored    = "stored"
	outcomeRejected  = "rejected"
	outcomeChanged   = "changed" // kept, with a part cut off or left out
	outcomeRequest   = "request" // a whole request that was answered with an error, or was a duplicate
	outcomeDuplicate = "duplicate"
)

// Reasons of its own.
const (
	requestDuplicate otlp.Reason = "request_duplicate"  // whole request, stored before
	rowsDuplicate    otlp.Reason = "rows_stored_before" // rows found by their batch id
)

// count names one counter.
type count struct {
	signal  telemetry.Signal // or the table, for duplicates
	outcome string
	reason  otlp.Reason
}

// counters counts since the start. Safe for concurrent use.
type counters struct {
	mu    sync.Mutex
	n     map[count]int64
	bytes map[telemetry.Signal]int64
}

func newCounters() *counters {
	return &counters{n: map[count]int64{}, bytes: map[telemetry.Signal]int64{}}
}

// size counts the bytes of a request that was read, decompressed.
func (c *counters) size(s telemetry.Signal, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes[s] += int64(n)
}

func (c *counters) sizes() map[telemetry.Signal]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.bytes)
}

func (c *counters) records(s telemetry.Signal, t *otlp.Tally) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[count{s, outcomeStored, ""}] += int64(t.Stored)
	for r, n := range t.Rejected {
		c.n[count{s, outcomeRejected, r}] += int64(n)
	}
	for r, n := range t.Noted {
		c.n[count{s, outcomeChanged, r}] += int64(n)
	}
}

func (c *counters) request(s telemetry.Signal, r otlp.Reason) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[count{s, outcomeRequest, r}]++
}

// skip counts rows that a doubtful request brought again.
func (c *counters) skip(table string, rows int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[count{telemetry.Signal(table), outcomeDuplicate, rowsDuplicate}] += int64(rows)
}

func (c *counters) snapshot() map[count]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.n)
}
