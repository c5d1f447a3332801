package workers_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/gate"
	"github.com/midwatch/midwatch/internal/llm/gate/gatetest"
	"github.com/midwatch/midwatch/internal/llm/llmtest"
	"github.com/midwatch/midwatch/workflows"
)

// switchAI sets policy for the rig's environment, with every provider listed and confirmed.
func (r *rig) switchAI(on bool, types ...investigation.DataType) {
	r.t.Helper()
	p := llm.Policy{Environment: environment, Enabled: on, DataTypes: types}
	for _, m := range r.models {
		p.Providers = append(p.Providers, m.Name)
		p.Confirmed = append(p.Confirmed, llm.Confirmation{Provider: m.Name, Terms: m.Terms, By: "ann"})
	}
	if err := r.db.PutAIPolicy(r.t.Context(), p); err != nil {
		r.t.Fatal(err)
	}
}

func probes(n int, peer string) llmtest.ToolCall {
	arguments, _ := json.Marshal(map[string]any{"n": n, "peer": peer, "why": "to count"})
	return llmtest.ToolCall{Name: "probe_numbers", Arguments: string(arguments)}
}

// concludes blames payment, on a check that holds.
func concludes(confidence float64) llmtest.ToolCall {
	report := map[string]any{
		"verdict": "root_cause", "culprit": "service/payment", "mechanism": "bad_deployment", "confidence": confidence,
		"title": "payment broke", "summary": "It did.",
		"claims": []map[string]any{{"text": "seven", "evidence": []string{"e1"}, "checks": []string{`ev["e1"]["n"] == 7`}}},
	}
	arguments, _ := json.Marshal(report)
	return llmtest.ToolCall{Name: "conclude", Arguments: string(arguments)}
}

var pseudonym = regexp.MustCompile(`ip-[0-9a-z]+`)

var someone = regexp.MustCompile(`user-[0-9][0-9a-f]+`)

// everything is all text of a request.
func everything(r llm.Request) string {
	b, _ := json.Marshal(r)
	return string(b)
}

// TestModelStory has a model decide, over the vendor's own protocol: it asks, uses a pseudonym it was given, concludes, and
// its report is attacked before it stands.
func TestModelStory(t *testing.T) {
	server, account := gatetest.Scripted(t, func(c llmtest.Call) llmtest.Answer {
		switch c.Number {
		case 1:
			return llmtest.Answer{Text: "I look.", Tools: []llmtest.ToolCall{probes(7, "")}}
		case 2:
			return llmtest.Answer{Text: "It is " + someone.FindString(everything(c.Request)) + ". I look at the peer.", Tools: []llmtest.ToolCall{probes(8, pseudonym.FindString(fmt.Sprint(c.Request.Messages[len(c.Request.Messages)-1].Parts[0].ToolResult)))}}
		case 4:
			return llmtest.Answer{Text: "Is it not something else?", Tools: []llmtest.ToolCall{probes(9, "")}}
		default:
			return llmtest.Answer{Text: "It is clear.", Tools: []llmtest.ToolCall{concludes(0.9)}}
		}
	})
	r := newRig(t, account)
	r.switchAI(true, investigation.Metrics)
	first := trigger("alert-1", "payment", investigation.Alert)
	r.raise(first)
	id := workflows.IncidentID(environment, first.ID)
	r.awaitStatus(id, workflows.Closed)

	inv, err := r.db.Investigation(t.Context(), workflows.InvestigationID(id))
	if err != nil {
		t.Fatal(err)
	}
	if inv.Report == nil || inv.Report.Verdict != investigation.RootCause || !inv.Report.Chain[0].Checks[0].Counts || len(inv.Turns) != 5 {
		t.Fatalf("%d turns, report %+v", len(inv.Turns), inv.Report)
	}
	if want := "model/scripted-1 (anthropic-test, scripted)"; inv.Report.Analyst != want {
		t.Errorf("decided by %q, want %q", inv.Report.Analyst, want)
	}
	if !slices.Contains(r.peers, address) {
		t.Errorf("the tool was asked about %q, want the address that the pseudonym stands for", r.peers)
	}
	if want := "It is " + user + ". I look at the peer."; inv.Turns[1].Say != want { // which the next prompts tell again
		t.Errorf("the second turn says %q, want %q", inv.Turns[1].Say, want)
	}
	for _, c := range server.Calls() {
		if text := everything(c.Request); strings.Contains(text, address) || strings.Contains(text, password) || strings.Contains(text, user) {
			t.Errorf("call %d holds what must not leave", c.Number)
		}
	}
	if *update {
		save(t, r, r.client, workflows.InvestigationWorkflowID(environment, inv.Request.ID), "", "investigation-model")
	}
	t.Run("ledger", func(t *testing.T) { inLedger(t, r, inv.Request.ID, server) })
	t.Run("sealed", func(t *testing.T) { sealed(t, r) })
}

