package model

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/sandbox/contract"
)

// scripted is a model that answers by a script.
type scripted func(llm.Request) llm.Response

// recorded reads a transcript that the built-in analyst's tests recorded: its evidence is what the tools answer.
func recorded(t testing.TB, name string) investigation.Transcript {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "builtin", "testdata", name, "transcript.json"))
	if err != nil {
		t.Fatal(err)
	}
	var transcript investigation.Transcript
	if err := json.Unmarshal(b, &transcript); err != nil {
		t.Fatal(err)
	}
	transcript.Request.Budget.Turns = 8
	return transcript
}

// registry is the tools of the recordings, with the schemas they have.
func registry() []llm.Tool {
	compares := func(name, description string, more string) llm.Tool {
		return llm.Tool{Name: name, Description: description, Schema: json.RawMessage(fmt.Sprintf(`{"type":"object","additionalProperties":false,
"required":["from","to","baseline_from","baseline_to"],"properties":{%s
"from":{"type":"string","format":"date-time"},"to":{"type":"string","format":"date-time"},
"baseline_from":{"type":"string","format":"date-time"},"baseline_to":{"type":"string","format":"date-time"}}}`, more))}
	}
	looks := func(name, description string) llm.Tool {
		return llm.Tool{Name: name, Description: description, Schema: json.RawMessage(`{"type":"object","additionalProperties":false,"required":["from","to"],
"properties":{"from":{"type":"string"},"to":{"type":"string"},"service":{"type":"string"}}}`)}
	}
	return []llm.Tool{
		compares("compare_windows", "What differs between two windows, by service, operation and edge.", ""),
		looks("recent_changes", "What changed in a window."), looks("service_edges", "Who calls whom."),
		compares("host_resources", "What machines and services use.", ""), compares("process_resources", "What processes use.", ""),
		compares("statements", "Statements of databases.", ""), compares("failing_spans", "Failed requests.", `"service":{"type":"string"},`),
		compares("search_logs", "Log lines.", `"service":{"type":"string"},"min_severity":{"type":"string","enum":["","debug","info","warn","error"]},`),
	}
}

// game is an investigation that is played outside of any workflow.
type game struct {
	t          *testing.T
	recorded   investigation.Transcript // what the tools answer
	transcript investigation.Transcript // so far
	exchanges  []contract.Exchange
	asked      []llm.Request
	stage      contract.Stage
	question   string
	reply      *contract.ReplyContext
	asks       int // per turn
	context    int
}

func newGame(t *testing.T, name string) *game {
	r := recorded(t, name)
	return &game{
		t: t, recorded: r, transcript: investigation.Transcript{Request: r.Request, Now: r.Now}, stage: contract.Investigate, asks: 3, context: 200_000,
	}
}

func (g *game) request(left int) contract.ModelRequest {
	return contract.ModelRequest{
		Transcript: g.transcript, Stage: g.stage, Question: g.question, Reply: g.reply, Tools: registry(), Model: "scripted-1", Context: g.context, MaxTokens: 4096,
		Exchanges: g.exchanges, AsksLeft: left,
	}
}

// turn plays one turn: steps and answers until the step decides.
func (g *game) turn(m scripted) contract.ModelAnswer {
	g.t.Helper()
	number := len(g.transcript.Turns) + 1
	for left := g.asks; ; left-- {
		a, err := Step(g.request(left))
		if err != nil {
			g.t.Fatal(err)
		}
		if a.Ask == nil {
			return a
		}
		if left == 0 {
			g.t.Fatal("it asks although it may not")
		}
		wellFormed(g.t, *a.Ask)
		g.asked = append(g.asked, *a.Ask)
		g.exchanges = append(g.exchanges, contract.Exchange{Turn: number, Response: m(*a.Ask)})
	}
}

// perform answers a step's calls from the recording, as the tools would, and ends the turn.
func (g *game) perform(st investigation.Step) {
	g.t.Helper()
	turn := investigation.Turn{Number: len(g.transcript.Turns) + 1, Say: st.Say, Calls: st.Calls, Draft: st.Report, At: g.recorded.Now}
	for _, c := range st.Calls {
		turn.Evidence = append(turn.Evidence, g.answer(c))
	}
	g.transcript.Turns = append(g.transcript.Turns, turn)
}

func (g *game) answer(c investigation.ToolCall) string {
	for _, e := range g.transcript.Evidence {
		if c.Same(investigation.ToolCall{Tool: e.Tool, Arguments: e.Arguments}) {
			return e.ID
		}
	}
	at := slices.IndexFunc(g.recorded.Evidence, func(e investigation.Evidence) bool { return e.Tool == c.Tool })
	e := investigation.Evidence{Tool: c.Tool, Error: "nothing was recorded"}
	if at >= 0 {
		e = g.recorded.Evidence[at]
	}
	e.ID, e.Call, e.Arguments = fmt.Sprintf("e%d", len(g.transcript.Evidence)+1), c.ID, c.Arguments
	g.transcript.Evidence = append(g.transcript.Evidence, e)
	return e.ID
}

// wellFormed checks what every provider insists on.
func wellFormed(t testing.TB, r llm.Request) {
	t.Helper()
	if r.Messages[0].Role != llm.User || r.Messages[len(r.Messages)-1].Role != llm.User {
		t.Error("the conversation does not begin and end with the user")
	}
	if len(r.Tools) == 0 || r.System == "" || r.Model == "" || r.MaxTokens == 0 {
		t.Error("the request lacks tools, system prompt, model or the length of the answer")
	}
	used := map[string]bool{}
	var open []string
	for i, m := range r.Messages {
		if i > 0 && m.Role == r.Messages[i-1].Role {
			t.Errorf("message %d: %s speaks twice", i, m.Role)
		}
		if len(m.Parts) == 0 {
			t.Errorf("message %d is empty", i)
		}
		var answered []string
		for n, p := range m.Parts {
			switch {
			case p.ToolUse != nil:
				if _, ok := object(p.ToolUse.Arguments); !ok || used[p.ToolUse.ID] || m.Role != llm.Assistant || notInName.MatchString(p.ToolUse.Name) {
					t.Errorf("message %d: tool use %+v", i, p.ToolUse)
				}
				used[p.ToolUse.ID] = true
			case p.ToolResult != nil:
				answered = append(answered, p.ToolResult.ID)
				if p.ToolResult.Text == "" || n > 0 && m.Parts[n-1].ToolResult == nil {
					t.Errorf("message %d: result %+v is empty or comes after text", i, p.ToolResult)
				}
			case p.Text == "":
				t.Errorf("message %d: part %d is empty", i, n)
			}
		}
		if m.Role == llm.User && !slices.Equal(answered, open) {
			t.Errorf("message %d answers %v, asked was %v", i, answered, open)
		}
		open = nil
		for _, u := range uses(m) {
			open = append(open, u.ID)
		}
	}
}

// says is an answer in words and tool uses.
func says(text string, uses ...llm.ToolUse) llm.Response {
	m := llm.Message{Role: llm.Assistant}
	if text != "" {
		m.Parts = append(m.Parts, llm.Part{Text: text})
	}
	stop := llm.StopEnd
	for _, u := range uses {
		stop = llm.StopTools
		m.Parts = append(m.Parts, llm.Part{ToolUse: &u})
	}
	return llm.Response{Model: "scripted-1-2026", Message: m, Stop: stop}
}

func wish(name string, arguments any) llm.ToolUse {
	b, err := json.Marshal(arguments)
	if err != nil {
		panic(err)
	}
	return llm.ToolUse{ID: "toolu_" + name, Name: name, Arguments: b}
}

type args = map[string]any
