package ingest

import (
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// FuzzDecode feeds any bytes to every signal's path from wire to columns. Whatever they are, columns have equal length.
func FuzzDecode(f *testing.F) {
	for i, s := range []telemetry.Signal{telemetry.Traces, telemetry.Metrics, telemetry.Logs} {
		f.Add(uint8(i), false, sample(f, s))
		f.Add(uint8(i), true, []byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a"}]}]}],"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}`))
	}
	f.Fuzz(func(t *testing.T, signal uint8, json bool, body []byte) {
		q := request{signal: []telemetry.Signal{telemetry.Traces, telemetry.Metrics, telemetry.Logs}[signal%3], json: json, body: body}
		r := &rows{id: "id", environment: "e", now: time.Now()}
		if err := r.decode(q); err != nil {
			return
		}
		total := 0
		for _, c := range r.chunks() {
			total += c.rows
			for _, col := range c.columns {
				if n := length(col.values); n != c.rows {
					t.Fatalf("%s.%s has %d values, want %d", c.table, col.name, n, c.rows)
				}
			}
		}
		if total != r.tally.stored {
			t.Fatalf("%d rows, %d counted", total, r.tally.stored)
		}
	})
}