// inLedger: what the provider got is what the ledger says, call by call.
func inLedger(t *testing.T, r *rig, id string, server *llmtest.Server) {
	calls := server.Calls()
	if len(calls) != 5 {
		t.Fatalf("asked %d times", len(calls))
	}
	for n, c := range calls {
		entries, err := r.db.Attempts(t.Context(), llm.Call{Investigation: id, Turn: n + 1, Ask: 1})
		if err != nil || len(entries) != 1 {
			t.Fatalf("turn %d: %v %v", n+1, entries, err)
		}
		var sent llm.Request
		if err := json.Unmarshal(entries[0].Request, &sent); err != nil {
			t.Fatal(err)
		}
		if sent.System != c.Request.System || len(sent.Messages) != len(c.Request.Messages) || entries[0].State != llm.Answered {
			t.Errorf("turn %d: the ledger has another request than the provider, or is %s", n+1, entries[0].State)
		}
		if n > 0 && (entries[0].Redactions["ip"] == 0 || entries[0].Redactions["secret:password"] == 0) {
			t.Errorf("turn %d: redactions %v", n+1, entries[0].Redactions)
		}
	}
}

// TestAIOffCallsNobody: with a provider configured and AI off, no connection is opened.
func TestAIOffCallsNobody(t *testing.T) {
	server, account := gatetest.Scripted(t, llmtest.Sequence(llmtest.Say("hello")))
	r := newRig(t, account)
	r.script.noProblem()
	r.switchAI(false, investigation.Metrics)
	r.raise(trigger("alert-1", "payment", investigation.Alert))
	id := workflows.IncidentID(environment, "alert-1")
	r.awaitStatus(id, workflows.Closed)
	if ever, _ := server.Connections(); ever != 0 {
		t.Errorf("%d connections", ever)
	}
}

// TestSwitchingOffReachesRunningInvestigations: the call in flight is closed, and the built-in analyst concludes.
func TestSwitchingOffReachesRunningInvestigations(t *testing.T) {
	hangs := make(chan struct{}, 10)
	server, account := gatetest.Scripted(t, func(llmtest.Call) llmtest.Answer {
		hangs <- struct{}{}
		return llmtest.Answer{Hang: true}
	})
	r := newRig(t, account)
	r.script.noProblem()
	r.switchAI(true, investigation.Metrics)
	r.raise(trigger("alert-1", "payment", investigation.Alert))
	select {
	case <-hangs:
	case <-time.After(patience):
		t.Fatal("the model was not asked")
	}
	r.switchAI(false, investigation.Metrics)
	if got := r.closedWith(workflows.IncidentID(environment, "alert-1")).Analyst; !strings.HasPrefix(got, "script, after a model: ") || server.Closed() != 1 || server.Count() != 1 {
		t.Errorf("decided by %q, %d calls, %d closed", got, server.Count(), server.Closed())
	}
}

// troubles are what a model does to an alarm of the service of that name, and who decides then. What a vendor says of it stands in the report.
var troubles = map[string]struct {
	answer  llmtest.Answer
	asked   int
	verdict investigation.Verdict
	said    map[string]string // kind of provider → how the note in the report goes on; none: it is the model's own report
}{
	"denied": {llmtest.Deny(), 1, investigation.NoProblem, map[string]string{
		llm.KindAnthropic: "denied (HTTP 401): authentication_error", llm.KindOpenAI: "denied (HTTP 401): invalid_api_key",
		llm.KindBedrock: "denied (HTTP 403): AccessDeniedException: ",
	}},
	"toolong": {llmtest.TooLong(), 1, investigation.NoProblem, map[string]string{
		llm.KindAnthropic: "invalid (HTTP 400): invalid_request_error: prompt is too long", llm.KindOpenAI: "invalid (HTTP 400): context_length_exceeded: ",
		llm.KindBedrock: "invalid (HTTP 400): ValidationException: Input is too long",
	}},
	"nonsense": {llmtest.Say("I would rather talk about something else."), workflows.MaxAsks, investigation.Inconclusive, nil},
}

