package ingest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/midwatch/midwatch/ingest/otlp"
	"github.com/midwatch/midwatch/ingest/receive"
	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// emptyLines is a request of n log records that say nothing.
func emptyLines(t *testing.T, n int) []byte {
	t.Helper()
	ld := plog.NewLogs()
	list := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for range n {
		list.AppendEmpty().SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
	}
	body, err := plogotlp.NewExportRequestFromLogs(ld).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestRowsThatWaitTakeMemory(t *testing.T) {
	ctx, leave := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer leave()
	body := emptyLines(t, 1000)
	s := notServing(t, &store.DB{}, func(c *Config) { c.MaxWaiting = int64(4 * len(body)) }) // and nobody inserts
	if _, err := s.export(ctx, sent(telemetry.Logs, body)); !errors.Is(err, receive.ErrLeft) {
		t.Fatal(err)
	}
	const perRow = 256
	if n := s.memory.Used(); n < 1000*perRow {
		t.Errorf("%d bytes are held for rows of %d", n, 1000*perRow)
	}
	if _, err := s.export(t.Context(), sent(telemetry.Logs, emptyLines(t, 1))); !errors.Is(err, receive.ErrOverload) {
		t.Errorf("%v, want ErrOverload", err)
	}
}

func TestLargeRequestsAreReadOneByOne(t *testing.T) {
	s := notServing(t, &store.DB{})
	body := gauges(t, time.Now(), 1000, 1)
	if err := s.trees.Acquire(t.Context(), maxTrees-1000*otlp.MessageBytes); err != nil { // another, being read
		t.Fatal(err)
	}
	ctx, leave := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer leave()
	q := sent(telemetry.Metrics, body)
	if _, err := s.decode(ctx, q, otlp.Config{Now: time.Now()}); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("%v: want to wait", err)
	}
	s.trees.Release(maxTrees - 1000*otlp.MessageBytes)
	for range 2 { // what was taken is given back
		if _, err := s.decode(t.Context(), q, otlp.Config{Now: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	if !s.trees.TryAcquire(maxTrees) {
		t.Error("something is still held")
	}
}

// TestWhatReadingTakesIsCounted reads a small request of many messages while others wait for the store.
func TestWhatReadingTakesIsCounted(t *testing.T) {
	s := notServing(t, &store.DB{}, func(c *Config) { c.MaxWaiting = 100 << 20 })
	const points = 600_000
	body := bytes.Repeat([]byte{0x0a, 0}, points) // of a gauge of a metric
	for _, field := range []byte{0x2a, 0x12, 0x12, 0x0a} {
		body = append(protowire.AppendVarint([]byte{field}, uint64(len(body))), body...)
	}
	others := s.memory.Hold()
	others.Grow(60 << 20)
	q := sent(telemetry.Metrics, body)
	q.Hold = s.memory.Hold()
	if _, err := s.decode(t.Context(), q, otlp.Config{Now: time.Now()}); !errors.Is(err, receive.ErrOverload) {
		t.Fatalf("%v, want ErrOverload: it takes %d MiB, and %d are left", err, points*otlp.MessageBytes>>20, (100<<20-s.memory.Used()+maxTrees)>>20)
	}
	q.Hold.Release()
	others.Release()
	if _, err := s.decode(t.Context(), q, otlp.Config{Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if n := s.memory.Used(); n > 1<<20 {
		t.Errorf("%d bytes are held for no rows", n)
	}
}

// TestRoomMadeBeforehandIsCounted has a request hold what its columns were made for, not what few rows they have.
func TestRoomMadeBeforehandIsCounted(t *testing.T) {
	const room = 4 << 20 // as much as is made at the most
	s := notServing(t, &store.DB{})
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	list := rl.ScopeLogs().AppendEmpty().LogRecords()
	for day := range 6 {
		list.AppendEmpty().SetTimestamp(pcommon.NewTimestampFromTime(time.Now().AddDate(0, 0, -day)))
	}
	rl.SetSchemaUrl(strings.Repeat("x", room))
	body, err := plogotlp.NewExportRequestFromLogs(ld).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	q := sent(telemetry.Logs, body)
	q.Hold = s.memory.Hold()
	r, err := s.decode(t.Context(), q, otlp.Config{Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if n := s.memory.Used(); n < room {
		t.Errorf("%d bytes are held", n)
	}
	if r.Spare() > room {
		t.Errorf("columns of %d days have room for %d bytes", len(r.Chunks()), r.Spare())
	}
}
