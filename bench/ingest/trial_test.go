package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/bench/rig"
)

// TestEndures is `make bench-ingest-endurance` in short: twenty seconds of logs and spans, three kills of the ingester and two of the store.
func TestEndures(t *testing.T) {
	program, err := filepath.Abs("../../bin/midwatch")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Skipf("the parts are real processes: %v (make build)", err)
	}
	figures, err := trial{
		programs: rig.Programs{Midwatch: program}, seed: 5, length: 20 * time.Second, peak: 8_000, rate: enduranceRate, inFlight: 16,
		killIngester: 6 * time.Second, killStore: 9 * time.Second, out: lines{t},
	}.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range figures {
		if !f.OK() {
			t.Error(f)
		}
	}
}

// lines writes what a trial says into the test's log.
type lines struct{ t *testing.T }

func (l lines) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimRight(string(p), "\n"))
	return len(p), nil
}
