package toolstest

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/store"
)

// Span is a row of spans.
type Span struct {
	Time       time.Time         `ch:"time"`
	DurationNS uint64            `ch:"duration_ns"`
	Env        string            `ch:"environment"`
	Service    string            `ch:"service"`
	Version    string            `ch:"service_version"`
	Instance   string            `ch:"instance"`
	Host       string            `ch:"host"`
	Kind       string            `ch:"kind"`
	Name       string            `ch:"name"`
	Peer       string            `ch:"peer_service"`
	Status     string            `ch:"status"`
	Message    string            `ch:"status_message"`
	ErrorType  string            `ch:"error_type"`
	TraceID    string            `ch:"trace_id"`
	SpanID     string            `ch:"span_id"`
	Parent     string            `ch:"parent_span_id"`
	Attributes map[string]string `ch:"attributes"`
	Resource   map[string]string `ch:"resource"`
}

// Log is a row of logs; with an event's name it becomes a row of events too.
type Log struct {
	Time       time.Time         `ch:"time"`
	Env        string            `ch:"environment"`
	Service    string            `ch:"service"`
	Instance   string            `ch:"instance"`
	Host       string            `ch:"host"`
	Severity   uint8             `ch:"severity"`
	Text       string            `ch:"severity_text"`
	Event      string            `ch:"event_name"`
	Body       string            `ch:"body"`
	Attributes map[string]string `ch:"attributes"`
	Resource   map[string]string `ch:"resource"`
}

// Write stores everything the shop has made so far and forgets it.
func (s *Shop) Write(t testing.TB, db *store.DB) {
	t.Helper()
	WriteSpans(t, db, s.spans)
	WriteMetrics(t, db, s.metrics)
	WriteLogs(t, db, s.logs)
	s.spans, s.metrics, s.logs = nil, nil, nil
}

// WriteSpans stores spans as they are.
func WriteSpans(t testing.TB, db *store.DB, rows []Span) {
	t.Helper()
	stored := make([]storedSpan, len(rows))
	for i, s := range rows {
		stored[i] = storedSpan{s, bytes(t, s.TraceID), bytes(t, s.SpanID), bytes(t, s.Parent), object(t, s.Resource)}
	}
	write(t, db, "spans", "time, duration_ns, environment, service, service_version, instance, host, kind, name, peer_service, status, "+
		"status_message, error_type, trace, span, parent, attributes, resource_json", stored)
}

// WriteLogs stores lines and events as they are.
func WriteLogs(t testing.TB, db *store.DB, rows []Log) {
	t.Helper()
	stored := make([]storedLog, len(rows))
	for i, l := range rows {
		stored[i] = storedLog{l, object(t, l.Resource)}
	}
	write(t, db, "logs", "time, environment, service, instance, host, severity, severity_text, event_name, body, attributes, resource_json", stored)
}

// storedSpan and storedLog add the columns that tests write in another form.
type storedSpan struct {
	Span
	Trace    string `ch:"trace"`
	ID       string `ch:"span"`
	ParentID string `ch:"parent"`
	JSON     string `ch:"resource_json"`
}

type storedLog struct {
	Log
	JSON string `ch:"resource_json"`
}

// bytes is what hex means.
func bytes(t testing.TB, id string) string {
	t.Helper()
	b, err := hex.DecodeString(id)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func object(t testing.TB, resource map[string]string) string {
	t.Helper()
	b, err := json.Marshal(resource)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func write[Row any](t testing.TB, db *store.DB, table, columns string, rows []Row) {
	t.Helper()
	if len(rows) == 0 {
		return
	}
	batch, err := db.PrepareBatch(context.Background(), fmt.Sprintf("INSERT INTO %s (%s)", table, columns))
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		if err := batch.AppendStruct(&rows[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
}
