package api_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/api/client"
	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/workflows"
)

func TestAskQuestion(t *testing.T) {
	in := start(t)
	in.fix()
	ctx, operator := t.Context(), in.as(auth.Operator)
	ask := wire.AskQuestion{Text: " was the xylophone slow? ", Request: "r1"}
	q := get(operator.AskQuestion(ctx, "inv-1", ask))(t)
	if q.Text != "was the xylophone slow?" || q.Asker != "operator person" || q.Number != 1 || q.Status != investigation.QuestionAsked || q.Budget.Tokens == 0 {
		t.Errorf("%+v", q)
	}
	if again := get(operator.AskQuestion(ctx, "inv-1", ask))(t); again.ID != q.ID {
		t.Errorf("the same request asked %s", again.ID)
	}
	sent := in.temporal.all()
	input, ok := sent[0].arg.(workflows.QuestionInput)
	if len(sent) != 2 || !ok || input.ID != q.ID || sent[0].started != workflows.QuestionWorkflow || sent[0].workflow != sent[1].workflow ||
		sent[0].workflow != workflows.QuestionWorkflowID(environment, q.ID) || strings.Contains(fmt.Sprint(sent), "xylophone") {
		t.Errorf("started %+v", sent)
	}
	for _, e := range get(in.db.AuditLog(ctx, 100))(t) {
		if strings.Contains(e.Detail+e.Object, "xylophone") {
			t.Errorf("the audit log holds the question: %+v", e)
		}
	}
	if !in.audited("operator person", "questions.ask", "allowed") {
		t.Error("not audited")
	}
	list := get(in.as(auth.Viewer).Questions(ctx, "inv-1"))(t).Questions
	if d := get(in.as(auth.Viewer).Investigation(ctx, "inv-1"))(t); len(d.Questions) != 1 || len(list) != 1 || d.Questions[0].ID != q.ID {
		t.Errorf("listed %+v, %+v", d.Questions, list)
	}
}

