package model

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/sandbox/check"
	"github.com/midwatch/midwatch/sandbox/contract"
)

// The prompt teaches by example; the examples must be what it says they are.
func TestTheExamplesInThePrompt(t *testing.T) {
	fault := map[string]json.RawMessage{
		"e1": json.RawMessage(`{"services":[{"service":"billing","failing":true}],"edges":[{"from":"billing","address":"127.0.0.1:9999","failing":true}]}`),
		"e2": json.RawMessage(`{"deployments":[{"service":"billing","kind":"configuration","detail":"+port: 9999"}]}`),
		"e3": json.RawMessage(`{"exits":[{"oom":false}]}`),
		"e4": json.RawMessage(`{"statements":[{"collection":"orders","slow":true,"fault":{"p50_ms":90},"healthy":{"p50_ms":1}}]}`),
	}
	healthy := map[string]json.RawMessage{
		"e1": json.RawMessage(`{"services":[{"service":"billing","failing":false}],"edges":[{"from":"billing","address":"127.0.0.1:8084","failing":false}]}`),
		"e2": json.RawMessage(`{"deployments":[]}`),
		"e3": json.RawMessage(`{"exits":[]}`),
		"e4": json.RawMessage(`{"statements":[{"collection":"orders","slow":false,"fault":{"p50_ms":1},"healthy":{"p50_ms":1}}]}`),
	}
	good := regexp.MustCompile(`(?m)^Good, .*:\n(.*)$`).FindAllStringSubmatch(system, -1)
	bad := regexp.MustCompile(`(len\(ev\S+ > 0|not any\(\[.*?\]\)) \(true`).FindAllStringSubmatch(system, -1)
	if len(good) != 2 || len(bad) != 2 {
		t.Fatalf("%d good examples, %d bad ones", len(good), len(bad))
	}
	for n, match := range append(good, bad...) {
		judged, err := check.Report(contract.CheckRequest{Evidence: fault, Control: healthy, Report: investigation.Report{
			Chain: []investigation.Claim{{ID: "c1", Checks: []investigation.Check{{Expression: match[1]}}}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		if k := judged.Chain[0].Checks[0]; !k.Holds || k.Counts != (n < len(good)) {
			t.Errorf("%s: holds %v, counts %v: %s", match[1], k.Holds, k.Counts, k.Note)
		}
	}
}

func TestThePromptIsShort(t *testing.T) {
	if words := len(strings.Fields(system)); words > 1250 || len(system) > 7500 {
		t.Errorf("the system prompt has %d words, %d bytes: every turn pays for it", words, len(system))
	}
}
