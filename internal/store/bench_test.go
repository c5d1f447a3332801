package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/store/storetest"
)

// BenchmarkInsertSpans stores batches of 10,000 spans, rollups included, through the wire.
func BenchmarkInsertSpans(b *testing.B) {
	db := storetest.Open(b)
	const rows = 10_000
	start := time.Now()
	for b.Loop() {
		batch, err := db.PrepareBatch(b.Context(), "INSERT INTO spans (time, duration_ns, environment, service, kind, name, attributes, batch_id)")
		if err != nil {
			b.Fatal(err)
		}
		for i := range rows {
			err := batch.Append(start.Add(time.Duration(i)), uint64(i), "prod", fmt.Sprint("service-", i%20), "server",
				"GET /items/{id}", map[string]string{"http.request.method": "GET", "url.path": "/items/17", "http.response.status_code": "200"}, uint64(1))
			if err != nil {
				b.Fatal(err)
			}
		}
		if err := batch.Send(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "spans/s")
}
