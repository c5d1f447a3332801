package model

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/sandbox/contract"
)

// looked is a game after a turn that looked at everything: e1 compare_windows, e2 recent_changes, e3 host_resources, e4
// statements, e5 search_logs.
func looked(t *testing.T, name string) *game {
	g := newGame(t, name)
	m := good(nil)
	for range 2 {
		g.perform(*g.turn(m).Step)
	}
	g.asked = nil
	return g
}

// with is the sound conclusion about the missing index, changed.
func with(change args) args {
	c := maps.Clone(conclusions["missing_index"])
	maps.Copy(c, change)
	return c
}

func cutOff(r llm.Response) llm.Response {
	r.Stop = llm.StopLength
	return r
}

// slow is a call that fits and that nobody made yet.
var slow = wish("process_resources", args{"why": "Does it wait for a core?"})

func claiming(expression string) []args {
	return []args{{"text": "It is slow.", "evidence": []string{"e4"}, "checks": []string{expression}}}
}

var malformed = map[string]struct {
	answer llm.Response
	wants  string // of the correction
	saves  string // calls, root_cause, inconclusive: what is left when the model may not be asked again
	last   bool
}{
	"unknown tool":       {answer: says("", slow, wish("shell", args{"why": "ls"})), wants: `There is no tool "shell". There are: compare_windows`, saves: "calls"},
	"only unknown tools": {answer: says("Hm.", wish("rm -rf /", args{})), wants: `There is no tool "rm -rf /"`, saves: "inconclusive"},
	"no why":             {answer: says("", wish("process_resources", args{})), wants: "why is missing", saves: "inconclusive"},
	"no object": {
		answer: says("", llm.ToolUse{Name: "process_resources", Arguments: json.RawMessage(`"{\"why\": \"cut"`)}),
		wants:  "not a JSON object", saves: "inconclusive",
	},
	"unknown argument": {answer: says("", wish("statements", args{"why": "x", "limit": 5})), wants: "limit is not one of its arguments", saves: "inconclusive"},
	"wrong type":       {answer: says("", wish("search_logs", args{"why": "x", "service": 5})), wants: "service is number, not string", saves: "inconclusive"},
	"wrong choice": {
		answer: says("", slow, wish("search_logs", args{"why": "x", "min_severity": "fatal"})),
		wants:  `min_severity is none of ["" "debug" "info" "warn" "error"]`, saves: "calls",
	},
	"long arguments":     {answer: says("", wish("search_logs", args{"why": "x", "service": strings.Repeat("a", 7000)})), wants: "longer than", saves: "inconclusive"},
	"no call":            {answer: says("I think it is the database."), wants: "calls no tool", saves: "inconclusive"},
	"nothing":            {answer: says(""), wants: "calls no tool", saves: "inconclusive"},
	"cut off":            {answer: cutOff(says("", slow, llm.ToolUse{Name: "conclude", Arguments: json.RawMessage(`"{\"claims\": ["`)})), wants: "cut off at 4096 tokens", saves: "calls"},
	"cut off in words":   {answer: cutOff(says("First I would like to say")), wants: "cut off", saves: "inconclusive"},
	"refused":            {answer: llm.Response{Stop: llm.StopRefused, Message: llm.Message{Role: llm.Assistant}}, wants: "declined", saves: "inconclusive"},
	"asks and concludes": {answer: says("", slow, wish("conclude", with(nil))), wants: "do one of the two", saves: "calls"},
	"concludes twice":    {answer: says("", wish("conclude", with(nil)), wish("conclude", with(nil))), wants: "concluded twice", saves: "root_cause"},
	"too many calls":     {answer: says("", manyCalls(13)...), wants: "13 calls; at most 12", saves: "calls"},
	"asks on the last turn": {
		answer: says("", slow), wants: "no calls are left. Use conclude.", saves: "inconclusive", last: true,
	},
	"asks and concludes on the last turn": {answer: says("", slow, wish("conclude", with(nil))), wants: "no calls are left", saves: "root_cause", last: true},
	"conclusion of another shape":         {answer: says("", wish("conclude", args{"claims": "none"})), wants: "cannot be read", saves: "inconclusive"},
	"no verdict":                          {answer: says("", wish("conclude", with(args{"verdict": "maybe"}))), wants: `verdict is "maybe"`, saves: "inconclusive"},
	"no title":                            {answer: says("", wish("conclude", with(args{"title": "<b></b>"}))), wants: "must not be empty", saves: "root_cause"},
	"no entity":                           {answer: says("", wish("conclude", with(args{"culprit": "the database"}))), wants: "no entity id", saves: "inconclusive"},
	"invented culprit":                    {answer: says("", wish("conclude", with(args{"culprit": "service/ledger"}))), wants: "No evidence and no trigger names service/ledger", saves: "inconclusive"},
	"a link as culprit":                   {answer: says("", wish("conclude", with(args{"culprit": "service/https://catalog"}))), wants: "no entity id", saves: "inconclusive"},
	"unknown mechanism":                   {answer: says("", wish("conclude", with(args{"mechanism": "gremlins"}))), wants: `mechanism "gremlins"`, saves: "inconclusive"},
	"no claims":                           {answer: says("", wish("conclude", with(args{"claims": []args{}}))), wants: "needs claims", saves: "inconclusive"},
	"a check that is false":               {answer: says("", wish("conclude", with(args{"claims": claiming(`len(ev["e4"]["statements"]) > 99`)}))), wants: "Claim 1 would be struck: check 1: is false", saves: "root_cause"},
	"a check that fails":                  {answer: says("", wish("conclude", with(args{"claims": claiming(`ev["e4"]["rows"][0]`)}))), wants: `key "rows" not in dict`, saves: "root_cause"},
	"a check that is no Starlark":         {answer: says("", wish("conclude", with(args{"claims": claiming(`any(x for`)}))), wants: "Claim 1 would be struck", saves: "root_cause"},
	"no check that counts":                {answer: says("", wish("conclude", with(args{"claims": claiming(`len(ev["e4"]["statements"]) >= 0`)}))), wants: "No check counts", saves: "root_cause"},
	"invented evidence": {
		answer: says("", wish("conclude", with(args{"claims": []args{{"text": "So.", "evidence": []string{"e99"}, "checks": []string{}}}}))),
		wants:  "evidence e99 does not exist", saves: "root_cause",
	},
	"nothing missing": {
		answer: says("", wish("conclude", args{"verdict": "inconclusive", "title": "?", "summary": "?", "confidence": 0.2, "claims": []args{}})),
		wants:  "must name the data that is missing", saves: "inconclusive",
	},
	"no problem without a look": {answer: says("", wish("conclude", with(args{"verdict": "no_problem", "claims": []args{}}))), wants: "no_problem needs claims", saves: "inconclusive"},
	"unknown action":            {answer: says("", wish("conclude", with(args{"fix": args{"action": "rm", "parameters": args{}, "why": "x"}}))), wants: `no action "rm"`, saves: "root_cause"},
	"wrong parameters":          {answer: says("", wish("conclude", with(args{"fix": args{"action": "index", "parameters": args{"table": "products"}, "why": "x"}}))), wants: "exactly these parameters: column, table", saves: "root_cause"},
}

