package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/sandbox"
	"github.com/midwatch/midwatch/sandbox/contract"
	"github.com/midwatch/midwatch/workflows"
)

// Programs runs run_program: it hands evidence into the sandbox and stores what comes out as evidence.
type Programs struct {
	Engine sandbox.Engine
	DB     EvidenceStore
}

// Call runs a program that a stored turn asked for. A program that fails, and one that breaks the sandbox's limits, is
// evidence, too.
func (a *Programs) Call(ctx context.Context, in workflows.CallInput) (workflows.EvidenceRef, error) {
	defer alive(ctx)()
	inv, err := a.DB.Investigation(ctx, in.Investigation)
	if err != nil {
		return workflows.EvidenceRef{}, final(err)
	}
	call, err := callOf(inv.Turns, in)
	if err != nil {
		return workflows.EvidenceRef{}, refused(err)
	}
	if call.Tool != workflows.RunProgramTool {
		return workflows.EvidenceRef{}, refused(fmt.Errorf("call %s is of tool %s, not %s", call.ID, call.Tool, workflows.RunProgramTool))
	}
	all, err := a.DB.EvidenceList(ctx, in.Investigation)
	if err != nil {
		return workflows.EvidenceRef{}, err
	}
	e := investigation.Evidence{
		Investigation: inv.Request.ID, Call: call.ID, Tool: call.Tool, Arguments: call.Arguments, At: time.Now().UTC(),
	}
	if err := a.run(ctx, &e, all); err != nil {
		if errors.Is(err, sandbox.ErrUnavailable) {
			return workflows.EvidenceRef{}, refused(err)
		}
		if !errors.Is(err, errProgram) && activity.GetInfo(ctx).Attempt < workflows.ToolAttempts {
			return workflows.EvidenceRef{}, fmt.Errorf("run program of %s: %w", call.ID, err)
		}
		e.Error, e.Result, e.Summary = err.Error(), nil, "No answer: the program failed"
	}
	e.Digest = digest(e.Tool, e.Arguments, e.Result)
	stored, err := a.DB.PutEvidence(ctx, e)
	if err != nil {
		return workflows.EvidenceRef{}, err
	}
	return workflows.EvidenceRef{ID: stored.ID, Summary: stored.Summary, Error: stored.Error}, nil
}

// errProgram means that running the program again would end the same way.
var errProgram = errors.New("the program")

func (a *Programs) run(ctx context.Context, e *investigation.Evidence, all []investigation.Evidence) error {
	arguments, err := tools.ReadProgram(e.Arguments)
	if err != nil {
		return fmt.Errorf("%w was not run: %w", errProgram, err)
	}
	inputs, err := programInputs(arguments, all)
	if err != nil {
		return err
	}
	req := &contract.ProgramRequest{Source: arguments.Program, Evidence: map[string]json.RawMessage{}}
	for _, input := range inputs {
		req.Evidence[input.ID] = input.Result
		e.DataTypes = append(e.DataTypes, input.DataTypes...)
		e.Window = spanning(e.Window, input.Window)
	}
	slices.Sort(e.DataTypes)
	e.DataTypes = slices.Compact(e.DataTypes)
	e.Query = arguments.Program
	answer, err := a.Engine.Run(ctx, contract.Request{Program: req})
	switch {
	case errors.Is(err, sandbox.ErrStep) && ctx.Err() == nil:
		return fmt.Errorf("%w took too much memory or broke off: %w", errProgram, err)
	case err != nil:
		return err
	case answer.Program == nil:
		return fmt.Errorf("%w gave no answer: %s", errProgram, answer.Error)
	case answer.Program.Mistake != "":
		return fmt.Errorf("%w failed: %s", errProgram, short(answer.Program.Mistake))
	}
	e.Summary = fmt.Sprintf("A program over %d pieces of evidence, %d steps", len(inputs), answer.Program.Steps)
	e.Result, err = encode(map[string]any{contract.ProgramResult: answer.Program.Result, contract.ProgramPrinted: answer.Program.Printed})
	return err
}

// programInputs are the pieces of evidence that a program may read: answers of tools, not of other programs, so that what a
// check on its result rests on is found in one step.
func programInputs(a tools.ProgramArguments, all []investigation.Evidence) ([]investigation.Evidence, error) {
	var inputs []investigation.Evidence
	size := 0
	for _, id := range a.Evidence {
		i := slices.IndexFunc(all, func(e investigation.Evidence) bool { return e.ID == id && e.Question == 0 && !IsControl(e) })
		switch {
		case i < 0 || all[i].Error != "":
			return nil, fmt.Errorf("%w was not run: evidence %s does not exist or holds no result", errProgram, id)
		case all[i].Tool == workflows.RunProgramTool:
			return nil, fmt.Errorf("%w was not run: evidence %s is another program's", errProgram, id)
		}
		inputs = append(inputs, all[i])
		size += len(all[i].Result)
	}
	if size > maxEvidence {
		return nil, fmt.Errorf("%w was not run: its evidence has %d bytes, at most %d", errProgram, size, maxEvidence)
	}
	return inputs, nil
}

// readBy lists what the programs among some evidence read, besides that evidence itself.
func readBy(ids []string, all []investigation.Evidence) []string {
	out := slices.Clone(ids)
	for _, e := range all {
		if p, ok := programOf(e); ok && slices.Contains(ids, e.ID) {
			out = append(out, p.Evidence...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// programOf is the program that evidence came of.
func programOf(e investigation.Evidence) (contract.Program, bool) {
	if e.Tool != workflows.RunProgramTool || e.Error != "" || IsControl(e) {
		return contract.Program{}, false
	}
	a, err := tools.ReadProgram(e.Arguments)
	return contract.Program{Source: a.Program, Evidence: a.Evidence}, err == nil
}

// spanning is the window that holds both; a zero one holds nothing.
func spanning(a, b investigation.Window) investigation.Window {
	if a.From.IsZero() {
		return b
	}
	if !b.From.IsZero() && b.From.Before(a.From) {
		a.From = b.From
	}
	if b.To.After(a.To) {
		a.To = b.To
	}
	return a
}
