package otlp

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/prompb"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/midwatch/midwatch/ingest/otlp/otlptest"
	"github.com/midwatch/midwatch/ingest/remotewrite"
	"github.com/midwatch/midwatch/ingest/wire"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// FuzzDecode feeds any bytes to every signal's path from wire to columns. Whatever they are, columns have equal length.
func FuzzDecode(f *testing.F) {
	for i, s := range []telemetry.Signal{telemetry.Traces, telemetry.Metrics, telemetry.Logs, telemetry.Profiles} {
		f.Add(uint8(i), false, otlptest.Sample(f, s))
		f.Add(uint8(i), true, []byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a"}]}]}],"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}`))
	}
	f.Fuzz(func(t *testing.T, signal uint8, asJSON bool, body []byte) {
		q := Request{Signal: []telemetry.Signal{telemetry.Traces, telemetry.Metrics, telemetry.Logs, telemetry.Profiles}[signal%4], JSON: asJSON, Body: body}
		r := New(Config{ID: "id", Environment: "e", Now: time.Now()})
		err := r.Decode(q)
		if err != nil && !asJSON && !errors.Is(err, wire.ErrDeep) && !errors.Is(err, wire.ErrGroup) && (q.Signal == telemetry.Traces || q.Signal == telemetry.Logs) && reads(q) {
			t.Fatalf("%v; but it is a request as OpenTelemetry's own reader has it", err)
		}
		if err != nil {
			return
		}
		total := 0
		for _, c := range r.Chunks() {
			if !slices.Contains([]string{SeriesTable, StacksTable, "exemplars"}, c.Table) { // come with records
				total += c.Rows()
			}
			for _, col := range c.Block {
				if n := col.Rows(); n != c.Rows() {
					t.Fatalf("%s.%s has %d values, want %d", c.Table, col.Name, n, c.Rows())
				}
			}
			if text := c.Block.Text(c.Rows() - 1); !json.Valid(text) {
				t.Fatalf("the last row reads %s", text)
			}
		}
		if total != r.Tally.Stored {
			t.Fatalf("%d rows, %d counted", total, r.Tally.Stored)
		}
	})
}

// FuzzRemote feeds any bytes to remote write's path from wire to columns.
func FuzzRemote(f *testing.F) {
	var req prompb.WriteRequest
	req.Timeseries = []prompb.TimeSeries{{
		Labels:  []prompb.Label{{Name: "__name__", Value: "x_total"}, {Name: "job", Value: "api"}},
		Samples: []prompb.Sample{{Value: 1, Timestamp: time.Now().UnixMilli()}},
	}}
	seed, err := req.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(false, seed)
	f.Add(true, []byte("\x22\x00\x22\x08__name__\x22\x01x\x2a\x0f\x0a\x02\x01\x02\x12\x09\x09\x00\x00\x00\x00\x00\x00\xf0\x3f"))
	f.Fuzz(func(t *testing.T, second bool, body []byte) {
		q := Request{Signal: telemetry.Metrics, Remote: remotewrite.V1, Body: body}
		if second {
			q.Remote = remotewrite.V2
		}
		r := New(Config{ID: "id", Environment: "e", Now: time.Now()})
		if err := r.Decode(q); err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		total := 0
		for _, c := range r.Chunks() {
			if !slices.Contains([]string{SeriesTable, "exemplars"}, c.Table) {
				total += c.Rows()
			}
		}
		if w := r.Written; total != r.Tally.Stored || w.Samples < 0 || w.Histograms < 0 || w.Samples+w.Histograms < total {
			t.Fatalf("%d rows, %d counted, %+v written", total, r.Tally.Stored, r.Written)
		}
	})
}

// reads says whether OpenTelemetry's own library takes a request.
func reads(q Request) bool {
	if q.Signal == telemetry.Traces {
		return ptraceotlp.NewExportRequest().UnmarshalProto(q.Body) == nil
	}
	return plogotlp.NewExportRequest().UnmarshalProto(q.Body) == nil
}
