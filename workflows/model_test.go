package workflows_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/workflows"
)

// dialogue is an Investigation whose analyst is a model that somebody else scripts.
type dialogue struct {
	*stage
	steps  []workflows.StepInput
	asks   []workflows.AskInput
	verify []workflows.VerifyInput
}

// newDialogue answers each step by script; a model call is answered unless refuse says why not.
func newDialogue(t *testing.T, script func(workflows.StepInput) workflows.StepRef, refuse string) *dialogue {
	t.Helper()
	d := &dialogue{stage: newStage(t)}
	d.answer(workflows.AnalystStepActivity, func(_ context.Context, in workflows.StepInput) (workflows.StepRef, error) {
		d.steps = append(d.steps, in)
		return script(in), nil
	})
	d.answer(workflows.AskModelActivity, func(_ context.Context, in workflows.AskInput) (workflows.AskResult, error) {
		d.asks = append(d.asks, in)
		if refuse != "" {
			return workflows.AskResult{}, temporal.NewNonRetryableApplicationError(refuse, workflows.ModelError, nil)
		}
		return workflows.AskResult{}, nil
	})
	d.answer("look", func(context.Context, workflows.CallInput) (workflows.EvidenceRef, error) {
		return workflows.EvidenceRef{ID: "e1"}, nil
	})
	d.answer(workflows.VerifyReportActivity, func(_ context.Context, in workflows.VerifyInput) (workflows.ReportRef, error) {
		d.verify = append(d.verify, in)
		return workflows.ReportRef{Verdict: investigation.RootCause}, nil
	})
	return d
}

func (d *dialogue) run(turns int) workflows.InvestigationState {
	d.t.Helper()
	d.ExecuteWorkflow(workflows.Investigation, workflows.InvestigationInput{
		ID: "inv-1", Environment: "test", Budget: investigation.Budget{Turns: turns, Wall: time.Hour},
	})
	if err := d.GetWorkflowError(); err != nil {
		d.t.Fatal(err)
	}
	v, err := d.QueryWorkflow(workflows.StateQuery)
	if err != nil {
		d.t.Fatal(err)
	}
	var state workflows.InvestigationState
	if err := v.Get(&state); err != nil {
		d.t.Fatal(err)
	}
	return state
}

func look(turn int) []workflows.CallRef {
	return []workflows.CallRef{{ID: fmt.Sprintf("t%dc1", turn), Tool: "look", Digest: fmt.Sprint(turn)}}
}

// asked answers with what a model decided once it was asked.
func asked(in workflows.StepInput, then workflows.StepRef) workflows.StepRef {
	if in.Asked == 0 {
		return workflows.StepRef{Asks: true, Model: true}
	}
	then.Model = true
	return then
}

func TestModelReportIsAttackedBeforeItStands(t *testing.T) {
	d := newDialogue(t, func(in workflows.StepInput) workflows.StepRef {
		if in.Turn == 1 || in.Turn == 3 {
			return asked(in, workflows.StepRef{Calls: look(in.Turn)})
		}
		return asked(in, workflows.StepRef{Concludes: true, Blames: true})
	}, "")
	state := d.run(8)
	var refuted []int
	for _, in := range d.steps {
		if in.Refute {
			refuted = append(refuted, in.Turn)
		}
	}
	if !slices.Equal(refuted, []int{3, 3, 4, 4}) || len(d.verify) != 1 || d.verify[0].Turn != 4 || state.Builtin {
		t.Errorf("attacked in steps of turns %v, verified %+v, %+v", refuted, d.verify, state)
	}
	want := []workflows.AskInput{{"inv-1", 1, 1}, {"inv-1", 2, 1}, {"inv-1", 3, 1}, {"inv-1", 4, 1}}
	if !slices.Equal(d.asks, want) {
		t.Errorf("asked %v", d.asks)
	}
}

func TestModelReportThatBlamesNobodyIsNotAttacked(t *testing.T) {
	d := newDialogue(t, func(in workflows.StepInput) workflows.StepRef { return asked(in, workflows.StepRef{Concludes: true}) }, "")
	d.run(8)
	if len(d.steps) != 2 || len(d.verify) != 1 {
		t.Errorf("%d steps, verified %v", len(d.steps), d.verify)
	}
}

// builtinFrom plays the built-in analyst, which needs three turns, from whatever turn it takes over.
func builtinFrom(steps *int) workflows.StepRef {
	*steps++
	if *steps < 3 {
		return workflows.StepRef{Calls: look(100 + *steps)}
	}
	return workflows.StepRef{Concludes: true, Blames: true}
}