func manyCalls(n int) []llm.ToolUse {
	var out []llm.ToolUse
	for i := range n {
		out = append(out, wish("search_logs", args{"why": "x", "service": strings.Repeat("s", i+1)}))
	}
	return out
}

func TestAMalformedAnswerIsCorrected(t *testing.T) {
	for name, c := range malformed {
		t.Run(name, func(t *testing.T) {
			g := looked(t, "missing_index")
			g.transcript.LastTurn = c.last
			g.exchanges = append(g.exchanges, contract.Exchange{Turn: 3, Response: c.answer})
			a, err := Step(g.request(1))
			if err != nil || a.Ask == nil {
				t.Fatalf("%+v, %v", a, err)
			}
			wellFormed(t, *a.Ask)
			if said := lastWords(*a.Ask); !strings.Contains(said, c.wants) {
				t.Errorf("the correction is %q, it lacks %q", said, c.wants)
			}
		})
	}
}

// lastWords is the text of the last message.
func lastWords(r llm.Request) string {
	var out []string
	for _, p := range r.Messages[len(r.Messages)-1].Parts {
		if p.ToolResult != nil {
			out = append(out, p.ToolResult.Text)
		}
		out = append(out, p.Text)
	}
	return strings.Join(out, "\n")
}

func TestAMalformedAnswerIsSalvaged(t *testing.T) {
	for name, c := range malformed {
		t.Run(name, func(t *testing.T) {
			g := looked(t, "missing_index")
			g.transcript.LastTurn = c.last
			g.exchanges = append(g.exchanges, contract.Exchange{Turn: 3, Response: c.answer})
			a, err := Step(g.request(0))
			if err != nil || a.Step == nil {
				t.Fatalf("%+v, %v", a, err)
			}
			acceptable(t, *a.Step, 3, c.last)
			got := "calls"
			if a.Step.Report != nil {
				got = string(a.Step.Report.Verdict)
			}
			if got != c.saves {
				t.Errorf("got %s, want %s: %+v", got, c.saves, a.Step)
			}
			if f := a.Step.Report; f != nil && f.Fix != nil && f.Fix.Action != "index" {
				t.Errorf("fix %+v", f.Fix)
			}
		})
	}
}

