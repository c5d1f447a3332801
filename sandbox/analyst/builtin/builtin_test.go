package builtin

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/internal/investigation"
)

var update = flag.Bool("update", false, "rewrite the reports in testdata from their transcripts")

// transcripts reads testdata/<case>/transcript.json: whole investigations as the workflow kept them. They are recorded by
// `go test ./activities/detect -run TestStories -record`.
func transcripts(t *testing.T) map[string]investigation.Transcript {
	t.Helper()
	files, err := filepath.Glob("testdata/*/transcript.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no recorded transcripts", err)
	}
	out := map[string]investigation.Transcript{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var transcript investigation.Transcript
		if err := json.Unmarshal(b, &transcript); err != nil {
			t.Fatal(err)
		}
		out[filepath.Dir(file)] = transcript
	}
	return out
}

// upTo is the transcript as it was when a turn was decided.
func upTo(t investigation.Transcript, turn int) investigation.Transcript {
	known := map[string]bool{}
	for _, done := range t.Turns[:turn] {
		for _, id := range done.Evidence {
			known[id] = true
		}
	}
	out := t
	out.Turns = t.Turns[:turn]
	out.Evidence = nil
	for _, e := range t.Evidence {
		if known[e.ID] {
			out.Evidence = append(out.Evidence, e)
		}
	}
	return out
}

func TestRecordedTranscripts(t *testing.T) {
	for dir, transcript := range transcripts(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			for i, turn := range transcript.Turns {
				step, err := Step(upTo(transcript, i))
				if err != nil {
					t.Fatal(err)
				}
				if step.Report != nil {
					t.Fatalf("turn %d concludes", turn.Number)
				}
				want, _ := json.Marshal(turn.Calls)
				got, _ := json.Marshal(step.Calls)
				if diff := cmp.Diff(string(want), string(got)); diff != "" {
					t.Errorf("turn %d (-recorded +got):\n%s", turn.Number, diff)
				}
			}
			step, err := Step(transcript)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join(dir, "report.json"), step.Report)
		})
	}
}

func golden(t *testing.T, file string, v any) {
	t.Helper()
	got, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got; -update rewrites it):\n%s", file, diff)
	}
}

// Whatever is missing, the analyst concludes, and never names a culprit without the evidence it names it by.
func TestMissingEvidenceIsNeverAPanicNorAVerdict(t *testing.T) {
	for dir, whole := range transcripts(t) {
		for drop := range 1 << len(whole.Evidence) {
			transcript := whole
			transcript.LastTurn = true
			transcript.Evidence = nil
			ids := map[string]bool{}
			for i, e := range whole.Evidence {
				switch {
				case drop&(1<<i) == 0:
					ids[e.ID] = true
				case i%2 == 0:
					continue
				default:
					e.Result, e.Error = nil, "the store is away"
				}
				transcript.Evidence = append(transcript.Evidence, e)
			}
			step, err := Step(transcript)
			if err != nil || step.Report == nil || len(step.Calls) > 0 {
				t.Fatalf("%s without %b: %+v, %v", dir, drop, step, err)
			}
			r := step.Report
			for _, c := range r.Chain {
				for _, id := range c.Evidence {
					if !ids[id] {
						t.Errorf("%s without %b: claim %q rests on %s, which is not there", dir, drop, c.Text, id)
					}
				}
			}
			if r.Verdict == investigation.RootCause && len(r.Chain) == 0 || r.Verdict != investigation.RootCause && r.Culprit != "" {
				t.Errorf("%s without %b: %s %s with %d claims", dir, drop, r.Verdict, r.Culprit, len(r.Chain))
			}
			if drop == 1<<len(whole.Evidence)-1 && r.Verdict != investigation.Inconclusive {
				t.Errorf("%s without any evidence: %s", dir, r.Verdict)
			}
		}
	}
}

