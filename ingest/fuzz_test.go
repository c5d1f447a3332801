package ingest

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/midwatch/midwatch/ingest/wire"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// FuzzDecode feeds any bytes to every signal's path from wire to columns. Whatever they are, columns have equal length.
func FuzzDecode(f *testing.F) {
	for i, s := range []telemetry.Signal{telemetry.Traces, telemetry.Metrics, telemetry.Logs, telemetry.Profiles} {
		f.Add(uint8(i), false, sample(f, s))
		f.Add(uint8(i), true, []byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a"}]}]}],"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}`))
	}
	f.Fuzz(func(t *testing.T, signal uint8, asJSON bool, body []byte) {
		q := request{signal: []telemetry.Signal{telemetry.Traces, telemetry.Metrics, telemetry.Logs, telemetry.Profiles}[signal%4], json: asJSON, body: body}
		r := &rows{id: "id", environment: "e", now: time.Now()}
		err := r.decode(q)
		if err != nil && !asJSON && !errors.Is(err, wire.ErrDeep) && (q.signal == telemetry.Traces || q.signal == telemetry.Logs) && reads(q) {
			t.Fatalf("%v; but it is a request as OpenTelemetry's own reader has it", err)
		}
		if err != nil {
			return
		}
		total := 0
		for _, c := range r.chunks() {
			if !slices.Contains([]string{seriesTable, stacksTable, "exemplars"}, c.table) { // come with records
				total += c.rows()
			}
			for _, col := range c.block {
				if n := col.Rows(); n != c.rows() {
					t.Fatalf("%s.%s has %d values, want %d", c.table, col.Name, n, c.rows())
				}
			}
			if text := c.block.Text(c.rows() - 1); !json.Valid(text) {
				t.Fatalf("the last row reads %s", text)
			}
		}
		if total != r.tally.stored {
			t.Fatalf("%d rows, %d counted", total, r.tally.stored)
		}
	})
}

// reads says whether OpenTelemetry's own library takes a request.
func reads(q request) bool {
	if q.signal == telemetry.Traces {
		return ptraceotlp.NewExportRequest().UnmarshalProto(q.body) == nil
	}
	return plogotlp.NewExportRequest().UnmarshalProto(q.body) == nil
}