func TestAskQuestionRefused(t *testing.T) {
	in := start(t)
	in.fix()
	ctx, operator := t.Context(), in.as(auth.Operator)
	must(t, in.db.CreateInvestigation(ctx, investigation.Request{ID: "inv-o", Environment: "other"}))
	get(operator.AskQuestion(ctx, "inv-1", wire.AskQuestion{Text: "why?", Request: "taken"}))(t)
	for name, c := range map[string]struct {
		as     auth.Role
		id     string
		ask    wire.AskQuestion
		status int
		says   string
	}{
		"nobody known":          {"", "inv-1", wire.AskQuestion{Text: "why?"}, http.StatusUnauthorized, ""},
		"a viewer":              {auth.Viewer, "inv-1", wire.AskQuestion{Text: "why?"}, http.StatusForbidden, "role operator"},
		"deleted":               {auth.Operator, "inv-9", wire.AskQuestion{Text: "why?"}, http.StatusNotFound, "was deleted"},
		"another environment":   {auth.Operator, "inv-o", wire.AskQuestion{Text: "why?"}, http.StatusConflict, "another environment"},
		"too long":              {auth.Operator, "inv-1", wire.AskQuestion{Text: strings.Repeat("a", 1001)}, http.StatusUnprocessableEntity, "1000"},
		"too many bytes":        {auth.Operator, "inv-1", wire.AskQuestion{Text: strings.Repeat("語", 900)}, http.StatusUnprocessableEntity, "2700"},
		"nothing":               {auth.Operator, "inv-1", wire.AskQuestion{Text: "  "}, http.StatusUnprocessableEntity, "1 to 2000"},
		"another's request":     {auth.Admin, "inv-1", wire.AskQuestion{Text: "why?", Request: "taken"}, http.StatusConflict, "somebody else's"},
		"a request with a path": {auth.Operator, "inv-1", wire.AskQuestion{Text: "why?", Request: "../x"}, http.StatusUnprocessableEntity, "request"},
	} {
		_, err := in.as(c.as).AskQuestion(ctx, c.id, c.ask)
		var problem *client.Error
		if !errors.As(err, &problem) || problem.Status != c.status || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{"when?", "who?"} {
		get(operator.AskQuestion(ctx, "inv-1", wire.AskQuestion{Text: text}))(t)
	}
	_, err := operator.AskQuestion(ctx, "inv-1", wire.AskQuestion{Text: "and how?"})
	var problem *client.Error
	if !errors.As(err, &problem) || problem.Status != http.StatusTooManyRequests || !strings.Contains(problem.Detail, "3 questions wait") {
		t.Errorf("four at once: %v", err)
	}
}

// TestQuestionIsNotLostWithoutTemporal: what cannot be started is not kept, so that it can be asked again.
func TestQuestionIsNotLostWithoutTemporal(t *testing.T) {
	in := start(t)
	in.fix()
	in.temporal.down = true
	_, err := in.as(auth.Operator).AskQuestion(t.Context(), "inv-1", wire.AskQuestion{Text: "why?", Request: "r1"})
	var problem *client.Error
	if !errors.As(err, &problem) || problem.Status != http.StatusServiceUnavailable || !strings.Contains(problem.Detail, "ask again") {
		t.Errorf("%v", err)
	}
	if left := get(in.db.Questions(t.Context(), "inv-1"))(t); len(left) != 0 {
		t.Errorf("kept %+v", left)
	}
}

func TestCancelQuestion(t *testing.T) {
	in := start(t)
	in.fix()
	ctx, operator := t.Context(), in.as(auth.Operator)
	q := get(operator.AskQuestion(ctx, "inv-1", wire.AskQuestion{Text: "why?"}))(t)
	if _, err := in.as(auth.Viewer).CancelQuestion(ctx, "inv-1", q.ID); !errors.Is(err, client.ErrForbidden) {
		t.Errorf("by a viewer: %v", err)
	}
	for _, id := range [][2]string{{"inv-1", "ask-9"}, {"inv-2", q.ID}} {
		if _, err := operator.CancelQuestion(ctx, id[0], id[1]); !errors.Is(err, client.ErrNotFound) {
			t.Errorf("%s: %v", id, err)
		}
	}
	get(operator.CancelQuestion(ctx, "inv-1", q.ID))(t)
	if sent := in.temporal.all(); sent[1].name != "cancel" || sent[1].workflow != workflows.QuestionWorkflowID(environment, q.ID) {
		t.Errorf("sent %+v", sent)
	}
	in.temporal.Lock()
	in.temporal.gone = true
	in.temporal.Unlock()
	get(operator.CancelQuestion(ctx, "inv-1", q.ID))(t) // its workflow is lost
	if now := get(in.db.Question(ctx, q.ID))(t); now.Status != investigation.QuestionCancelled {
		t.Errorf("%+v", now)
	}
	if _, err := operator.CancelQuestion(ctx, "inv-1", q.ID); !errors.Is(err, client.ErrConflict) {
		t.Errorf("twice: %v", err)
	}
}

// TestQuestionIsRead: live, plain, and by nobody who may see less than its asker.
func TestQuestionIsRead(t *testing.T) {
	in := start(t)
	in.fix()
	ctx := t.Context()
	limits := metadata.QuestionLimits{Total: 9, Open: 9, Forgets: time.Hour}
	for n, namespaces := range [][]string{{"shop"}, nil} {
		q := investigation.Question{
			ID: fmt.Sprintf("ask-%d", n+1), Investigation: "inv-1", Text: "see [here](https://evil.example/q)", Asker: "ann", Namespaces: namespaces,
			Status: investigation.QuestionAsked, AskedAt: time.Now(),
		}
		_, _, err := in.db.AddQuestion(ctx, q, limits)
		must(t, err)
		get(in.db.PutEvidence(ctx, investigation.Evidence{Investigation: "inv-1", Call: fmt.Sprintf("t%d001c1", n+1), Question: n + 1}))(t)
	}
	seen, left := make(chan wire.InvestigationDetail, 10), make(chan error, 1)
	go func() {
		left <- in.as(auth.Viewer).Watch(ctx, "inv-1", func(d wire.InvestigationDetail) bool {
			seen <- d
			return d.Questions[0].Answer == nil
		})
	}()
	<-seen
	must(t, in.db.UpdateQuestion(ctx, "ask-1", func(q *investigation.Question) {
		q.Status = investigation.QuestionAnswered
		q.Answer = &investigation.ReplyAnswer{Text: "![x](https://evil.example/x.png) <img src=//evil.example>\u202e so", Evidence: []string{"e1"}}
	}))
	must(t, <-left)
	d := <-seen
	if text := d.Questions[0].Text + d.Questions[0].Answer.Text; strings.ContainsAny(text, "\u202e") || strings.Contains(text, "://") {
		t.Errorf("readers get %q", text)
	}
	if len(d.Evidence) != 2 {
		t.Errorf("evidence %+v", d.Evidence)
	}

	token, _, err := auth.Create(ctx, in.db, auth.Grant{Subject: "bob", Role: auth.Viewer, Namespaces: []string{"shop"}})
	must(t, err)
	bob := client.New(in.url, in.trust, token)
	if d := get(bob.Investigation(ctx, "inv-1"))(t); len(d.Questions) != 1 || d.Questions[0].ID != "ask-1" || len(d.Evidence) != 1 || d.Evidence[0].ID != "e1" {
		t.Errorf("with fewer rights: %+v, %+v", d.Questions, d.Evidence)
	}
	if _, err := bob.Evidence(ctx, "inv-1", "e2"); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("evidence of another's question: %v", err)
	}
}
