package receive

import (
	"testing"

	"github.com/midwatch/midwatch/ingest/otlp"
	"github.com/midwatch/midwatch/internal/telemetry"
)

func TestAnIDIsOfOneSignal(t *testing.T) {
	ids := map[string]bool{}
	for _, signal := range []telemetry.Signal{telemetry.Logs, telemetry.Traces} {
		q := Request{Request: otlp.Request{Signal: signal}, From: &Sender{Token: "t"}, ID: "always the same"}
		if err := q.Identify(); err != nil {
			t.Fatal(err)
		}
		ids[q.ID] = true
	}
	if len(ids) != 2 {
		t.Errorf("%v", ids)
	}
}
