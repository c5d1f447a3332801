package workflows_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.temporal.io/sdk/temporal"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/workflows"
)

// asking is a Question whose analyst a test scripts.
type asking struct {
	*stage
	steps []workflows.AnswerInput
	asks  []workflows.AskInput
	tools []workflows.CallInput
	ended []workflows.EndQuestionInput
}

func newAsking(t *testing.T, script func(workflows.AnswerInput) (workflows.AnswerRef, error), refuse string) *asking {
	t.Helper()
	a := &asking{stage: newStage(t)}
	a.answer(workflows.AnswerStepActivity, func(_ context.Context, in workflows.AnswerInput) (workflows.AnswerRef, error) {
		a.steps = append(a.steps, in)
		return script(in)
	})
	a.answer(workflows.AskModelActivity, func(_ context.Context, in workflows.AskInput) (workflows.AskResult, error) {
		a.asks = append(a.asks, in)
		if refuse != "" {
			return workflows.AskResult{}, temporal.NewNonRetryableApplicationError(refuse, workflows.ModelError, nil)
		}
		return workflows.AskResult{}, nil
	})
	a.answer("look", func(_ context.Context, in workflows.CallInput) (workflows.EvidenceRef, error) {
		a.tools = append(a.tools, in)
		return workflows.EvidenceRef{ID: fmt.Sprintf("e%d", len(a.tools))}, nil
	})
	a.answer(workflows.EndQuestionActivity, func(_ context.Context, in workflows.EndQuestionInput) error {
		a.ended = append(a.ended, in)
		return nil
	})
	return a
}

func (a *asking) run() error {
	a.ExecuteWorkflow(workflows.Question, workflows.QuestionInput{ID: "ask-1", Investigation: "inv-1", Number: 2, Budget: workflows.Policy{}.QuestionBudget(0, 0)})
	return a.GetWorkflowError()
}

// wants is what a model decides once it was asked.
func wants(in workflows.AnswerInput, then workflows.AnswerRef) (workflows.AnswerRef, error) {
	switch {
	case in.NoModel != "":
		return workflows.AnswerRef{Answered: true}, nil
	case in.Asked == 0:
		return workflows.AnswerRef{Asks: true}, nil
	}
	return then, nil
}

func TestQuestionLooksAndAnswers(t *testing.T) {
	a := newAsking(t, func(in workflows.AnswerInput) (workflows.AnswerRef, error) {
		if in.Turn == 2001 {
			return wants(in, workflows.AnswerRef{Calls: slices.Concat(look(2001), look(2001))})
		}
		return wants(in, workflows.AnswerRef{Answered: true, Evidence: []string{"e1"}})
	}, "")
	if err := a.run(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(a.asks, []workflows.AskInput{{"inv-1", 2001, 1}, {"inv-1", 2002, 1}}) {
		t.Errorf("asked %v", a.asks)
	}
	if !slices.Equal(a.tools, []workflows.CallInput{{"inv-1", 2001, "t2001c1"}}) || len(a.ended) != 0 {
		t.Errorf("called %v, ended %v", a.tools, a.ended)
	}
	var found workflows.AnswerRef
	if err := a.GetWorkflowResult(&found); err != nil || !found.Answered {
		t.Errorf("%+v %v", found, err)
	}
}

func TestQuestionIsAnsweredWithoutAModel(t *testing.T) {
	unusable := temporal.NewNonRetryableApplicationError("it did nothing", workflows.StepFailedError, nil)
	for name, c := range map[string]struct {
		refuse string
		then   workflows.AnswerRef
		fails  error
		why    string
		asks   int
	}{
		"switched off":     {refuse: "AI is switched off", why: "AI is switched off", asks: 1},
		"never understood": {then: workflows.AnswerRef{Asks: true}, why: "not understood", asks: workflows.MaxAsks},
		"a broken step":    {fails: unusable, why: "it did nothing", asks: 1},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAsking(t, func(in workflows.AnswerInput) (workflows.AnswerRef, error) {
				if c.fails != nil && in.Asked > 0 && in.NoModel == "" {
					return workflows.AnswerRef{}, c.fails
				}
				return wants(in, c.then)
			}, c.refuse)
			if err := a.run(); err != nil {
				t.Fatal(err)
			}
			last := a.steps[len(a.steps)-1]
			if !strings.Contains(last.NoModel, c.why) || last.Turn != 2001 || len(a.asks) != c.asks {
				t.Errorf("last step %+v, asked %v", last, a.asks)
			}
		})
	}
}

func TestQuestionMustBeAnsweredOnItsLastTurn(t *testing.T) {
	a := newAsking(t, func(in workflows.AnswerInput) (workflows.AnswerRef, error) {
		return workflows.AnswerRef{Calls: look(in.Turn)}, nil
	}, "")
	if err := a.run(); err == nil {
		t.Error("it went on without an answer")
	}
	for i, in := range a.steps {
		if in.LastTurn != (i == workflows.QuestionTurns-1) {
			t.Errorf("turn %d is the last: %v", in.Turn, in.LastTurn)
		}
	}
	if len(a.steps) != workflows.QuestionTurns || len(a.ended) != 1 || a.ended[0].Status != investigation.QuestionFailed || a.ended[0].Reason == "" {
		t.Errorf("%d steps, ended %+v", len(a.steps), a.ended)
	}
}

func TestQuestionCancelled(t *testing.T) {
	var a *asking
	a = newAsking(t, func(in workflows.AnswerInput) (workflows.AnswerRef, error) {
		a.CancelWorkflow()
		return wants(in, workflows.AnswerRef{})
	}, "")
	if err := a.run(); err == nil || len(a.ended) != 1 || a.ended[0].Status != investigation.QuestionCancelled {
		t.Errorf("error %v, ended %+v", err, a.ended)
	}
}

// All questions about an investigation together take no more than one further investigation may.
func TestQuestionsShareABudget(t *testing.T) {
	p := workflows.Policy{Tokens: 1000, Cost: 400}
	for _, c := range []struct{ spentTokens, spentCost, tokens, cost int64 }{
		{0, 0, 250, 100}, {700, 200, 250, 100}, {900, 350, 100, 50}, {1000, 400, 1, 1}, {5000, 5000, 1, 1},
	} {
		if b := p.QuestionBudget(c.spentTokens, c.spentCost); b.Tokens != c.tokens || b.Cost != c.cost {
			t.Errorf("after %d tokens and %d: %+v", c.spentTokens, c.spentCost, b)
		}
	}
}