// TestModelInTrouble, whatever the trouble and whoever the provider: the report says who decided it, and why not a model.
func TestModelInTrouble(t *testing.T) {
	servers, accounts := map[string]*llmtest.Server{}, []gate.Account(nil)
	for _, kind := range []string{llm.KindAnthropic, llm.KindOpenAI, llm.KindBedrock} {
		server, account := gatetest.ScriptedAs(t, kind, func(c llmtest.Call) llmtest.Answer {
			for name := range troubles {
				if about(c, name) {
					return troubles[name].answer
				}
			}
			return llmtest.Answer{}
		})
		servers[kind], accounts = server, append(accounts, account)
	}
	r := newRig(t, accounts...)
	r.script.noProblem()
	for _, account := range accounts {
		t.Run(account.Kind, func(t *testing.T) {
			r.models = []gate.Account{account}
			r.switchAI(true, investigation.Metrics)
			for name := range troubles {
				r.raise(trigger("alert-"+name+account.Kind, name, investigation.Alert))
			}
			for name, want := range troubles {
				report := r.closedWith(workflows.IncidentID(environment, "alert-"+name+account.Kind))
				analyst := fmt.Sprintf("script, after a model: model provider %s: %s", account.Name, want.said[account.Kind])
				if want.said == nil {
					analyst = fmt.Sprintf("model/%s (%s, %s)", account.Model, account.Name, account.Account)
				}
				if report.Verdict != want.verdict || !strings.HasPrefix(report.Analyst, analyst) || want.said == nil && report.Analyst != analyst {
					t.Errorf("%s: %s, decided by %q, want %s by %q", name, report.Verdict, report.Analyst, want.verdict, analyst)
				}
				asked := slices.DeleteFunc(servers[account.Kind].Calls(), func(c llmtest.Call) bool { return !about(c, name) })
				if len(asked) != want.asked {
					t.Errorf("%s: asked %d times, want %d", name, len(asked), want.asked)
				}
			}
		})
	}
}

// about tells whether a call is about an alarm of a service.
func about(c llmtest.Call, service string) bool {
	return strings.Contains(everything(c.Request), service+" fails")
}

// closedWith is the report with which an incident was closed.
func (r *rig) closedWith(incident string) investigation.Report {
	r.t.Helper()
	r.awaitStatus(incident, workflows.Closed)
	inv, err := r.db.Investigation(r.t.Context(), workflows.InvestigationID(incident))
	if err != nil || inv.Report == nil {
		r.t.Fatalf("%+v %v", inv, err)
	}
	return *inv.Report
}

// TestNextModelDecides: where the first provider listed says no, the report is the next one's, and says so.
func TestNextModelDecides(t *testing.T) {
	first, one := gatetest.ScriptedAs(t, llm.KindBedrock, llmtest.Sequence(llmtest.Deny()))
	second, two := gatetest.ScriptedAs(t, llm.KindOpenAI, llmtest.Sequence(llmtest.Ask(llmtest.ToolCall{
		Name: "conclude", Arguments: `{"verdict":"inconclusive","confidence":0.2,"title":"I cannot know","summary":"I saw nothing.","claims":[]}`,
	})))
	r := newRig(t, one, two)
	r.switchAI(true, investigation.Metrics)
	r.raise(trigger("alert-1", "payment", investigation.Alert))
	report := r.closedWith(workflows.IncidentID(environment, "alert-1"))
	if want := "model/scripted-1 (openai-test, scripted)"; report.Analyst != want || report.Title != "I cannot know" || first.Count() == 0 || first.Count() != second.Count() {
		t.Errorf("%q, decided by %q, want %q; asked %d and %d times", report.Title, report.Analyst, want, first.Count(), second.Count())
	}
}

// TestModelTooSmallForTheTools: no prompt can be made for it, and it is never asked.
func TestModelTooSmallForTheTools(t *testing.T) {
	server, account := gatetest.Scripted(t, llmtest.Sequence(llmtest.Say("hello")))
	account.Context = account.MaxTokens + 100
	r := newRig(t, account)
	r.script.noProblem()
	r.switchAI(true, investigation.Metrics)
	r.raise(trigger("alert-1", "payment", investigation.Alert))
	if got := r.closedWith(workflows.IncidentID(environment, "alert-1")).Analyst; !strings.HasPrefix(got, "script, after a model: ") || server.Count() != 0 {
		t.Errorf("decided by %q, %d calls", got, server.Count())
	}
}
