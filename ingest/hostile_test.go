package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/midwatch/midwatch/ingest/otlp"
	"github.com/midwatch/midwatch/ingest/receive"
	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// hostile is requests that are small as they come and large as they are read or kept. No two of a kind are the same.
var hostile = map[string]struct {
	signal telemetry.Signal
	body   func(t testing.TB, seed, n int) []byte
}{
	"short keys, none twice": {telemetry.Logs, func(t testing.TB, seed, n int) []byte {
		return logBody(t, func(list plog.LogRecordSlice) {
			for i := range n {
				if i%1000 == 0 {
					list.AppendEmpty().SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
				}
				list.At(list.Len()-1).Attributes().PutStr(short(seed, i), "")
			}
		})
	}},
	"texts that quoting makes six times as long": {telemetry.Logs, func(t testing.TB, seed, n int) []byte {
		return logBody(t, func(list plog.LogRecordSlice) {
			for i := range n / 1000 {
				l := list.AppendEmpty()
				l.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
				l.Body().SetEmptySlice().AppendEmpty().SetStr(short(seed, i) + strings.Repeat("\x01", 8000))
			}
		})
	}},
	"lists in lists": {telemetry.Logs, func(t testing.TB, seed, n int) []byte {
		return logBody(t, func(list plog.LogRecordSlice) {
			for i := range n / 100 {
				l := list.AppendEmpty()
				l.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
				v := l.Body()
				for range 60 {
					v = v.SetEmptySlice().AppendEmpty()
				}
				v.SetStr(short(seed, i))
			}
		})
	}},
	"names, events and links, none twice": {telemetry.Traces, func(t testing.TB, seed, n int) []byte {
		td := ptrace.NewTraces()
		list := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
		now := pcommon.NewTimestampFromTime(time.Now())
		for i := range n / 4 {
			s := list.AppendEmpty()
			s.SetName(short(seed, i))
			s.SetTraceID([16]byte{1})
			s.SetSpanID([8]byte{1})
			s.SetStartTimestamp(now)
			s.SetEndTimestamp(now)
			s.Events().AppendEmpty().SetName(short(seed, i))
			s.Links().AppendEmpty().Attributes().PutStr(short(seed, i), "")
		}
		body, err := ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
		if err != nil {
			t.Fatal(err)
		}
		return body
	}},
	"series, none twice": {telemetry.Metrics, func(t testing.TB, seed, n int) []byte {
		md := pmetric.NewMetrics()
		m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
		m.SetName("g")
		list := m.SetEmptyGauge().DataPoints()
		for i := range n / 2 {
			p := list.AppendEmpty()
			p.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
			p.SetDoubleValue(1)
			p.Attributes().PutStr(short(seed, i), "")
		}
		body, err := pmetricotlp.NewExportRequestFromMetrics(md).MarshalProto()
		if err != nil {
			t.Fatal(err)
		}
		return body
	}},
}

func logBody(t testing.TB, fill func(plog.LogRecordSlice)) []byte {
	t.Helper()
	ld := plog.NewLogs()
	fill(ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords())
	body, err := plogotlp.NewExportRequestFromLogs(ld).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func short(seed, i int) string { return strconv.FormatInt(int64(seed)<<32|int64(i), 36) }

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestWhatRowsTakeIsCounted of hostile requests: a request holds about what its rows take.
func TestWhatRowsTakeIsCounted(t *testing.T) {
	s := notServing(t, &store.DB{})
	for name, c := range hostile {
		body := c.body(t, 1, 60_000)
		before := heap()
		q := sent(c.signal, body)
		q.Hold = s.memory.Hold()
		r, err := s.decode(t.Context(), q, otlp.Config{Now: time.Now()})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		took, held := int64(heap())-int64(before), s.memory.Used()
		if took > held*5/4+2<<20 {
			t.Errorf("%s: rows of %d bytes take %d and %d are counted", name, len(body), took, held)
		}
		runtime.KeepAlive(r)
		runtime.KeepAlive(body)
		q.Hold.Release()
	}
}

// TestHostileRequestsTakeBoundedMemory sends many at once, to an ingester whose store takes nothing.
func TestHostileRequestsTakeBoundedMemory(t *testing.T) {
	const requests, most, program = 60, 512 << 20, 115 << 20 // bytes: what an ingester may take, and what the program takes itself
	var bodies []receive.Request
	for name, c := range hostile {
		for seed := range 4 {
			body := c.body(t, seed, 100_000)
			q := sent(c.signal, body)
			q.From, q.ID = &receive.Sender{Token: name}, fmt.Sprint(name, seed)
			bodies = append(bodies, q)
		}
	}
	s := notServing(t, &store.DB{}) // and nobody inserts
	before := heap()
	const limit = 272 << 20 // as the program has it
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(limit + int64(before)))
	ctx, leave := context.WithCancel(t.Context())
	var overloads, ended atomic.Int64
	var all sync.WaitGroup
	for i := range requests {
		all.Go(func() {
			defer ended.Add(1)
			q := bodies[i%len(bodies)]
			q.ID, q.Body = fmt.Sprint(q.ID, i), bytes.Clone(q.Body)
			if _, err := s.export(ctx, q); errors.Is(err, receive.ErrOverload) {
				overloads.Add(1)
			} else if !errors.Is(err, receive.ErrLeft) && ctx.Err() == nil {
				t.Error(err)
			}
		})
	}
	peak := uint64(0)
	for end := time.Now().Add(time.Minute); time.Now().Before(end) && ended.Load()+int64(len(s.batcher.queue)) < requests; time.Sleep(5 * time.Millisecond) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak = max(peak, m.HeapInuse+m.StackInuse)
	}
	leave()
	all.Wait()
	if peak > before+most-program {
		t.Errorf("they took %d MiB", (peak-before)>>20)
	}
	if overloads.Load() == 0 {
		t.Error("nobody was told to wait")
	}
	t.Logf("%d MiB at most, %d of %d senders were told to wait", (peak-before)>>20, overloads.Load(), requests)
}
