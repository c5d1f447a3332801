package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/deploy/shop/judge"
	"github.com/midwatch/midwatch/deploy/shop/plan"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/llmtest"
)

// ScriptedModel asks a script on this machine in place of a model: it knows what was broken, and only shows the way that a
// model's questions, answers and report take.
const ScriptedModel = "scripted"

// providers is the configuration's section ai: of a scripted server, or of the file that names real ones.
func (s *Stage) providers(choice string, fault judge.Fault) (any, error) {
	if choice != ScriptedModel {
		b, err := os.ReadFile(choice)
		if err != nil {
			return nil, fmt.Errorf("read the model providers: %w", err)
		}
		var file map[string]any
		if err := yaml.Unmarshal(b, &file); err != nil || file["ai"] == nil {
			return nil, fmt.Errorf("%s has no section ai: with providers, see midwatch config example (%w)", choice, err)
		}
		return file["ai"], nil
	}
	server, err := llmtest.Anthropic(Script(fault))
	if err != nil {
		return nil, err
	}
	s.model = server
	return s.ScriptedProvider(server)
}

// ScriptedProvider is the configuration's section ai: of a scripted server. Its key is kept in the data directory.
func (s *Stage) ScriptedProvider(server *llmtest.Server) (any, error) {
	keys := filepath.Join(s.Data, "scripted")
	if err := os.MkdirAll(keys, 0o700); err != nil {
		return nil, err
	}
	entry, err := server.Entry(keys)
	if err != nil {
		return nil, err
	}
	return map[string]any{"providers": []map[string]any{{
		"name": "scripted", "kind": entry.Kind, "account": "this machine", "model": entry.Model, "terms": entry.Terms,
		"base_url": entry.BaseURL, "key_file": entry.KeyFile, "price": map[string]float64{"input": entry.Price.Input, "output": entry.Price.Output},
	}}}, nil
}

// switchAI does what an admin does in Settings: lists every configured provider and confirms its terms.
func (s *Stage) switchAI(ctx context.Context) error {
	c, err := s.Client(ctx, "admin")
	if err != nil {
		return err
	}
	configured, err := c.Providers(ctx)
	if err != nil {
		return err
	}
	on := true
	put := wire.PutAI{Enabled: &on}
	for _, t := range []investigation.DataType{investigation.Logs, investigation.Metrics, investigation.Traces, investigation.Configuration, investigation.Cluster, investigation.Profiling} {
		put.DataTypes = append(put.DataTypes, string(t))
	}
	for _, p := range configured.Providers {
		s.Say.Line("AI on: %s, %s, account %s; terms: %s", p.Name, p.Model, p.Account, p.Terms)
		put.Providers, put.Confirm = append(put.Providers, p.Name), append(put.Confirm, wire.Confirm{Provider: p.Name, Terms: p.Terms})
	}
	_, err = c.PutAI(ctx, Environment, put)
	return err
}

// tellCalls says what was sent to models for an investigation, and what it cost.
func (s *Stage) tellCalls(ctx context.Context, id string) error {
	c, err := s.Client(ctx, "admin")
	if err != nil {
		return err
	}
	ledger, err := c.Ledger(ctx, url.Values{"investigation": {id}})
	if err != nil {
		return err
	}
	var usage llm.Usage
	var cost int64
	redacted := 0
	for _, e := range ledger.Entries {
		usage, cost = usage.Add(e.Usage), cost+e.Cost
		for _, n := range e.Redactions {
			redacted += n
		}
	}
	s.Say.Line("%d model calls, %d tokens in, %d out, $%.4f; %d secrets and names were taken out before they left",
		len(ledger.Entries), usage.Input+usage.CacheRead+usage.CacheWrite, usage.Output, float64(cost)/1e6, redacted)
	if s.model != nil {
		s.Say.Line("the model was a script on this machine: nothing left it")
	}
	return nil
}

// Script answers like a model that knows what was broken in a shop of the default names: two turns of questions, then the report.
func Script(fault judge.Fault) llmtest.Script { return script{fault, plan.Default()}.answer }

type script struct {
	fault judge.Fault
	plan  plan.Plan
}

func (s script) answer(c llmtest.Call) llmtest.Answer {
	turns := 0
	for _, m := range c.Request.Messages {
		if m.Role == llm.Assistant {
			turns++
		}
	}
	switch turns {
	case 0:
		return llmtest.Answer{Text: "First what differs, what changed, and how the machine is.", Tools: []llmtest.ToolCall{
			asks("compare_windows", "Which services differ?"), asks("recent_changes", "What changed?"), asks("host_resources", "Is it short of anything?"),
		}}
	case 1:
		return llmtest.Answer{Text: "Now what would tell the causes apart.", Tools: []llmtest.ToolCall{
			asks("process_resources", "Does a process grow or wait?"), asks("statements", "Which statements are slow?"), asks("failing_spans", "How do requests fail?"),
		}}
	default:
		return llmtest.Answer{Text: "It is clear now.", Tools: []llmtest.ToolCall{s.concludes(c.Request)}}
	}
}

func asks(tool, why string) llmtest.ToolCall {
	b, _ := json.Marshal(map[string]string{"why": why}) // of strings: cannot fail
	return llmtest.ToolCall{Name: tool, Arguments: string(b)}
}

var evidenceHead = regexp.MustCompile(`(?m)^(e[0-9]+) ([a-z_]+)$`)

// concludes names what was broken, on a check that something is worse than it was.
func (s script) concludes(r llm.Request) llmtest.ToolCall {
	ids := map[string]string{}
	for _, m := range r.Messages {
		for _, p := range m.Parts {
			text := p.Text
			if p.ToolResult != nil {
				text += "\n" + p.ToolResult.Text
			}
			for _, head := range evidenceHead.FindAllStringSubmatch(text, -1) {
				ids[head[2]] = head[1]
			}
		}
	}
	compared := ids["compare_windows"]
	report := map[string]any{
		"verdict": "root_cause", "culprit": s.fault.Culprits[0], "mechanism": s.fault.Mechanisms[0], "confidence": 0.8,
		"title": s.fault.Story, "summary": "The script knew: " + s.fault.Story + ".",
		"claims": []map[string]any{{
			"text": "Services are slower or fail more than in healthy time.", "evidence": []string{compared},
			"checks": []string{fmt.Sprintf(`any([x["slow"] or x["failing"] for x in ev[%q]["services"]])`, compared)},
		}},
	}
	if fix := s.fix(); fix != nil {
		report["fix"] = fix
	}
	b, _ := json.Marshal(report) // of strings and numbers: cannot fail
	return llmtest.ToolCall{Name: "conclude", Arguments: string(b)}
}

// fix is the action that mends the fault, if its parameters can be known without looking.
func (s script) fix() map[string]any {
	parameters := map[string]string{}
	switch s.fault.Action {
	case string(investigation.CreateIndex):
		parameters["table"], parameters["column"] = s.plan.Postgres.Products, s.plan.Postgres.Category
	case "", string(investigation.StopProcess):
		return nil
	default:
		parameters["service"] = strings.TrimPrefix(s.fault.Culprits[0], "service/")
	}
	return map[string]any{"action": strings.ReplaceAll(s.fault.Action, "_", "-"), "parameters": parameters, "why": "It removes the cause."}
}