func TestBuiltinAnalystGoesOnWhenNoModelAnswers(t *testing.T) {
	own := 0
	d := newDialogue(t, func(in workflows.StepInput) workflows.StepRef {
		if in.Builtin {
			return builtinFrom(&own)
		}
		return asked(in, workflows.StepRef{Calls: look(in.Turn)})
	}, "AI is switched off")
	state := d.run(1) // the model would have had to conclude at once
	if own != 3 || !state.Builtin || state.Turn != 3 || state.Why != "AI is switched off" || len(d.asks) != 1 {
		t.Errorf("%d turns of the built-in analyst, asked %v, %+v", own, d.asks, state)
	}
}

func TestBuiltinAnalystGoesOnWhenPolicyChanges(t *testing.T) {
	own := 0
	d := newDialogue(t, nil, "")
	d.answer(workflows.AnalystStepActivity, func(_ context.Context, in workflows.StepInput) (workflows.StepRef, error) {
		d.steps = append(d.steps, in)
		if in.Turn == 2 && !in.Builtin { // the step reads policy itself
			return workflows.StepRef{}, temporal.NewNonRetryableApplicationError("AI was switched off", workflows.ModelError, nil)
		}
		if in.Builtin {
			return builtinFrom(&own), nil
		}
		return asked(in, workflows.StepRef{Calls: look(in.Turn)}), nil
	})
	state := d.run(2)
	if own != 3 || !state.Builtin || state.Turn != 4 {
		t.Errorf("%d turns of the built-in analyst, %+v", own, state)
	}
}

// TestBuiltinAnalystGoesOnWhenNoStepCanSpeakForTheModel: its context may be too small for the tools, say.
func TestBuiltinAnalystGoesOnWhenNoStepCanSpeakForTheModel(t *testing.T) {
	for name, c := range map[string]struct {
		kind  string
		tries int
		ok    bool
	}{
		"the model's step fails": {workflows.ModelStepError, 2, true},
		"any other step fails":   {workflows.StepFailedError, 2, false},
		"there are no walls":     {workflows.RefusedError, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, tries, own := newStage(t), 0, 0
			s.answer(workflows.AnalystStepActivity, func(_ context.Context, in workflows.StepInput) (workflows.StepRef, error) {
				if in.Builtin {
					return builtinFrom(&own), nil
				}
				tries++
				return workflows.StepRef{}, temporal.NewNonRetryableApplicationError("8192 tokens are too few", c.kind, nil)
			})
			s.answer("look", func(context.Context, workflows.CallInput) (workflows.EvidenceRef, error) {
				return workflows.EvidenceRef{ID: "e1"}, nil
			})
			why := ""
			s.answer(workflows.VerifyReportActivity, func(_ context.Context, in workflows.VerifyInput) (workflows.ReportRef, error) {
				why = in.TookOver
				return workflows.ReportRef{}, nil
			})
			s.ExecuteWorkflow(workflows.Investigation, investigationInput())
			if err := s.GetWorkflowError(); (err == nil) != c.ok || tries != c.tries {
				t.Errorf("tried %d times, want %d; %v", tries, c.tries, err)
			}
			if c.ok && (own != 3 || why != "8192 tokens are too few") {
				t.Errorf("%d turns of the built-in analyst, because %q", own, why)
			}
		})
	}
}

func TestModelThatIsNeverUnderstoodIsLeft(t *testing.T) {
	own := 0
	d := newDialogue(t, func(in workflows.StepInput) workflows.StepRef {
		if in.Builtin {
			return builtinFrom(&own)
		}
		return workflows.StepRef{Asks: true, Model: true}
	}, "")
	state := d.run(8)
	if len(d.asks) != workflows.MaxAsks || own != 3 || !state.Builtin {
		t.Errorf("asked %v, %d turns of the built-in analyst", d.asks, own)
	}
}

func TestAICannotComeOnInTheMiddle(t *testing.T) {
	d := newDialogue(t, func(in workflows.StepInput) workflows.StepRef {
		if in.Turn == 1 {
			return workflows.StepRef{Calls: look(1)}
		}
		return workflows.StepRef{Concludes: true}
	}, "")
	d.run(8)
	if d.steps[0].Builtin || !d.steps[1].Builtin {
		t.Errorf("%+v", d.steps)
	}
}

func TestCancelledInvestigationSaysSo(t *testing.T) {
	s := newStage(t)
	var ended workflows.EndInput
	s.answer(workflows.EndInvestigationActivity, func(_ context.Context, in workflows.EndInput) error { ended = in; return nil })
	s.answer(workflows.AnalystStepActivity, func(context.Context, workflows.StepInput) (workflows.StepRef, error) {
		s.CancelWorkflow()
		return workflows.StepRef{Calls: look(1)}, nil
	})
	s.answer("look", func(context.Context, workflows.CallInput) (workflows.EvidenceRef, error) {
		return workflows.EvidenceRef{}, nil
	})
	s.ExecuteWorkflow(workflows.Investigation, investigationInput())
	if s.GetWorkflowError() == nil || ended.Reason != "cancelled" {
		t.Errorf("error %v, ended %+v", s.GetWorkflowError(), ended)
	}
}
