package ingest_test

import (
	"testing"
	"time"

	"github.com/midwatch/midwatch/ingest/ingesttest"
	"github.com/midwatch/midwatch/internal/kubernetes/kubernetestest"
	"github.com/midwatch/midwatch/internal/store/storetest"
)

// maxVersion is what a changed version of an object may take on disk, in bytes.
const maxVersion = 2 << 10

// TestBytesPerVersion stores a recorded cluster, and then four that differ in names and uids, in batches of some seconds as an exporter sends
// them, and measures what a version takes on disk. One alone is the worst case: few versions share the cost of files.
func TestBytesPerVersion(t *testing.T) {
	told, err := kubernetestest.Recording()
	if err != nil {
		t.Fatal(err)
	}
	db := storetest.Open(t)
	conn := ingesttest.Client(t, db)
	const copies, batch = 4, 100
	start := time.Now().UTC().Truncate(time.Hour).Add(-3 * time.Hour)
	raw := 0
	measure := func(when string) float64 {
		var bytes, rows uint64
		if err := db.QueryRow(t.Context(), `SELECT sum(bytes_on_disk), sum(rows) FROM system.parts WHERE active AND database = currentDatabase() AND table = 'k8s_objects'`).Scan(&bytes, &rows); err != nil {
			t.Fatal(err)
		}
		each := float64(bytes) / float64(rows)
		t.Logf("figure object_version_bytes %.0f B bar <= %d (%s: %d versions of %d bytes of JSON)", each, maxVersion, when, rows, raw/int(rows))
		return each
	}
	for n := range copies {
		another := kubernetestest.Another(told, n)
		for _, v := range another {
			raw += len(v.Object)
		}
		for from := 0; from < len(another); from += batch {
			some := another[from:min(len(another), from+batch)]
			at := start.Add(time.Duration(n) * time.Minute).Add(some[0].Time.Sub(told[0].Time))
			ingesttest.Logs(t, conn, kubernetestest.New("prod").Play(some, at).Logs)
		}
		if n > 0 && n < copies-1 {
			continue
		}
		measure("as inserted")
		if err := db.Exec(t.Context(), "OPTIMIZE TABLE k8s_objects FINAL"); err != nil {
			t.Fatal(err)
		}
		if each := measure("merged"); each > maxVersion {
			t.Errorf("a version takes %.0f bytes, at most %d", each, maxVersion)
		}
	}
}
