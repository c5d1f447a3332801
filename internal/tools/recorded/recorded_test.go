package recorded_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/recorded"
)

func run(t *testing.T, r *tools.Registry, arguments string) (tools.Result, error) {
	t.Helper()
	tool, err := r.Get("look")
	if err != nil {
		t.Fatal(err)
	}
	return tool.Run(t.Context(), tools.Scope{Environment: "prod"}, json.RawMessage(arguments))
}

// TestRecordAndAnswer: what was recorded is answered, for the same question in other words, too, and for no other.
func TestRecordAndAnswer(t *testing.T) {
	calls := 0
	live := tools.New(tools.Tool{Name: "look", Run: func(_ context.Context, _ tools.Scope, raw json.RawMessage) (tools.Result, error) {
		calls++
		if strings.Contains(string(raw), "nothing") {
			return tools.Result{}, tools.ErrNoAnswer
		}
		if strings.Contains(string(raw), "away") {
			return tools.Result{}, errors.New("the store is away")
		}
		return tools.Result{Summary: "saw", Data: map[string]int{"n": calls}}, nil
	}})
	var recorder recorded.Recorder
	recording := recorder.Registry(live)
	const minute = `{"from":"2026-03-01T02:00:00Z","to":"2026-03-01T02:01:00Z","service":"cart"}`
	const sum = `{"expression":"sum by (service) (rate(x_bucket[2m]))"}`
	for _, arguments := range []string{minute, minute, sum, `{"service":"nothing"}`, `{"service":"away"}`} {
		_, _ = run(t, recording, arguments)
	}
	if got := recorder.Answers(); len(got) != 3 {
		t.Fatalf("kept %+v", got)
	}
	for _, c := range []struct {
		name, arguments string
		near            float64
		answered        bool
	}{
		{"the same", minute, 0, true},
		{"another order, another zone, an empty text", `{"service":"cart","text":"","to":"2026-03-01T03:01:00+01:00","from":"2026-03-01T02:00:00.000Z"}`, 0, true},
		{"another service", strings.Replace(minute, "cart", "catalog", 1), 0.8, false},
		{"some seconds later", strings.Replace(minute, ":00Z", ":05Z", 1), 0, false},
		{"some seconds later, near", strings.Replace(minute, ":00Z", ":05Z", 1), 0.8, true},
		{"half of it", strings.Replace(minute, "02:00:00Z", "02:00:30Z", 1), 0.8, false},
		{"another minute", `{"from":"2026-03-01T02:02:00Z","to":"2026-03-01T02:03:00Z","service":"cart"}`, 0.1, false},
		{"more than was asked", strings.Replace(minute, "{", `{"text":"x",`, 1), 0.8, false},
		{"no JSON", `{`, 0.8, false},
		{"the same PromQL, spelled otherwise", `{"expression":"sum( rate(x_bucket[120s]) ) by(service)"}`, 0, true},
		{"other PromQL", `{"expression":"sum by (service) (rate(x_bucket[5m]))"}`, 0.8, false},
		{"no PromQL", `{"expression":"sum by ("}`, 0.8, false},
	} {
		result, err := run(t, recorded.Registry(live, recorded.Config{Answers: recorder.Answers(), Near: c.near}), c.arguments)
		if (err == nil) != c.answered {
			t.Errorf("%s: %+v %v", c.name, result, err)
		}
		if err != nil && (!errors.Is(err, tools.ErrNoAnswer) || !strings.HasPrefix(err.Error(), recorded.NotRecorded)) {
			t.Errorf("%s: %v", c.name, err)
		}
		if err == nil && !slices.Contains([]string{`{"n":2}`, `{"n":3}`}, string(result.Data.(json.RawMessage))) {
			t.Errorf("%s: %s", c.name, result.Data)
		}
	}
	_, _ = run(t, recording, `{"at":"2026-03-01T02:00:00Z"}`)
	for asked, answered := range map[string]bool{"02:00:50Z": true, "02:09:00Z": false, "23:00:00Z": false} {
		_, err := run(t, recorded.Registry(live, recorded.Config{Answers: recorder.Answers(), Near: 0.8}), `{"at":"2026-03-01T`+asked+`"}`)
		if (err == nil) != answered {
			t.Errorf("at %s: %v", asked, err)
		}
	}
	if _, err := run(t, recorded.Registry(live, recorded.Config{Answers: recorder.Answers()}), `{"service":"nothing"}`); !errors.Is(err, tools.ErrNoAnswer) || strings.HasPrefix(err.Error(), recorded.NotRecorded) {
		t.Errorf("what had no answer then: %v", err)
	}
	if calls != 6 {
		t.Errorf("the tool ran %d times", calls)
	}
}
