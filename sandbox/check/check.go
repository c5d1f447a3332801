// Package check is the platform's own judge of a report: it evaluates every check over the evidence, strikes claims whose check
// fails and lowers confidence. It runs inside the sandbox, because expressions may come from a model.
package check

import (
	"encoding/json"
	"fmt"
	"math"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/sandbox/contract"
)

const (
	// maxSteps bounds one expression; an honest check over a full result takes some ten thousand.
	maxSteps = 2_000_000
	// struckFactor is what one struck claim leaves of the confidence.
	struckFactor = 0.5
	// inconclusiveConfidence is the most a report without a counting check may claim.
	inconclusiveConfidence = 0.3
)

// Report evaluates a report's checks. The returned report differs from the one given only in Check results, Claim.Struck, and,
// downwards, Confidence and Verdict (a root cause without a standing claim that has a counting check becomes inconclusive and loses culprit,
// mechanism and fix).
func Report(req contract.CheckRequest) (investigation.Report, error) {
	actual, err := values(req.Evidence)
	if err != nil {
		return investigation.Report{}, err
	}
	control, err := values(req.Control)
	if err != nil {
		return investigation.Report{}, err
	}
	nothing := starlark.NewDict(len(req.Evidence))
	for id := range req.Evidence {
		v, _, err := actual.Get(starlark.String(id))
		if err != nil {
			return investigation.Report{}, fmt.Errorf("empty evidence %s: %w", id, err)
		}
		blank := empty(v)
		if err := nothing.SetKey(starlark.String(id), blank); err != nil {
			return investigation.Report{}, err
		}
		if _, found, _ := control.Get(starlark.String(id)); !found { // no counterpart: as if nothing had been seen
			if err := control.SetKey(starlark.String(id), blank); err != nil {
				return investigation.Report{}, err
			}
		}
	}
	if err := controlled(req.Programs, control); err != nil {
		return investigation.Report{}, err
	}
	for _, d := range []*starlark.Dict{actual, control, nothing} {
		d.Freeze() // or one check could write the evidence of the next
	}
	j := judge{actual: actual, control: control, nothing: nothing}
	return j.report(req.Report), nil
}

type judge struct{ actual, control, nothing *starlark.Dict }

func (j judge) report(r investigation.Report) investigation.Report {
	counting := 0
	chain := make([]investigation.Claim, len(r.Chain))
	for i, c := range r.Chain {
		chain[i] = j.claim(c)
		if chain[i].Struck != "" {
			r.Confidence *= struckFactor
			continue
		}
		for _, k := range chain[i].Checks {
			if k.Counts {
				counting++
			}
		}
	}
	r.Chain = chain
	if r.Verdict == investigation.RootCause && counting == 0 {
		r.Verdict = investigation.Inconclusive
		r.Confidence = math.Min(r.Confidence, inconclusiveConfidence)
		r.Missing = append(append([]string{}, r.Missing...),
			fmt.Sprintf("a check that tells the fault from healthy time (the analyst named %s, %s)", r.Culprit, r.Mechanism))
		r.Culprit, r.Mechanism, r.Fix = "", "", nil
	}
	return r
}

func (j judge) claim(c investigation.Claim) investigation.Claim {
	for _, id := range c.Evidence {
		if _, found, _ := j.actual.Get(starlark.String(id)); !found {
			c.Struck = fmt.Sprintf("evidence %s does not exist or holds no result", id)
			return c
		}
	}
	checks := make([]investigation.Check, len(c.Checks))
	for i, k := range c.Checks {
		checks[i] = j.check(k.Expression)
		if !checks[i].Holds && c.Struck == "" {
			c.Struck = fmt.Sprintf("check %d: %s", i+1, checks[i].Note)
		}
	}
	c.Checks = checks
	return c
}

func (j judge) check(expression string) investigation.Check {
	k := investigation.Check{Expression: expression}
	holds, err := eval(expression, j.actual)
	switch {
	case err != nil:
		k.Note = err.Error()
		return k
	case !holds:
		k.Note = "is false on the evidence"
		return k
	}
	k.Holds = true
	if also, err := eval(expression, j.nothing); err == nil && also {
		k.Note = "is true of an empty result too"
		return k
	}
	if also, err := eval(expression, j.control); err == nil && also {
		k.Note = "is true of the healthy window too"
		return k
	}
	k.Counts = true
	return k
}

// eval evaluates one expression with ev bound. Anything but True or False is an error.
func eval(expression string, ev *starlark.Dict) (bool, error) {
	thread := &starlark.Thread{Name: "check"}
	thread.SetMaxExecutionSteps(maxSteps)
	env := starlark.StringDict{"ev": ev}
	for name, fn := range functions {
		env[name] = fn
	}
	v, err := starlark.EvalOptions(&syntax.FileOptions{}, thread, "check", expression, env)
	if err != nil {
		return false, err
	}
	b, ok := v.(starlark.Bool)
	if !ok {
		return false, fmt.Errorf("gives %s, not True or False", v.Type())
	}
	return bool(b), nil
}

func values(results map[string]json.RawMessage) (*starlark.Dict, error) {
	d := starlark.NewDict(len(results))
	for id, raw := range results {
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			return nil, fmt.Errorf("read evidence %s: %w", id, err)
		}
		if err := d.SetKey(starlark.String(id), value(v)); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// value turns decoded JSON into Starlark. Numbers without a fraction stay floats: JSON does not tell them apart.
func value(v any) starlark.Value {
	switch v := v.(type) {
	case bool:
		return starlark.Bool(v)
	case float64:
		return starlark.Float(v)
	case string:
		return starlark.String(v)
	case []any:
		elems := make([]starlark.Value, len(v))
		for i, e := range v {
			elems[i] = value(e)
		}
		return starlark.NewList(elems)
	case map[string]any:
		d := starlark.NewDict(len(v))
		for k, e := range v {
			_ = d.SetKey(starlark.String(k), value(e)) // a string key of a dict that nobody iterates cannot fail
		}
		return d
	}
	return starlark.None
}

// empty is the same shape with nothing in it: what a tool returns when there is no data.
func empty(v starlark.Value) starlark.Value {
	switch v := v.(type) {
	case starlark.Bool:
		return starlark.False
	case starlark.Float:
		return starlark.Float(0)
	case starlark.String:
		return starlark.String("")
	case *starlark.List:
		return starlark.NewList(nil)
	case *starlark.Dict:
		d := starlark.NewDict(v.Len())
		for _, item := range v.Items() {
			_ = d.SetKey(item[0], empty(item[1])) // see value
		}
		return d
	}
	return starlark.None
}
