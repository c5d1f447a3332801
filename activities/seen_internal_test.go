package activities

import (
	"encoding/json"
	"testing"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// TestKnown: a fix may touch what was seen, not what was mentioned.
func TestKnown(t *testing.T) {
	for result, want := range map[string]bool{
		`{"services":[{"service":"a"}]}`:                         true,
		`{"edges":[{"from":"b","to":"a"}]}`:                      true,
		`{"statements":[{"database":"pg","callers":["b","a"]}]}`: true,
		`{"service":"a","points":[]}`:                            false, // what was asked for
		`{"lines":[{"service":"b","body":"a"}]}`:                 false,
		`{"lines":[{"service":"b","body":"\"service\":\"a\""}]}`: false,
		`{"processes":[{"service":"b","executable":"a"}]}`:       false,
		`["a"]`: false,
		``:      false,
	} {
		evidence := []investigation.Evidence{{Result: json.RawMessage(result)}}
		if got := witnessed(evidence, "a"); got != want {
			t.Errorf("%s: %v", result, got)
		}
	}
	if witnessed([]investigation.Evidence{{Result: json.RawMessage(`[{"service":"a"}]`), Error: "withheld"}}, "a") {
		t.Error("evidence without an answer counts")
	}
	for _, trigger := range []investigation.Trigger{{Service: "a"}, {Entity: telemetry.Service("a")}, {Peers: []string{"b", "a"}}} {
		if !triggered([]investigation.Trigger{trigger}, "a") || triggered([]investigation.Trigger{trigger}, "c") {
			t.Errorf("%+v", trigger)
		}
	}
}
