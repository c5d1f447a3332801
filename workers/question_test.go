package workers_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/activities/starter"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/gate/gatetest"
	"github.com/midwatch/midwatch/internal/llm/llmtest"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/workflows"
)

// words that a person asks in; they must not be readable in Temporal's file, nor leave with the address in them.
const words = "was xylophone-pool empty at " + address + "?"

// ended stores an investigation that the built-in analyst decided, with one piece of evidence.
func (r *rig) ended(id string) {
	r.t.Helper()
	ctx := r.t.Context()
	first := trigger("alert-"+id, "payment", investigation.Alert)
	err := r.db.CreateInvestigation(ctx, investigation.Request{ID: id, Environment: environment, Triggers: []investigation.Trigger{first}})
	if err != nil {
		r.t.Fatal(err)
	}
	look := probeCall(1, 1, 7)
	e, err := r.db.PutEvidence(ctx, investigation.Evidence{
		Investigation: id, Call: look.ID, Tool: look.Tool, Arguments: look.Arguments, Summary: "payment: saw 7",
		Result: json.RawMessage(`{"n": 7}`), DataTypes: []investigation.DataType{investigation.Metrics},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, turn := range []investigation.Turn{{Number: 1, Say: "I look.", Calls: []investigation.ToolCall{look}}} {
		if err := r.db.PutTurn(ctx, id, turn); err != nil {
			r.t.Fatal(err)
		}
	}
	report := investigation.Report{
		Verdict: investigation.RootCause, Title: "payment broke", Summary: "It did.", Culprit: "service/payment", Analyst: "script",
		Chain: []investigation.Claim{{ID: "c1", Text: "payment fails", Evidence: []string{e.ID}}},
	}
	if err := r.db.PutReport(ctx, id, report); err != nil {
		r.t.Fatal(err)
	}
	if err := r.db.SetInvestigationStatus(ctx, id, metadata.Concluded); err != nil {
		r.t.Fatal(err)
	}
}

// ask asks as the api does.
func (r *rig) ask(id, request, text string, namespaces ...string) investigation.Question {
	r.t.Helper()
	q, _, err := r.db.AddQuestion(r.t.Context(), investigation.Question{
		ID: workflows.QuestionID(id, request), Investigation: id, Text: text, Asker: "ann", Namespaces: namespaces,
		Budget: workflows.Policy{}.QuestionBudget(0, 0), Status: investigation.QuestionAsked, AskedAt: time.Now().UTC(),
	}, metadata.QuestionLimits{Total: 10, Open: 3, Forgets: time.Hour})
	if err != nil {
		r.t.Fatal(err)
	}
	if err := starter.Ask(r.t.Context(), r.client, environment, q); err != nil {
		r.t.Fatal(err)
	}
	return q
}

// awaitAnswer waits until a question has ended.
func (r *rig) awaitAnswer(q investigation.Question) investigation.Question {
	r.t.Helper()
	r.await("the question ends", func() bool {
		now, err := r.db.Question(r.t.Context(), q.ID)
		q = now
		return err == nil && q.Status != investigation.QuestionAsked
	})
	return q
}

func replies(text string, evidence ...string) llmtest.Answer {
	arguments, _ := json.Marshal(map[string]any{"text": text, "evidence": evidence})
	return llmtest.Answer{Tools: []llmtest.ToolCall{{Name: "reply", Arguments: string(arguments)}}}
}

// TestQuestionStory has a model answer after the investigation has ended: it looks for more, within the asker's scope, and cites what
// it found; the next question sees that exchange.
func TestQuestionStory(t *testing.T) {
	server, account := gatetest.Scripted(t, func(c llmtest.Call) llmtest.Answer {
		switch c.Number {
		case 1:
			return llmtest.Answer{Text: "I look.", Tools: []llmtest.ToolCall{probes(8, "")}}
		case 2:
			return replies("No, see e2: https://evil.example/x", "e1", "e2")
		default:
			return replies("As I said.", "e1")
		}
	})
	r := newRig(t, account)
	r.switchAI(true, investigation.Metrics)
	r.ended("inv-1")
	before, err := r.db.EvidenceList(t.Context(), "inv-1")
	if err != nil {
		t.Fatal(err)
	}
	q := r.awaitAnswer(r.ask("inv-1", "one", words, "shop"))
	if q.Status != investigation.QuestionAnswered || fmt.Sprint(q.Answer.Evidence) != "[e1 e2]" || strings.Contains(q.Answer.Text, "://") ||
		q.Answer.Analyst != "model/scripted-1 (anthropic-test, scripted)" || q.Answer.NoModel != "" {
		t.Fatalf("%+v %+v", q, q.Answer)
	}
	if *update {
		save(t, r, r.client, workflows.QuestionWorkflowID(environment, q.ID), "", "question")
	}
	if len(r.scopes) != 1 || r.scopes[0].Environment != environment || fmt.Sprint(r.scopes[0].Namespaces) != "[shop]" {
		t.Errorf("the tool was asked within %+v", r.scopes)
	}
	own, err := r.db.EvidenceList(t.Context(), "inv-1")
	gathered, err2 := r.db.QuestionEvidence(t.Context(), "inv-1")
	if err != nil || err2 != nil || len(own) != len(before) || len(gathered) != 1 || gathered[0].ID != "e2" || gathered[0].Question != 1 {
		t.Errorf("own evidence %+v, of questions %+v", own, gathered)
	}
	if again := r.awaitAnswer(r.ask("inv-1", "one", words, "shop")); again.Number != 1 || server.Count() != 2 {
		t.Errorf("asked twice by one request: question %d, %d calls", again.Number, server.Count())
	}

	r.awaitAnswer(r.ask("inv-1", "two", "are you sure?", "shop"))
	r.awaitAnswer(r.ask("inv-1", "three", "and elsewhere?", "other"))
	calls := server.Calls()
	if len(calls) != 4 || !strings.Contains(everything(calls[2].Request), "xylophone") || strings.Contains(everything(calls[3].Request), "xylophone") {
		t.Errorf("%d calls; an exchange is told to who may see it, and to nobody else", len(calls))
	}
	for _, c := range calls {
		if text := everything(c.Request); strings.Contains(text, address) || strings.Contains(text, password) {
			t.Errorf("call %d holds what must not leave", c.Number)
		}
	}
	budgeted(t, r, calls)
	wordlessHistory(t, r)
}

// budgeted: each question's calls are in the ledger, apart from the investigation's.
func budgeted(t *testing.T, r *rig, calls []llmtest.Call) {
	for turn, want := range map[int]int{1: 0, 1001: 1, 1002: 1, 2001: 1, 3001: 1} {
		entries, err := r.db.Attempts(t.Context(), llm.Call{Investigation: "inv-1", Turn: turn, Ask: 1})
		if err != nil || len(entries) != want {
			t.Errorf("turn %d: %d entries, %v", turn, len(entries), err)
		}
	}
	if own, _, err := r.db.Spent(t.Context(), llm.Call{Investigation: "inv-1"}); err != nil || own.Input != 0 || len(calls) == 0 {
		t.Errorf("the investigation was charged %+v, %v", own, err)
	}
}

// wordlessHistory: no word of a question or its answer is in Temporal's file, nor in the history with its payloads opened.
func wordlessHistory(t *testing.T, r *rig) {
	opened, err := os.ReadFile(filepath.Join(histories, versions(t)[0], "question.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"xylophone", "I look", "evil.example", "to count"} {
		if bytes.Contains(opened, []byte(text)) {
			t.Errorf("the history holds %q", text)
		}
	}
	b, err := os.ReadFile(r.temporal.DB)
	wal, err2 := os.ReadFile(r.temporal.DB + "-wal")
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	for _, text := range []string{"xylophone", "As I said", "evil.example"} {
		if bytes.Contains(b, []byte(text)) || bytes.Contains(wal, []byte(text)) {
			t.Errorf("%q is readable in Temporal's file", text)
		}
	}
}

// TestQuestionWithAIOff is answered by the built-in analyst, and nobody is called.
func TestQuestionWithAIOff(t *testing.T) {
	server, account := gatetest.Scripted(t, llmtest.Sequence(llmtest.Say("hello")))
	r := newRig(t, account)
	r.ended("inv-1")
	q := r.awaitAnswer(r.ask("inv-1", "one", "Did payment fail?"))
	if q.Status != investigation.QuestionAnswered || q.Answer.Analyst != investigation.AnalystBuiltin || !strings.Contains(q.Answer.NoModel, "switched off") ||
		!strings.Contains(q.Answer.Text, "payment fails (e1)") || fmt.Sprint(q.Answer.Evidence) != "[e1]" {
		t.Errorf("%+v %+v", q, q.Answer)
	}
	if ever, _ := server.Connections(); ever != 0 {
		t.Errorf("%d connections", ever)
	}
}

// TestQuestionOfWithheldData: what an analyst said who saw what policy keeps from models is kept from them, too.
func TestQuestionOfWithheldData(t *testing.T) {
	server, account := gatetest.Scripted(t, func(llmtest.Call) llmtest.Answer { return replies("I cannot know.") })
	r := newRig(t, account)
	r.ended("inv-1")
	r.switchAI(true, investigation.Logs) // not metrics
	if q := r.awaitAnswer(r.ask("inv-1", "one", "why?")); q.Answer == nil || q.Answer.Text != "I cannot know." {
		t.Fatalf("%+v", q)
	}
	for _, text := range []string{"payment broke", "payment fails", "I look.", "saw 7"} {
		if strings.Contains(everything(server.Calls()[0].Request), text) {
			t.Errorf("the model was told %q", text)
		}
	}
}

// askedForEver is a question that a model was asked and does not answer.
func askedForEver(t *testing.T, text string) (*rig, *llmtest.Server, investigation.Question) {
	t.Helper()
	hangs := make(chan struct{}, 10)
	server, account := gatetest.Scripted(t, func(llmtest.Call) llmtest.Answer {
		hangs <- struct{}{}
		return llmtest.Answer{Hang: true}
	})
	r := newRig(t, account)
	r.ended("inv-1")
	r.switchAI(true, investigation.Metrics)
	q := r.ask("inv-1", "one", text)
	select {
	case <-hangs:
	case <-time.After(patience):
		t.Fatal("the model was not asked")
	}
	return r, server, q
}

// TestSwitchingOffReachesQuestions: the call in flight is closed (how soon: internal/llm/gate), and the built-in analyst answers.
func TestSwitchingOffReachesQuestions(t *testing.T) {
	r, server, q := askedForEver(t, "Did payment fail?")
	r.switchAI(false, investigation.Metrics)
	q = r.awaitAnswer(q)
	if q.Answer == nil || q.Answer.Analyst != investigation.AnalystBuiltin || q.Answer.NoModel == "" || server.Closed() != 1 || server.Count() != 1 {
		t.Errorf("%+v, answer %+v, %d calls, %d closed", q, q.Answer, server.Count(), server.Closed())
	}
}

// TestQuestionInTrouble: whatever a model does, a person gets an answer that says so.
func TestQuestionInTrouble(t *testing.T) {
	_, account := gatetest.Scripted(t, llmtest.Sequence(llmtest.Answer{Tools: []llmtest.ToolCall{concludes(0.9)}}))
	r := newRig(t, account)
	r.ended("inv-1")
	r.switchAI(true, investigation.Metrics)
	q := r.awaitAnswer(r.ask("inv-1", "one", "Did payment fail?"))
	if q.Answer == nil || q.Answer.Analyst != investigation.AnalystBuiltin || !strings.Contains(q.Answer.NoModel, "no answer that could be used") {
		t.Errorf("%+v %+v", q, q.Answer)
	}
	inv, err := r.db.Investigation(t.Context(), "inv-1")
	if err != nil || inv.Report.Analyst != "script" {
		t.Errorf("the report changed: %+v %v", inv.Report, err)
	}
}

// TestQuestionIsCancelled while a model is asked.
func TestQuestionIsCancelled(t *testing.T) {
	r, server, q := askedForEver(t, "why?")
	if err := r.client.CancelWorkflow(t.Context(), workflows.QuestionWorkflowID(environment, q.ID), ""); err != nil {
		t.Fatal(err)
	}
	if q = r.awaitAnswer(q); q.Status != investigation.QuestionCancelled || q.Answer != nil {
		t.Errorf("%+v", q)
	}
	r.await("the call is closed", func() bool { return server.Closed() == 1 })
}
