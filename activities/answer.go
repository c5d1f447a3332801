package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/temporal"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/sandbox/contract"
	"github.com/midwatch/midwatch/workflows"
)

// Bounds of an answer that leaves the sandbox.
const (
	maxAnswer = 4 << 10 // bytes
	maxCited  = 20      // pieces of evidence
)

// AnswerStore is what Answers needs of the metadata store, besides StepStore.
type AnswerStore interface {
	StepStore
	Question(ctx context.Context, id string) (investigation.Question, error)
	Questions(ctx context.Context, investigationID string) ([]investigation.Question, error)
	QuestionEvidence(ctx context.Context, investigationID string) ([]investigation.Evidence, error)
	UpdateQuestion(ctx context.Context, id string, change func(*investigation.Question)) error
	Audit(ctx context.Context, subject, action, object, outcome, detail string) error
}

var _ AnswerStore = (*metadata.DB)(nil)

// Answers finds the answers to questions about investigations, a step at a time, in the sandbox.
type Answers struct {
	Step *Step
	DB   AnswerStore
}

// Next runs one step towards the answer and stores what it decided. A turn that is stored already is not decided again.
func (a *Answers) Next(ctx context.Context, in workflows.AnswerInput) (workflows.AnswerRef, error) {
	defer alive(ctx)()
	q, err := a.DB.Question(ctx, in.Question)
	if err != nil {
		return workflows.AnswerRef{}, final(err)
	}
	if q.Answer != nil {
		return workflows.AnswerRef{Answered: true, Evidence: q.Answer.Evidence}, nil
	}
	if q.Status != investigation.QuestionAsked {
		return workflows.AnswerRef{}, refused(fmt.Errorf("question %s is %s", q.ID, q.Status))
	}
	if i := slices.IndexFunc(q.Turns, func(t investigation.Turn) bool { return t.Number == in.Turn }); i >= 0 {
		return callsOf(q.Turns[i]), nil
	}
	about, err := a.about(ctx, q, in)
	if err != nil {
		return workflows.AnswerRef{}, err
	}
	why := in.NoModel
	if why == "" {
		var answered bool
		var ref workflows.AnswerRef
		if ref, answered, why, err = a.byModel(ctx, about); err != nil || answered {
			return ref, err
		}
	}
	return a.builtin(ctx, about, why)
}

// callsOf is a turn of a question without its words.
func callsOf(t investigation.Turn) workflows.AnswerRef {
	ref := workflows.AnswerRef{}
	for _, c := range refOf(t, nil).Calls {
		c.Why = ""
		ref.Calls = append(ref.Calls, c)
	}
	return ref
}

// byModel runs the step that speaks for a model. Where no model may be asked it decides nothing and says why.
func (a *Answers) byModel(ctx context.Context, about asked) (ref workflows.AnswerRef, decided bool, why string, err error) {
	if a.Step.Models == nil {
		return ref, false, "no model provider is configured", nil
	}
	accounts, policy, err := a.Step.Models.Allowed(ctx, about.transcript.Request.Environment, "")
	if err != nil {
		return ref, false, err.Error(), nil //nolint:nilerr // why no model may be asked is what was to be found out
	}
	ref, err = a.ask(ctx, about, accounts[0], policy)
	return ref, true, "", err
}

// ask runs the step: it wants the model asked, or read its answer.
func (a *Answers) ask(ctx context.Context, about asked, account llm.ProviderConfig, policy llm.Policy) (workflows.AnswerRef, error) {
	q, in := about.question, about.input
	exchanges, err := a.Step.answers(ctx, q.Investigation)
	if err != nil {
		return workflows.AnswerRef{}, err
	}
	exchanges = slices.DeleteFunc(exchanges, func(e contract.Exchange) bool { return e.Turn != in.Turn })
	seen, reply := about.forModel(policy)
	registry := a.Step.Registry.Only(func(t tools.Tool) bool {
		return policy.Allows(t.DataTypes...) && t.Name != workflows.RunProgramTool // a program reads what an investigation saw, not what this person may see
	})
	req := &contract.ModelRequest{
		Transcript: seen, Stage: contract.Reply, Question: q.Text, Reply: reply, Tools: offered(registry), Model: account.Model,
		Context: account.Context, MaxTokens: account.MaxTokens, Exchanges: exchanges, AsksLeft: maxAsks - in.Asked,
	}
	answer, err := a.Step.run(ctx, contract.Request{Model: req})
	if err != nil {
		return workflows.AnswerRef{}, err
	}
	types := dataTypes(seen)
	switch got := answer.Model; {
	case got == nil:
	case got.Reply != nil:
		return a.said(ctx, about, *got.Reply, types)
	case got.Step != nil:
		return a.calls(ctx, about, *got.Step, registry)
	case got.Ask != nil && req.AsksLeft > 0:
		if err := validAsk(*got.Ask, *req, a.Step.Registry.Names()); err != nil {
			return workflows.AnswerRef{}, stepFailed(err)
		}
		call := llm.Call{Investigation: q.Investigation, Turn: in.Turn, Ask: in.Asked + 1}
		return workflows.AnswerRef{Asks: true}, a.DB.PutAsk(ctx, call, llm.StoredAsk{Request: *got.Ask, DataTypes: types})
	}
	return workflows.AnswerRef{}, stepFailed(errors.New("the step neither asks the model, as often as it may, nor answers"))
}

