package model

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/sandbox/contract"
)

// random is a transcript of some length with results of all sizes, some of them asked twice, some without an answer.
func random(r *rand.Rand, turns int, results []json.RawMessage) investigation.Transcript {
	t := investigation.Transcript{Request: investigation.Request{Triggers: []investigation.Trigger{{ID: "a", Service: "s", Summary: prose(r, 200)}}}}
	for n := range turns {
		turn := investigation.Turn{Number: n + 1, Say: prose(r, r.IntN(900))}
		for c := range 1 + r.IntN(6) {
			call := investigation.ToolCall{
				ID: fmt.Sprintf("t%dc%d", n+1, c+1), Tool: "search_logs", Arguments: json.RawMessage(fmt.Sprintf(`{"service":"s%d.%d"}`, n, c)), Why: prose(r, 60),
			}
			turn.Calls = append(turn.Calls, call)
			switch {
			case r.IntN(20) == 0:
				turn.Evidence = append(turn.Evidence, "")
			case r.IntN(10) == 0 && len(t.Evidence) > 0:
				turn.Evidence = append(turn.Evidence, t.Evidence[r.IntN(len(t.Evidence))].ID)
			default:
				e := investigation.Evidence{
					ID: fmt.Sprintf("e%d", len(t.Evidence)+1), Call: call.ID, Tool: call.Tool, Arguments: call.Arguments, Summary: prose(r, r.IntN(300)),
				}
				if e.Result = results[r.IntN(len(results))]; r.IntN(15) == 0 {
					e.Result, e.Error = nil, prose(r, 500)
				}
				t.Evidence = append(t.Evidence, e)
				turn.Evidence = append(turn.Evidence, e.ID)
			}
		}
		t.Turns = append(t.Turns, turn)
	}
	return t
}

// results are some of all sizes, the largest larger than what a prompt shows of one.
func results(r *rand.Rand) []json.RawMessage {
	var out []json.RawMessage
	for range 25 {
		out = append(out, lineResult(r, r.IntN(130)))
	}
	return out
}

func lineResult(r *rand.Rand, rows int) json.RawMessage {
	lines := []args{}
	for range rows {
		lines = append(lines, args{"body": prose(r, r.IntN(200)), "count": r.IntN(1000), "ratio": r.Float64()})
	}
	b, _ := json.Marshal(args{"matched": rows, "lines": lines})
	return b
}

func prose(r *rand.Rand, n int) string {
	words := []string{"connection", "reset by the peer", "pool of 20", "timeout after 3 s", "e1", "0x1f"}
	odd := []string{"é", "日本", "\u202e", "\n", "</data>", "<"} // which cost more to write safely: some texts have many, most none
	if r.IntN(4) == 0 {
		words = append(words, odd...)
	}
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(words[r.IntN(len(words))] + " ")
	}
	return b.String()
}

// length is what a request holds, in bytes, counted apart from the code it tests.
func length(r llm.Request) int {
	n := len(r.System)
	for _, t := range r.Tools {
		n += len(t.Name) + len(t.Description) + len(t.Schema)
	}
	for _, m := range r.Messages {
		for _, p := range m.Parts {
			n += len(p.Text)
			if p.ToolUse != nil {
				n += len(p.ToolUse.ID) + len(p.ToolUse.Name) + len(p.ToolUse.Arguments)
			}
			if p.ToolResult != nil {
				n += len(p.ToolResult.ID) + len(p.ToolResult.Text)
			}
		}
	}
	return n
}

func everything(r llm.Request) string {
	var b strings.Builder
	for _, m := range r.Messages {
		for _, p := range m.Parts {
			b.WriteString(p.Text + "\n")
			if p.ToolResult != nil {
				b.WriteString(p.ToolResult.Text + "\n")
			}
		}
	}
	return b.String()
}