func TestEmptyResultsAreInconclusive(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	transcript := investigation.Transcript{
		Request: investigation.Request{Fault: investigation.Window{From: now.Add(-time.Minute), To: now}},
		Turns:   []investigation.Turn{{Number: 1}, {Number: 2}}, Now: now,
	}
	for _, tool := range []string{
		"compare_windows", "recent_changes", "service_edges", "host_resources", "process_resources", "statements", "failing_spans", "search_logs",
	} {
		for _, result := range []string{`{}`, `null`} {
			transcript.Evidence = append(transcript.Evidence, investigation.Evidence{ID: tool, Tool: tool, Result: json.RawMessage(result)})
		}
	}
	step, err := Step(transcript)
	if err != nil || step.Report == nil || step.Report.Verdict != investigation.Inconclusive {
		t.Errorf("got %+v, %v", step.Report, err)
	}
}

func TestPredicateColumn(t *testing.T) {
	for query, want := range map[string]string{
		"SELECT sku, name FROM products WHERE category = $1 LIMIT 50":  "category",
		"SELECT p.id FROM wares p WHERE p.shelf_no=? ORDER BY p.price": "shelf_no",
		`select * from "T" where "Shelf" = $1`:                         "shelf",
		"SELECT id FROM t WHERE deleted = false AND owner = $1":        "owner",
		"SELECT id FROM t WHERE owner IN ($1, $2)":                     "owner",
		"SELECT id FROM t WHERE owner = ANY($1)":                       "owner",
		"UPDATE t SET a = $1 WHERE (b = $2)":                           "b",
		"INSERT INTO orders (customer, total) VALUES ($1, $2)":         "",
		"SELECT count(*) FROM t":                                       "",
		"SELECT id FROM t WHERE price > $1":                            "",
		"":                                                             "",
	} {
		if got := predicateColumn(query); got != want {
			t.Errorf("predicateColumn(%q) = %q, want %q", query, got, want)
		}
	}
}

func TestPoolWords(t *testing.T) {
	for line, want := range map[string]bool{
		"redis: connection pool timeout":                                              true,
		"HikariPool-1 - Connection is not available, request timed out after 30000ms": true,
		"QueuePool limit of size 5 overflow 10 reached, connection timed out":         true,
		"timeout waiting for a connection":                                            true,
		"FATAL: too many connections for role":                                        true,
		"unable to acquire JDBC connection":                                           true,
		"served 12 products in 3 ms":                                                  false,
		"price feed lags by 3 s, using cached prices":                                 false,
		"dial tcp 127.0.0.1:8084: connect: connection refused":                        false,
	} {
		if got := poolWords.MatchString(line); got != want {
			t.Errorf("%q: got %v, want %v", line, got, want)
		}
	}
}

func TestDraftFitsOrIsLeftOut(t *testing.T) {
	f := facts{req: investigation.Request{Actions: []investigation.Action{
		{Name: "not mine", Kind: investigation.RestartAction, Services: []string{"other"}},
		{Name: "restart", Kind: investigation.RestartAction, Services: []string{"cart"}, Parameters: []investigation.Parameter{
			{Name: "unit", Type: investigation.ServiceParameter, Allowed: []string{"cart"}},
		}},
		{Name: "index", Kind: investigation.CreateIndex, Parameters: []investigation.Parameter{
			{Name: "table", Type: investigation.IdentifierParameter}, {Name: "column", Type: investigation.IdentifierParameter},
		}},
		{Name: "stop", Kind: investigation.StopProcess, Parameters: []investigation.Parameter{
			{Name: "process", Type: investigation.ProcessParameter, Allowed: []string{"/opt/batch"}},
		}},
	}}}
	for process, ok := range map[string]bool{"12:345:/opt/batch": true, "12:345:/usr/bin/postgres": false} {
		if got := f.draft(investigation.StopProcess, "batch", map[string]string{"process": process}, ""); (got != nil) != ok {
			t.Errorf("process %s: %+v", process, got)
		}
	}
	want := &investigation.FixDraft{Action: "restart", Parameters: map[string]string{"unit": "cart"}, Why: "because"}
	if diff := cmp.Diff(want, f.draft(investigation.RestartAction, "cart", nil, "because")); diff != "" {
		t.Error(diff)
	}
	if got := f.draft(investigation.RestartAction, "catalog", nil, ""); got != nil {
		t.Errorf("an action for others was chosen: %+v", got)
	}
	if got := f.draft(investigation.CreateIndex, "db", map[string]string{"table": `wares"; DROP`, "column": "a"}, ""); got != nil {
		t.Errorf("a name that is no identifier was used: %+v", got)
	}
}
