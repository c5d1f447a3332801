package model

import (
	_ "embed"
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// Bounds of a report, all within what the platform accepts: texts in bytes.
const (
	maxClaims     = 12
	maxChecks     = 5 // of one claim
	maxCited      = 10
	maxRuledOut   = 12
	maxMissing    = 10
	maxTitle      = 160
	maxSummary    = 900
	maxSentence   = 600
	maxEntity     = 300
	maxExpression = 1500
)

// surest is the most that a report of a model may claim: nobody's word makes it certain.
const surest = 0.95

//go:embed conclude.json
var concludeSchema []byte

var concludeTool = llm.Tool{
	Name:        "conclude",
	Description: "End the investigation with a report. The platform evaluates every check and strikes claims that do not hold.",
	Schema:      concludeSchema,
}

// conclusion is what the model passes to conclude.
type conclusion struct {
	Claims     []claim    `json:"claims"`
	Verdict    string     `json:"verdict"`
	Culprit    string     `json:"culprit,omitempty"`
	Mechanism  string     `json:"mechanism,omitempty"`
	Confidence float64    `json:"confidence"`
	Title      string     `json:"title"`
	Summary    string     `json:"summary"`
	Onset      string     `json:"onset,omitempty"`
	RuledOut   []ruledOut `json:"ruled_out,omitempty"`
	Missing    []string   `json:"missing,omitempty"`
	Fix        *draftFix  `json:"fix,omitempty"`
}

type claim struct {
	Text     string   `json:"text"`
	Evidence []string `json:"evidence"`
	Checks   []string `json:"checks"`
}

type ruledOut struct {
	Entity   string   `json:"entity"`
	Why      string   `json:"why"`
	Evidence []string `json:"evidence"`
}

type draftFix struct {
	Action     string            `json:"action"`
	Parameters map[string]string `json:"parameters"`
	Why        string            `json:"why"`
	Code       *draftCode        `json:"code,omitempty"`
}

// readConclusion turns a conclusion into a report that the platform accepts, and says what is wrong with it. What cannot
// be trusted is not in the report; what is merely doubtful is, for the platform to judge.
func (s *session) readConclusion(r *reading, n int, arguments json.RawMessage) {
	var c conclusion
	if err := json.Unmarshal(arguments, &c); err != nil {
		r.fault(n, "The arguments of conclude cannot be read: %s.", plain(err.Error(), 200))
		return
	}
	if r.report != nil {
		r.fault(n, "You concluded twice in one answer.")
		return
	}
	report := s.report(c)
	report.Analyst = s.analyst(r.model)
	s.judge(r, n, &report)
	s.fix(r, n, c.Fix, &report)
	r.report = &report
}

// report copies what the model wrote, bounded and in plain text.
func (s *session) report(c conclusion) investigation.Report {
	r := investigation.Report{
		Verdict: investigation.Verdict(c.Verdict), Title: plain(c.Title, maxTitle), Summary: plain(c.Summary, maxSummary),
		Culprit: telemetry.Entity(c.Culprit), Mechanism: investigation.Mechanism(c.Mechanism), Confidence: percent(c.Confidence), Onset: s.onset(c.Onset),
		Chain: []investigation.Claim{}, RuledOut: []investigation.RuledOut{}, Missing: []string{},
	}
	for _, x := range first(c.Claims, maxClaims) {
		claim := investigation.Claim{
			ID: "c" + strconv.Itoa(len(r.Chain)+1), Text: plain(x.Text, maxSentence), Evidence: ids(x.Evidence), Checks: []investigation.Check{},
		}
		for _, expression := range first(x.Checks, maxChecks) {
			if len(expression) <= maxExpression {
				claim.Checks = append(claim.Checks, investigation.Check{Expression: oneLine(expression)})
			}
		}
		if claim.Text != "" {
			r.Chain = append(r.Chain, claim)
		}
	}
	for _, x := range first(c.RuledOut, maxRuledOut) {
		r.RuledOut = append(r.RuledOut, investigation.RuledOut{
			Entity: telemetry.Entity(plain(x.Entity, maxEntity)), Why: plain(x.Why, maxSentence), Evidence: ids(x.Evidence),
		})
	}
	for _, m := range first(c.Missing, maxMissing) {
		if m = plain(m, maxSentence); m != "" {
			r.Missing = append(r.Missing, m)
		}
	}
	return r
}

// onset is when the model says it began, if that lies within what was looked at, else the triggers' onset.
func (s *session) onset(said string) time.Time {
	at, err := time.Parse(time.RFC3339, said)
	req := s.Transcript.Request
	if err != nil || at.Before(req.Healthy.From) || at.After(req.Fault.To) {
		return s.span.Onset
	}
	return at.UTC()
}

func percent(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return math.Round(100*min(surest, max(0, v))) / 100
}

func first[T any](list []T, n int) []T { return list[:min(len(list), n)] }

// ids keeps what may be ids of evidence.
func ids(list []string) []string {
	out := []string{}
	for _, id := range first(list, maxCited) {
		if id = plain(id, 20); id != "" {
			out = append(out, id)
		}
	}
	return out
}