// calls stores the turn whose calls are made next.
func (a *Answers) calls(ctx context.Context, about asked, s investigation.Step, registry *tools.Registry) (workflows.AnswerRef, error) {
	in := about.input
	if err := validate(s, in.Turn, in.LastTurn, registry); err != nil {
		return workflows.AnswerRef{}, stepFailed(err)
	}
	if s.Report != nil || len(s.Calls) > about.left() {
		return workflows.AnswerRef{}, stepFailed(fmt.Errorf("a question ends in an answer, after at most %d calls", workflows.QuestionCalls))
	}
	turn := investigation.Turn{Number: in.Turn, Say: s.Say, Calls: s.Calls, Analyst: investigation.AnalystModel, At: in.Now}
	err := a.DB.UpdateQuestion(ctx, in.Question, func(q *investigation.Question) { q.Turns = append(q.Turns, turn) })
	return callsOf(turn), err
}

// said stores a model's answer, if it is one.
func (a *Answers) said(ctx context.Context, about asked, r contract.ReplyText, types []investigation.DataType) (workflows.AnswerRef, error) {
	if r.Unusable {
		return workflows.AnswerRef{}, temporal.NewNonRetryableApplicationError("the model gave no answer that could be used", workflows.ModelError, nil)
	}
	by, err := a.Step.answeredBy(ctx, about.question.Investigation, about.input.Turn)
	if err != nil {
		return workflows.AnswerRef{}, err
	}
	return a.keep(ctx, about, r, investigation.ReplyAnswer{Analyst: by, DataTypes: types})
}

// builtin has the built-in analyst answer what it can.
func (a *Answers) builtin(ctx context.Context, about asked, why string) (workflows.AnswerRef, error) {
	answer, err := a.Step.run(ctx, contract.Request{Reply: &contract.AnswerRequest{
		Transcript: about.transcript, Question: about.question.Text, Report: about.report, Running: about.running,
	}})
	if err != nil {
		return workflows.AnswerRef{}, err
	}
	if answer.Reply == nil {
		return workflows.AnswerRef{}, stepFailed(errors.New("the step gave no answer"))
	}
	return a.keep(ctx, about, *answer.Reply, investigation.ReplyAnswer{
		Analyst: investigation.AnalystBuiltin, NoModel: short(why), DataTypes: dataTypes(about.transcript),
	})
}

// keep stores an answer, which may rest on nothing but evidence that there is.
func (a *Answers) keep(ctx context.Context, about asked, r contract.ReplyText, answer investigation.ReplyAnswer) (workflows.AnswerRef, error) {
	if strings.TrimSpace(r.Text) == "" || len(r.Text) > maxAnswer || len(r.Evidence) > maxCited {
		return workflows.AnswerRef{}, stepFailed(fmt.Errorf("an answer has 1 to %d bytes and rests on at most %d pieces of evidence", maxAnswer, maxCited))
	}
	for _, id := range r.Evidence {
		if !slices.ContainsFunc(about.transcript.Evidence, func(e investigation.Evidence) bool { return e.ID == id }) {
			return workflows.AnswerRef{}, stepFailed(fmt.Errorf("the answer rests on %q, which is no evidence", short(id)))
		}
	}
	answer.Text, answer.Evidence = r.Text, r.Evidence
	err := a.DB.UpdateQuestion(ctx, about.question.ID, func(q *investigation.Question) {
		q.Status, q.Answer = investigation.QuestionAnswered, &answer
	})
	if err != nil {
		return workflows.AnswerRef{}, err
	}
	detail := fmt.Sprintf("investigation %s, question %d, by %s", about.question.Investigation, about.question.Number, answer.Analyst)
	return workflows.AnswerRef{Answered: true, Evidence: r.Evidence}, a.DB.Audit(ctx, "midwatch", "question.answer", about.question.ID, "done", detail)
}
