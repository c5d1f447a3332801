package check

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/midwatch/midwatch/sandbox/contract"
)

// Bounds of a program. Memory is bounded by the sandbox's walls.
const (
	maxProgramSteps = 20_000_000 // some seconds
	maxResult       = 128 << 10  // bytes of JSON
	maxDepth        = 16         // of lists and dicts within each other
	maxPrinted      = 50         // lines
	maxPrintedLine  = 500        // bytes
)

// programs may do what a check may not: loops and names. Nothing loads, and recursion stays forbidden.
var programOptions = &syntax.FileOptions{Set: true, While: true, TopLevelControl: true, GlobalReassign: true}

// Program runs a small program over evidence. What it does wrong is in the answer; an error means that the evidence is no JSON.
func Program(req contract.ProgramRequest) (contract.ProgramAnswer, error) {
	ev, err := values(req.Evidence)
	if err != nil {
		return contract.ProgramAnswer{}, err
	}
	ev.Freeze()
	answer := contract.ProgramAnswer{Printed: []string{}}
	result, err := execute(req.Source, ev, &answer)
	if err != nil {
		answer.Mistake = mistake(err)
		return answer, nil
	}
	if answer.Result, err = json.Marshal(result); err == nil && len(answer.Result) > maxResult {
		err = fmt.Errorf("result is %d bytes as JSON, at most %d", len(answer.Result), maxResult)
	}
	if err != nil {
		answer.Result, answer.Mistake = nil, mistake(err)
	}
	return answer, nil
}

// execute runs source with ev bound and returns what it left in result, as JSON takes it.
func execute(source string, ev *starlark.Dict, answer *contract.ProgramAnswer) (any, error) {
	thread := &starlark.Thread{Name: "program", Print: func(_ *starlark.Thread, line string) {
		if len(answer.Printed) < maxPrinted {
			answer.Printed = append(answer.Printed, line[:min(len(line), maxPrintedLine)])
		}
	}}
	thread.SetMaxExecutionSteps(maxProgramSteps)
	env := starlark.StringDict{"ev": ev}
	for name, fn := range functions {
		env[name] = fn
	}
	globals, err := starlark.ExecFileOptions(programOptions, thread, "program", source, env)
	answer.Steps = thread.ExecutionSteps()
	if err != nil {
		return nil, err
	}
	result, set := globals["result"]
	if !set {
		return nil, errors.New("the program never sets result")
	}
	return plainValue(result, maxDepth)
}

// mistake is an error with the line that made it.
func mistake(err error) string {
	var eval *starlark.EvalError
	if errors.As(err, &eval) && len(eval.CallStack) > 0 {
		for i := range eval.CallStack {
			if pos := eval.CallStack.At(i).Pos; pos.Filename() == "program" {
				return fmt.Sprintf("line %d: %s", pos.Line, eval.Msg)
			}
		}
	}
	return err.Error()
}

// plainValue turns Starlark into what JSON can hold.
func plainValue(v starlark.Value, depth int) (any, error) {
	if depth == 0 {
		return nil, fmt.Errorf("result nests deeper than %d", maxDepth)
	}
	switch v := v.(type) {
	case starlark.NoneType:
		return nil, nil
	case starlark.Bool:
		return bool(v), nil
	case starlark.String:
		return string(v), nil
	case starlark.Int:
		f, _ := starlark.AsFloat(v)
		return number(f)
	case starlark.Float:
		return number(float64(v))
	case *starlark.Dict:
		return plainDict(v, depth)
	case starlark.Iterable: // list, tuple, set, range
		return plainList(v, depth)
	}
	return nil, fmt.Errorf("result holds a %s; it may hold None, booleans, numbers, strings, lists and dicts", v.Type())
}

func number(f float64) (any, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, errors.New("result holds a number that is not finite")
	}
	return f, nil
}

func plainDict(d *starlark.Dict, depth int) (any, error) {
	out := make(map[string]any, d.Len())
	for _, item := range d.Items() {
		key, ok := starlark.AsString(item[0])
		if !ok {
			return nil, fmt.Errorf("result has a dict with a %s for a key; keys are strings", item[0].Type())
		}
		v, err := plainValue(item[1], depth-1)
		if err != nil {
			return nil, err
		}
		out[key] = v
	}
	return out, nil
}

func plainList(list starlark.Iterable, depth int) (any, error) {
	out := []any{}
	it := list.Iterate()
	defer it.Done()
	for v := starlark.Value(nil); it.Next(&v); {
		if len(out) > maxResult { // a range of a billion would be read to its end
			return nil, fmt.Errorf("result has a list of more than %d", maxResult)
		}
		e, err := plainValue(v, depth-1)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// controlled runs the programs again whose results are evidence, over the healthy time of what they read. What fails there is
// as if nothing had been seen.
func controlled(programs map[string]contract.Program, control *starlark.Dict) error {
	for id, p := range programs {
		ev := starlark.NewDict(len(p.Evidence))
		for _, input := range p.Evidence {
			v, found, err := control.Get(starlark.String(input))
			if err != nil || !found {
				return fmt.Errorf("program %s reads evidence %s, which is not in the request", id, input)
			}
			if err := ev.SetKey(starlark.String(input), v); err != nil {
				return err
			}
		}
		ev.Freeze()
		var answer contract.ProgramAnswer
		result, err := execute(p.Source, ev, &answer)
		if err != nil {
			continue
		}
		if err := control.SetKey(starlark.String(id), value(programEvidence(result, answer.Printed))); err != nil {
			return err
		}
	}
	return nil
}

// programEvidence is a program's evidence as a check sees it: what it printed on healthy time, too, or a printed word would
// tell the fault from health without anything having been different.
func programEvidence(result any, printed []string) any {
	lines := make([]any, len(printed))
	for i, line := range printed {
		lines[i] = line
	}
	return map[string]any{contract.ProgramResult: result, contract.ProgramPrinted: lines}
}