func TestAConversationFitsAndKeepsItsIds(t *testing.T) {
	const conversations = 60
	r := rand.New(rand.NewPCG(7, 1))
	compacted, folded, some := 0, 0, results(r)
	for n := range conversations {
		transcript := random(r, 1+r.IntN(30), some)
		req := contract.ModelRequest{
			Transcript: transcript, Stage: contract.Investigate, Tools: registry(), Model: "m", Context: 11_000 + r.IntN(90_000), MaxTokens: 2000, AsksLeft: 3,
		}
		s, err := open(req)
		if err != nil {
			t.Fatal(err)
		}
		c, err := s.converse(nil)
		if err != nil {
			t.Fatalf("transcript %d of %d turns in %d tokens: %v", n, len(transcript.Turns), req.Context, err)
		}
		if c.brief > 0 {
			compacted++
		}
		if c.folded > 0 {
			folded++
		}
		ask := s.request(c)
		wellFormed(t, ask)
		if got, limit := length(ask), bytesPerToken*min(maxPrompt, req.Context-req.MaxTokens); got > limit {
			t.Errorf("transcript %d: %d bytes, at most %d", n, got, limit)
		}
		text := everything(ask)
		named := map[string]bool{}
		for _, word := range strings.Fields(outside(text)) {
			named[strings.Trim(word, ",:")] = true
		}
		for _, e := range transcript.Evidence {
			if !named[e.ID] {
				t.Errorf("transcript %d: %s is lost", n, e.ID)
			}
		}
		for n, turn := range transcript.Turns {
			if n >= c.folded && !strings.Contains(text, strings.TrimSpace(turn.Say)) {
				t.Errorf("transcript %d: the words of turn %d are lost", n, turn.Number)
			}
		}
	}
	if compacted < conversations/4 || folded < conversations/20 || compacted == conversations {
		t.Errorf("%d conversations were compacted and %d folded: the test tries too little", compacted, folded)
	}
}

// A prompt begins as the one before it did, unless it had to be cut: providers charge less for what they have in cache.
func TestPromptsGrowAtTheirEnd(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 2))
	transcript := random(r, 30, results(r))
	var before []llm.Message
	kept := 0
	for n := range transcript.Turns {
		req := contract.ModelRequest{Stage: contract.Investigate, Tools: registry(), Model: "m", Context: 110_000, MaxTokens: 2000, AsksLeft: 3}
		req.Transcript.Request, req.Transcript.Turns, req.Transcript.Evidence = transcript.Request, transcript.Turns[:n], upTo(transcript, n)
		a, err := Step(req)
		if err != nil {
			t.Fatal(err)
		}
		if n > 0 && sameStart(before[:len(before)-1], a.Ask.Messages) {
			kept++
		}
		before = a.Ask.Messages
	}
	if kept < 18 {
		t.Errorf("only %d of 29 prompts begin as the one before", kept)
	}
}

func upTo(t investigation.Transcript, turns int) []investigation.Evidence {
	last := 0
	for _, turn := range t.Turns[:turns] {
		for _, id := range turn.Evidence {
			var n int
			if _, err := fmt.Sscanf(id, "e%d", &n); err == nil {
				last = max(last, n)
			}
		}
	}
	return t.Evidence[:last]
}

func sameStart(before, now []llm.Message) bool {
	a, _ := json.Marshal(before)
	b, _ := json.Marshal(now[:min(len(now), len(before))])
	return string(a) == string(b)
}

func TestAContextTooSmallIsAnError(t *testing.T) {
	g := looked(t, "missing_index")
	g.context = 6000
	if a, err := Step(g.request(3)); err == nil {
		t.Errorf("got %d bytes", length(*a.Ask))
	}
}

func TestTheSameRequestGivesTheSameBytes(t *testing.T) {
	g := drafted(t, "missing_index")
	played := slices.Clip(g.exchanges)
	for name, c := range malformed {
		for _, left := range []int{0, 2} {
			g.exchanges = append(played, contract.Exchange{Turn: 4, Response: c.answer})
			if name == "unknown argument" {
				g.exchanges[len(g.exchanges)-1].Response = says("", wish("search_logs", args{"why": "x", "a": 1, "b": 2, "c": 3, "service": 1, "from": 2, "to": 3}))
			}
			want := ""
			for range 3 {
				a, err := Step(g.request(left))
				if err != nil {
					t.Fatal(err)
				}
				got, _ := json.Marshal(a)
				if want == "" {
					want = string(got)
				}
				if string(got) != want {
					t.Fatalf("%s: %s\nthen %s", name, want, got)
				}
			}
		}
	}
}