// acceptable is what the platform demands of a step (activities/validate.go).
func acceptable(t *testing.T, s investigation.Step, turn int, last bool) {
	t.Helper()
	if strings.TrimSpace(s.Say) == "" || len(s.Say) > 4<<10 || (s.Report == nil) == (len(s.Calls) == 0) || last && s.Report == nil || len(s.Calls) > 12 {
		t.Errorf("step %+v", s)
	}
	for n, c := range s.Calls {
		if want := "t3c" + string(rune('1'+n)); turn == 3 && n < 9 && c.ID != want || len(c.Why) > 2<<10 || len(c.Arguments) > 2<<10 {
			t.Errorf("call %+v", c)
		}
	}
	r := s.Report
	if r == nil {
		return
	}
	if r.Confidence < 0 || r.Confidence > 1 || len(r.Chain) > 20 || len(r.Missing) > 50 || len(r.RuledOut) > 50 || r.Title == "" || r.Analyst == "" ||
		r.Verdict == investigation.RootCause != (r.Culprit != "" && r.Mechanism != "") || r.Verdict != investigation.RootCause && r.Fix != nil ||
		r.Verdict == investigation.Inconclusive && len(r.Missing) == 0 {
		t.Errorf("report %+v", r)
	}
	texts := append([]string{r.Title, r.Summary, string(r.Culprit), r.Analyst}, r.Missing...)
	for _, c := range r.Chain {
		texts = append(texts, c.ID, c.Text)
		for _, k := range c.Checks {
			texts = append(texts, k.Expression)
		}
		if c.ID == "" || c.Text == "" || len(c.Checks) > 10 {
			t.Errorf("claim %+v", c)
		}
	}
	for _, text := range texts {
		if len(text) > 2<<10 {
			t.Errorf("a text of %d bytes", len(text))
		}
	}
}

func TestAModelThatMayNotBeAskedIsAnHonestEnd(t *testing.T) {
	g := looked(t, "missing_index")
	a, err := Step(g.request(0))
	if err != nil || a.Step == nil || a.Step.Report == nil || a.Step.Report.Title != "The model could not be asked" {
		t.Fatalf("%+v, %v", a, err)
	}
	acceptable(t, *a.Step, 3, false)
}

func TestAnEarlierAnswerIsBetterThanNone(t *testing.T) {
	g := looked(t, "missing_index")
	flawed := with(args{"claims": append(claiming(`False`), conclusions["missing_index"]["claims"].([]args)...)})
	g.exchanges = append(g.exchanges,
		contract.Exchange{Turn: 3, Response: says("", wish("conclude", flawed))},
		contract.Exchange{Turn: 3, Response: says("I am sorry.")})
	a, err := Step(g.request(0))
	if err != nil || a.Step == nil || a.Step.Report == nil || a.Step.Report.Verdict != investigation.RootCause {
		t.Errorf("%+v, %v", a.Step, err)
	}
}

