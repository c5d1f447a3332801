package builtin_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/sandbox/analyst/builtin"
	"github.com/midwatch/midwatch/sandbox/contract"
)

func TestAnswer(t *testing.T) {
	report := &investigation.Report{
		Verdict: investigation.RootCause, Title: "catalog is slow", Summary: "The index is gone.", Confidence: 0.9,
		Onset: time.Date(2026, 3, 1, 12, 0, 45, 0, time.UTC), Missing: []string{"profiles of payment"},
		Chain: []investigation.Claim{
			{Text: "products is scanned by postgres.", Evidence: []string{"e4", "e77"}},
			{Text: "gateway waits for catalog.", Evidence: []string{"e1"}, Struck: "its check is false"},
		},
		RuledOut: []investigation.RuledOut{{Entity: "service/redis-server", Why: "as fast as before", Evidence: []string{"e2"}}},
		Fix:      &investigation.FixDraft{Action: "index", Why: "it finds rows by category"},
	}
	transcript := investigation.Transcript{
		Request: investigation.Request{Triggers: []investigation.Trigger{{Service: "checkout", Summary: "checkout takes 900 ms"}}},
		Evidence: []investigation.Evidence{
			{ID: "e1", Tool: "compare_windows", Summary: "4 services differ"},
			{ID: "e2", Tool: "search_logs", Arguments: []byte(`{"service":"cart"}`), Summary: "nothing new"},
			{ID: "e4", Tool: "statements", Summary: "2 are slow"},
			{ID: "e3", Tool: "search_logs", Arguments: []byte(`{"service":"cart"}`), Error: "gone"},
		},
	}
	for question, want := range map[string]struct {
		says     []string
		evidence []string
	}{
		"Was Postgres to blame?":             {[]string{"products is scanned by postgres. (e4)", "catalog is slow. The index is gone."}, []string{"e4", "e1"}},
		"why did the GATEWAY wait":           {[]string{"struck because its check is false: gateway waits"}, []string{"e1"}},
		"what about redis?":                  {[]string{"Ruled out: service/redis-server: as fast as before (e2)"}, []string{"e2"}},
		"what did cart say?":                 {[]string{"search_logs found: nothing new (e2)"}, []string{"e2"}},
		"since when?":                        {[]string{"It began at 2026-03-01T12:00:45Z."}, nil},
		"are you sure?":                      {[]string{"confidence of 90%, verdict root cause"}, nil},
		"how do we fix it?":                  {[]string{"It proposes index: it finds rows by category"}, nil},
		"Is anything missing about payment?": {[]string{"What is missing: profiles of payment"}, nil},
		"and checkout?":                      {[]string{"What raised it: checkout takes 900 ms"}, nil},
		"Was the moon full?":                 {[]string{"mentions moon, full. What the report says:", "catalog is slow. The index is gone."}, []string{"e4", "e1"}},
		"why?":                               {[]string{"mentions what was asked. What the report says:"}, []string{"e4", "e1"}},
	} {
		t.Run(question, func(t *testing.T) {
			got := builtin.Answer(contract.AnswerRequest{Transcript: transcript, Question: question, Report: report})
			for _, text := range want.says {
				if !strings.Contains(got.Text, text) {
					t.Errorf("%q does not say %q", got.Text, text)
				}
			}
			if !slices.Equal(got.Evidence, want.evidence) {
				t.Errorf("rests on %v, want %v: %s", got.Evidence, want.evidence, got.Text)
			}
		})
	}
}

func TestAnswerWithoutReport(t *testing.T) {
	for running, want := range map[bool]string{true: "still runs", false: "without a report"} {
		got := builtin.Answer(contract.AnswerRequest{Question: "and the database?", Running: running})
		if !strings.Contains(got.Text, "mentions database") || !strings.Contains(got.Text, want) || got.Evidence == nil {
			t.Errorf("running %v: %+v", running, got)
		}
	}
}

// TestAnswerIsBounded, however much there is.
func TestAnswerIsBounded(t *testing.T) {
	req := contract.AnswerRequest{Question: "cart?"}
	for range 200 {
		req.Transcript.Evidence = append(req.Transcript.Evidence, investigation.Evidence{ID: "e1", Summary: "cart é" + strings.Repeat("é", 3000)})
	}
	if got := builtin.Answer(req); len(got.Text) > 4000 || len(got.Evidence) != 1 {
		t.Errorf("%d bytes, %v", len(got.Text), got.Evidence)
	}
}
