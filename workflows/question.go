package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/midwatch/midwatch/internal/investigation"
)

const (
	// QuestionTurns is how many steps a question may take, the answering one included.
	QuestionTurns = 4
	// QuestionCalls is how many tool calls it may make in all of them.
	QuestionCalls = 6
	// questionWall is when it must be answered with what there is.
	questionWall = 3 * time.Minute
)

// QuestionBudget is what one question may take of models, besides what its investigation takes: a quarter of an investigation's
// budget, and no more than is left of another one, which all questions about an investigation share. Where nothing is left, it is
// so little that no model can be asked.
func (p Policy) QuestionBudget(tokens, cost int64) investigation.Budget {
	all := p.Budget()
	return investigation.Budget{
		Turns: QuestionTurns, Wall: questionWall,
		Tokens: max(1, min(all.Tokens/4, all.Tokens-tokens)), Cost: max(1, min(all.Cost/4, all.Cost-cost)),
	}
}

// QuestionInput starts the Question that is already in the metadata store. Neither it nor anything else in the history holds a word of
// what was asked or answered.
type QuestionInput struct {
	ID            string               `json:"id"`
	Investigation string               `json:"investigation"`
	Number        int                  `json:"number"`
	Budget        investigation.Budget `json:"budget"`
}

// AnswerInput asks for one step towards the answer of a question.
type AnswerInput struct {
	Question string    `json:"question"`
	Turn     int       `json:"turn"` // as investigation.QuestionTurn numbers it
	LastTurn bool      `json:"last_turn"`
	Now      time.Time `json:"now"`
	Asked    int       `json:"asked,omitempty"`    // model calls made in this turn so far
	NoModel  string    `json:"no_model,omitempty"` // why the built-in analyst answers, whatever policy says
}

// AnswerRef is what such a step decided. The words are in the metadata store.
type AnswerRef struct {
	Calls    []CallRef `json:"calls,omitempty"` // without their reasons
	Asks     bool      `json:"asks,omitempty"`  // a model call first
	Answered bool      `json:"answered,omitempty"`
	Evidence []string  `json:"evidence,omitempty"` // that the answer rests on
}

// EndQuestionInput closes a question that has no answer.
type EndQuestionInput struct {
	Question string `json:"question"`
	Status   string `json:"status"` // investigation.QuestionFailed, QuestionCancelled
	Reason   string `json:"reason"`
}

// QuestionState is all that a Question knows.
type QuestionState struct {
	Turn    int        `json:"turn"` // last begun, from 1
	Calls   []DoneCall `json:"calls"`
	NoModel string     `json:"no_model,omitempty"` // why the built-in analyst answers
}

// Question answers what a person asks about an investigation, running or finished. The same machinery as an Investigation's decides
// step by step: a model in the sandbox and through the gate, with a few more tool calls, or the built-in analyst, which answers at
// once. It is a workflow of its own, so that it works after the investigation has ended, and cannot hold up one that runs.
func Question(ctx workflow.Context, in QuestionInput) (AnswerRef, error) {
	q := &asked{QuestionInput: in, started: workflow.Now(ctx)}
	if err := workflow.SetQueryHandler(ctx, StateQuery, func() (QuestionState, error) { return q.state, nil }); err != nil {
		return AnswerRef{}, err
	}
	found, err := q.run(ctx)
	if err == nil {
		return found, nil
	}
	end := EndQuestionInput{Question: in.ID, Status: investigation.QuestionFailed, Reason: cause(err)}
	if ctx.Err() != nil { // what is left to write down needs a context that lives
		end.Status, end.Reason = investigation.QuestionCancelled, "cancelled"
		ctx, _ = workflow.NewDisconnectedContext(ctx)
	}
	return AnswerRef{}, errors.Join(err, call(ctx, EndQuestionActivity, "No answer", end).Get(ctx, nil))
}

type asked struct {
	QuestionInput
	started time.Time
	state   QuestionState
}

func (q *asked) run(ctx workflow.Context) (AnswerRef, error) {
	for {
		q.state.Turn++
		last := q.state.Turn >= q.Budget.Turns || workflow.Now(ctx).Sub(q.started) >= q.Budget.Wall
		step, err := q.think(ctx, last)
		if err != nil || step.Answered {
			return step, err
		}
		if last {
			return AnswerRef{}, errors.New("the analyst did not answer on its last turn")
		}
		q.state.Calls = gather(ctx, step.Calls, q.state.Calls, func(c CallRef) workflow.Future {
			summary := fmt.Sprintf("For question %d", q.Number) // why is said in words that may repeat the question's
			return call(ctx, c.Tool, summary, CallInput{Investigation: q.Investigation, Turn: q.turn(), Call: c.ID})
		})
		if ctx.Err() != nil {
			return AnswerRef{}, ctx.Err()
		}
	}
}

func (q *asked) turn() int { return investigation.QuestionTurn(q.Number, q.state.Turn) }

// think has the next step decided, by the built-in analyst once no model answers.
func (q *asked) think(ctx workflow.Context, last bool) (AnswerRef, error) {
	for asks := 0; ; asks++ {
		step, err := q.step(ctx, last, asks)
		switch {
		case err == nil && !step.Asks:
			return step, nil
		case err == nil && asks < MaxAsks:
			input := AskInput{Investigation: q.Investigation, Turn: q.turn(), Ask: asks + 1}
			err = call(ctx, AskModelActivity, fmt.Sprintf("Ask the model, question %d", q.Number), input).Get(ctx, nil)
		case err == nil:
			err = errors.New("the model was asked and asked and not understood")
		}
		if err == nil {
			continue
		}
		if ctx.Err() != nil || q.state.NoModel != "" {
			return AnswerRef{}, err
		}
		q.state.NoModel = cause(err)
		workflow.GetLogger(ctx).Warn("the built-in analyst answers", "question", q.ID, "why", q.state.NoModel)
	}
}

func (q *asked) step(ctx workflow.Context, last bool, asks int) (AnswerRef, error) {
	var step AnswerRef
	err := sandboxed(ctx, func() workflow.Future {
		return call(ctx, AnswerStepActivity, fmt.Sprintf("Question %d, turn %d", q.Number, q.state.Turn), AnswerInput{
			Question: q.ID, Turn: q.turn(), LastTurn: last, Now: workflow.Now(ctx), Asked: asks, NoModel: q.state.NoModel,
		})
	}, &step)
	return step, err
}