func TestARepeatedCallIsAnsweredFromEvidence(t *testing.T) {
	again := says("Once more.", wish("statements", args{"why": "Again?"}))
	g := looked(t, "missing_index")
	g.exchanges = append(g.exchanges, contract.Exchange{Turn: 3, Response: again})
	a, err := Step(g.request(2))
	if err != nil || a.Ask == nil || !strings.Contains(lastWords(*a.Ask), "evidence e4") {
		t.Fatalf("%+v, %v", a, err)
	}
	if a, err = Step(g.request(0)); err != nil || a.Step == nil || len(a.Step.Calls) != 1 {
		t.Errorf("without another ask the platform answers it: %+v, %v", a, err)
	}
	g.exchanges[len(g.exchanges)-1].Response = says("Once more.", wish("statements", args{"why": "Again?"}), slow)
	if a, err = Step(g.request(2)); err != nil || a.Step == nil || len(a.Step.Calls) != 2 {
		t.Errorf("beside a new call it is no fault: %+v, %v", a, err)
	}
	// What was left out for want of space may be asked again, and is then shown where it was asked last.
	g = looked(t, "missing_index")
	for g.context = 30_000; conversationOf(t, g).shows("e1"); g.context -= 200 {
	}
	if !conversationOf(t, g).shows("e5") {
		t.Fatal("the oldest evidence should make room first")
	}
	g.exchanges = append(g.exchanges, contract.Exchange{Turn: 3, Response: says("", wish("compare_windows", args{"why": "I need it again."}))})
	if a, err = Step(g.request(2)); err != nil || a.Step == nil {
		t.Fatalf("%+v, %v", a, err)
	}
	g.perform(*a.Step)
	if c := conversationOf(t, g); !c.shows("e1") || g.transcript.Turns[2].Evidence[0] != "e1" {
		t.Error("what was asked again is not shown")
	}
}

func conversationOf(t *testing.T, g *game) *conversation {
	t.Helper()
	s, err := open(g.request(3))
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.converse(nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestOneCallTwiceInAnAnswerIsOne(t *testing.T) {
	g := looked(t, "missing_index")
	g.exchanges = append(g.exchanges, contract.Exchange{Turn: 3, Response: says("", slow, slow)})
	a, err := Step(g.request(2))
	if err != nil || a.Step == nil || len(a.Step.Calls) != 1 || a.Step.Say != "Does it wait for a core?" {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestOnTheLastTurnOnlyConcludeIsOffered(t *testing.T) {
	g := looked(t, "missing_index")
	g.transcript.LastTurn = true
	a, err := Step(g.request(2))
	if err != nil || len(a.Ask.Tools) != 1 || a.Ask.Tools[0].Name != "conclude" || !strings.Contains(lastWords(*a.Ask), "conclude now") {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestReportsArePlainAndBounded(t *testing.T) {
	g := looked(t, "missing_index")
	long := strings.Repeat("word ", 2000)
	claims := make([]args, 40)
	for i := range claims {
		claims[i] = args{"text": long, "evidence": slices.Repeat([]string{"e4"}, 30), "checks": slices.Repeat([]string{"True"}, 30)}
	}
	g.exchanges = append(g.exchanges, contract.Exchange{Turn: 3, Response: says(long, wish("conclude", with(args{
		"claims": claims, "summary": "See ![x](https://evil.example/a.png) and [this](javascript:alert(1)) \x1b[31mnow\u202e <img src=x onerror=y> `rm`",
		"missing": slices.Repeat([]string{long}, 90), "confidence": 7, "onset": "2031-01-01T00:00:00Z",
	})))})
	a, err := Step(g.request(0))
	if err != nil || a.Step.Report == nil {
		t.Fatalf("%+v, %v", a, err)
	}
	acceptable(t, *a.Step, 3, false)
	r := a.Step.Report
	if want := "See x and this (alert(1)) [31mnow rm"; r.Summary != want {
		t.Errorf("summary %q, want %q", r.Summary, want)
	}
	if !r.Onset.Equal(g.recorded.Request.Triggers[0].Onset) || r.Confidence != surest || len(r.Chain) != maxClaims {
		t.Errorf("onset %s, confidence %g, %d claims", r.Onset, r.Confidence, len(r.Chain))
	}
}
