package metadata_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/metadata/metadatatest"
	"github.com/midwatch/midwatch/internal/privacy"
)

// BenchmarkKnownNames is what a redaction pays for the names of the environment: 2,000 investigations that met 30 names each, 10 of them alone.
// "unchanged" is the usual call, "learned" one after an investigation met another name, "first" the first of a process.
func BenchmarkKnownNames(b *testing.B) {
	dsn, ring := "sqlite:"+filepath.Join(b.TempDir(), "metadata.db"), metadatatest.Ring(b)
	db := metadatatest.OpenDSN(b, dsn, ring)
	const investigations = 2000
	for i := range investigations {
		id := fmt.Sprintf("inv-%d", i)
		if err := db.CreateInvestigation(b.Context(), investigation.Request{ID: id, Environment: "dev", Question: fmt.Sprintf("%2000d", i)}); err != nil {
			b.Fatal(err)
		}
		if err := db.PutReport(b.Context(), id, investigation.Report{Summary: fmt.Sprintf("%8000d", i)}); err != nil {
			b.Fatal(err)
		}
		names := map[string]string{}
		for n := range 20 {
			names[fmt.Sprintf("host-%07x", n)] = fmt.Sprintf("web-%d.example.com", n)
		}
		for n := range 10 {
			names[fmt.Sprintf("user-%07x", 10*i+n)] = fmt.Sprintf("person%d", 10*i+n)
		}
		put(b, db, id, names)
	}
	known := func(b *testing.B, db *metadata.DB) {
		m, err := db.KnownNames(b.Context(), "dev")
		if err != nil {
			b.Fatal(err)
		}
		r, err := privacy.New(privacy.Config{Key: make([]byte, 32), Map: privacy.NewMap(), Known: m})
		if err != nil {
			b.Fatal(err)
		}
		if text, _ := r.Text("thanks to person19999"); text == "thanks to person19999" {
			b.Fatal("a name left")
		}
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			db := metadatatest.OpenDSN(b, dsn, ring)
			b.StartTimer()
			known(b, db)
		}
	})
	b.Run("unchanged", func(b *testing.B) {
		for b.Loop() {
			known(b, db)
		}
	})
	b.Run("learned", func(b *testing.B) {
		for n := 0; b.Loop(); n++ {
			b.StopTimer()
			put(b, db, "inv-7", map[string]string{fmt.Sprintf("user-%07x", 1<<24+n): fmt.Sprintf("newcomer%d", n)})
			b.StartTimer()
			known(b, db)
		}
	})
}

func put(b *testing.B, db *metadata.DB, id string, names map[string]string) {
	b.Helper()
	doc, err := json.Marshal(names)
	m := privacy.NewMap()
	if err == nil {
		err = json.Unmarshal(doc, m)
	}
	if err == nil {
		err = db.PutPseudonyms(b.Context(), id, m)
	}
	if err != nil {
		b.Fatal(err)
	}
}
