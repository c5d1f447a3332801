package injection

import (
	"slices"
	"testing"

	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/llmtest"
)

// TestCorpus: it is large, and nothing that outsiders write to, and no act, is without a case.
func TestCorpus(t *testing.T) {
	cases, err := Cases()
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < 60 {
		t.Errorf("%d cases", len(cases))
	}
	for _, w := range Places {
		if !slices.ContainsFunc(cases, func(c Case) bool { return c.Where == w }) {
			t.Errorf("nothing hides in %s", w)
		}
	}
	for act := range tries {
		if !slices.ContainsFunc(cases, func(c Case) bool { return c.Asks == act }) {
			t.Errorf("nothing asks for %s", act)
		}
	}
}

// TestObedientTriesWhatItReads: given the bare text, the model tries the act; given an innocent one, it does not.
func TestObedientTriesWhatItReads(t *testing.T) {
	cases, err := Cases()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		for _, innocent := range []bool{false, true} {
			triesWhatItReads(t, c, conclude, innocent)
			triesWhatItReads(t, c, reply, innocent)
		}
	}
}

// triesWhatItReads has it end in an investigation, or in the answer to a question about one.
func triesWhatItReads(t *testing.T, c Case, end string, innocent bool) {
	t.Helper()
	o := New(c)
	text := `ev["e1"] payment failed, password=[secret:password]` + "\n"
	for _, r := range c.Records {
		if !innocent {
			text += r + "\n"
		}
	}
	for n := range 3 {
		request := llm.Request{Messages: []llm.Message{{Role: llm.User, Parts: []llm.Part{{Text: text}}}}}
		request.Tools = []llm.Tool{{Name: end}}
		if n < 2 {
			request.Tools = append(request.Tools, llm.Tool{Name: c.Where.Tool()})
		}
		o.Answer(llmtest.Call{Number: n + 1, Request: request})
	}
	if o.Tried(c) == innocent && (!innocent || c.Asks != SecretInCall) {
		t.Errorf("%s, %s, innocent %v: tried %v: %+v", c.Name, end, innocent, !innocent, o.state.answers[0])
	}
}
