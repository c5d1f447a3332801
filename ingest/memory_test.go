package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

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

func TestABodyTakesMemoryWhileItIsUnpacked(t *testing.T) {
	s := notServing(t, &store.DB{})
	s.memory.limit = 1 << 20
	other := s.memory.hold()
	other.grow(1)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := io.CopyN(z, zeros{}, maxMessage); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	r := &http.Request{Header: http.Header{"Content-Encoding": {"gzip"}}, Body: io.NopCloser(bytes.NewReader(packed.Bytes()))}
	h := s.memory.hold()
	if body, err := s.readBody(r, h); !errors.Is(err, ErrOverload) {
		t.Fatalf("%d bytes, %v: want ErrOverload", len(body), err)
	}
	h.release()
	other.release()
	if n := s.memory.used.Load(); n != 0 {
		t.Errorf("%d bytes are still held", n)
	}
	r.Body = io.NopCloser(bytes.NewReader(packed.Bytes()))
	if body, err := s.readBody(r, h); err != nil || len(body) != maxMessage { // nothing else is there
		t.Fatalf("%d bytes, %v", len(body), err)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestRowsThatWaitTakeMemory(t *testing.T) {
	s := notServing(t, &store.DB{}) // and nobody inserts
	ctx, leave := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer leave()
	body := emptyLines(t, 1000)
	s.memory.limit = int64(4 * len(body))
	if _, _, err := s.export(ctx, request{signal: telemetry.Logs, body: body}); !errors.Is(err, errLeft) {
		t.Fatal(err)
	}
	if n := s.memory.used.Load(); n < 1000*rowOverhead {
		t.Errorf("%d bytes are held for rows of %d", n, 1000*rowOverhead)
	}
	if _, _, err := s.export(t.Context(), request{signal: telemetry.Logs, body: emptyLines(t, 1)}); !errors.Is(err, ErrOverload) {
		t.Errorf("%v, want ErrOverload", err)
	}
}

func TestLargeRequestsAreReadOneByOne(t *testing.T) {
	s := notServing(t, &store.DB{})
	body := gauges(t, time.Now(), 1000, 1)
	if err := s.trees.Acquire(t.Context(), maxTrees-1000*messageBytes); err != nil { // another, being read
		t.Fatal(err)
	}
	ctx, leave := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer leave()
	q := request{signal: telemetry.Metrics, body: body}
	if err := s.decode(ctx, q, &rows{now: time.Now()}); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("%v: want to wait", err)
	}
	s.trees.Release(maxTrees - 1000*messageBytes)
	for range 2 { // what was taken is given back
		if err := s.decode(t.Context(), q, &rows{now: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	if !s.trees.TryAcquire(maxTrees) {
		t.Error("something is still held")
	}
}

func TestResourcesOfARequestAreCounted(t *testing.T) {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("a", strings.Repeat("x", 10_000))
	rl.ScopeLogs().AppendEmpty()
	body, err := plogotlp.NewExportRequestFromLogs(ld).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	r := &rows{now: time.Now()}
	if err := r.decode(request{signal: telemetry.Logs, body: body}); err != nil || r.expanded < 10_000 {
		t.Errorf("%d bytes are counted, %v", r.expanded, err)
	}
}

// stream is one whose message comes when it is let.
type stream struct {
	grpc.ServerStream
	ctx     context.Context
	let     chan struct{}
	reading *atomic.Int32
}

func (s *stream) Context() context.Context { return s.ctx }

func (s *stream) RecvMsg(into any) error {
	s.reading.Add(1)
	defer s.reading.Add(-1)
	select {
	case <-s.let:
		*into.(*raw) = raw("all of it")
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

func TestStalledSendersKeepNoPlace(t *testing.T) {
	s := notServing(t, &store.DB{})
	s.receiveTimeout = 50 * time.Millisecond
	var reading atomic.Int32
	stalled := make(chan error)
	for range maxReceiving + 5 {
		go func() {
			ctx, over := context.WithCancel(t.Context())
			defer over() // as gRPC does when the handler returns
			_, _, err := s.receive(&stream{ctx: ctx, let: make(chan struct{}), reading: &reading})
			stalled <- err
		}()
	}
	for range maxReceiving + 5 {
		if n := reading.Load(); n > maxReceiving {
			t.Errorf("%d are received at a time", n)
		}
		if err := <-stalled; status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("%v, want DeadlineExceeded", err)
		}
	}
	s.receiveTimeout = time.Minute
	let := make(chan struct{})
	close(let)
	body, held, err := s.receive(&stream{ctx: t.Context(), let: let, reading: &reading})
	if err != nil || string(body) != "all of it" || s.memory.used.Load() < int64(len(body)) {
		t.Fatalf("%q, %v; %d bytes held", body, err, s.memory.used.Load())
	}
	held.release()
	if n := s.memory.used.Load(); n != 0 {
		t.Errorf("%d bytes are still held", n)
	}
}
