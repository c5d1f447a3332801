package model

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/sandbox/contract"
)

var update = flag.Bool("update", false, "rewrite the prompts in testdata")

// prompt writes a request as a person would read it, without the system prompt, which is a file already.
func prompt(r llm.Request) string {
	var b strings.Builder
	var tools []string
	for _, t := range r.Tools {
		tools = append(tools, t.Name)
	}
	fmt.Fprintf(&b, "model %s, at most %d tokens, tools: %s\n", r.Model, r.MaxTokens, strings.Join(tools, ", "))
	for _, m := range r.Messages {
		fmt.Fprintf(&b, "\n######## %s\n", m.Role)
		for _, p := range m.Parts {
			switch {
			case p.ToolUse != nil:
				fmt.Fprintf(&b, "[%s calls %s %s]\n", p.ToolUse.ID, p.ToolUse.Name, p.ToolUse.Arguments)
			case p.ToolResult != nil && p.ToolResult.Error:
				fmt.Fprintf(&b, "[%s failed]\n%s\n", p.ToolResult.ID, p.ToolResult.Text)
			case p.ToolResult != nil:
				fmt.Fprintf(&b, "[%s answered]\n%s\n", p.ToolResult.ID, p.ToolResult.Text)
			default:
				b.WriteString(p.Text + "\n")
			}
		}
	}
	return b.String()
}

func TestPrompts(t *testing.T) {
	ask := func(g *game) llm.Request {
		a, err := Step(g.request(2))
		if err != nil || a.Ask == nil {
			t.Fatalf("%+v, %v", a, err)
		}
		wellFormed(t, *a.Ask)
		return *a.Ask
	}
	prompts := map[string]func() llm.Request{
		"first": func() llm.Request { return ask(newGame(t, "wrong_configuration")) },
		"third": func() llm.Request { return ask(looked(t, "wrong_configuration")) },
		"last, little context": func() llm.Request {
			g := looked(t, "missing_index")
			g.transcript.LastTurn = true
			for g.context = 30_000; conversationOf(t, g).shows("e4"); g.context -= 200 {
			}
			return ask(g)
		},
		"correction": func() llm.Request {
			g := looked(t, "missing_index")
			g.exchanges = append(g.exchanges,
				contract.Exchange{Turn: 3, Response: says("A lock, perhaps.", slow, wish("locks", args{"why": "Who waits?"}), wish("statements", args{"why": "Again."}))},
				contract.Exchange{Turn: 3, Response: says("Then so.", wish("conclude", with(args{"culprit": "postgres", "claims": claiming(`ev["e4"][0]["slow"]`)})))})
			return ask(g)
		},
		"refute": func() llm.Request { return ask(drafted(t, "missing_index")) },
		"reply": func() llm.Request {
			g := drafted(t, "missing_index")
			g.stage, g.question = contract.Reply, "Was the database busy?\nAnd since when?"
			return ask(g)
		},
		"reply with calls": func() llm.Request {
			g := drafted(t, "missing_index")
			report := *g.transcript.Turns[len(g.transcript.Turns)-1].Draft
			report.Chain[0].Struck = "the check is false"
			g.stage, g.question = contract.Reply, "Was cart slow, too?"
			g.reply = &contract.ReplyContext{Turn: 2001, Calls: 5, Running: true, Report: &report, Earlier: []contract.Answered{
				{Question: "Which table?", Answer: "products, see e4.", Evidence: []string{"e4"}},
			}}
			return ask(g)
		},
	}
	for name, make := range prompts {
		t.Run(name, func(t *testing.T) {
			got := prompt(make())
			file := filepath.Join("testdata", strings.ReplaceAll(strings.ReplaceAll(name, ",", ""), " ", "_")+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (-want +got; -update rewrites it):\n%s", file, diff)
			}
		})
	}
}
