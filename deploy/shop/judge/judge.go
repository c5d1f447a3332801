// Package judge says whether a report named what was broken. It compares names, and knows nothing of how they were found.
package judge

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/midwatch/midwatch/deploy/shop"
	"github.com/midwatch/midwatch/deploy/shop/plan"
)

// ErrUnknown means faults.yaml does not know the fault.
var ErrUnknown = errors.New("no such fault")

// Kind says what is expected of a report.
type Kind string

// The kinds of fault.
const (
	Known    Kind = "known"    // there is a rule for it
	New      Kind = "new"      // there is none
	Harmless Kind = "harmless" // nothing is broken
)

// Confident is the confidence from which a root cause counts as a verdict.
const Confident = 0.5

// Fault is one entry of faults.yaml, with the names of the run.
type Fault struct {
	Name       string   `yaml:"name"`
	Kind       Kind     `yaml:"kind"`
	Story      string   `yaml:"story"` // one sentence, for people
	Culprits   []string `yaml:"culprits"`
	Mechanisms []string `yaml:"mechanisms"`
	Action     string   `yaml:"action"` // kind of action that mends it; "" if none does
}

// Faults reads faults.yaml for a run with the names of p.
func Faults(p plan.Plan) ([]Fault, error) {
	text := string(shop.FaultsYAML)
	for plain, name := range p.Names() {
		text = strings.ReplaceAll(text, "{"+plain+"}", name)
	}
	var file struct {
		Faults []Fault `yaml:"faults"`
	}
	dec := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	dec.KnownFields(true)
	if err := dec.Decode(&file); err != nil {
		return nil, fmt.Errorf("read faults.yaml: %w", err)
	}
	return file.Faults, nil
}

// Find gives one fault. It wraps ErrUnknown.
func Find(p plan.Plan, name string) (Fault, error) {
	all, err := Faults(p)
	if err != nil {
		return Fault{}, err
	}
	if i := slices.IndexFunc(all, func(f Fault) bool { return f.Name == name }); i >= 0 {
		return all[i], nil
	}
	return Fault{}, fmt.Errorf("%w: %q", ErrUnknown, name)
}

// Report is what a report says, in the words of Midwatch's api.
type Report struct {
	Verdict    string  `json:"verdict"` // root_cause, no_problem, inconclusive
	Culprit    string  `json:"culprit"` // entity, such as service/cart
	Mechanism  string  `json:"mechanism"`
	Confidence float64 `json:"confidence"`
}

// confident says whether r blames somebody.
func (r Report) confident() bool { return r.Verdict == "root_cause" && r.Confidence >= Confident }

// Judge says whether the reports of one run are right, and why not. A fault must be named by every confident report
// and by at least one; where nothing is broken nobody may be blamed.
func Judge(f Fault, reports []Report) (right bool, why string) {
	blames := slices.DeleteFunc(slices.Clone(reports), func(r Report) bool { return !r.confident() })
	if f.Kind == Harmless {
		if len(blames) > 0 {
			return false, fmt.Sprintf("nothing is broken, but %s is blamed for %s", blames[0].Culprit, blames[0].Mechanism)
		}
		return true, ""
	}
	if len(blames) == 0 {
		return false, fmt.Sprintf("nobody is blamed in %d reports", len(reports))
	}
	for _, r := range blames {
		switch {
		case !slices.Contains(f.Culprits, r.Culprit):
			return false, fmt.Sprintf("%s is blamed, not %s", r.Culprit, strings.Join(f.Culprits, " or "))
		case r.Culprit != blames[0].Culprit:
			return false, fmt.Sprintf("two culprits: %s and %s", blames[0].Culprit, r.Culprit)
		case !slices.Contains(f.Mechanisms, r.Mechanism):
			return false, fmt.Sprintf("%s is blamed for %s, not %s", r.Culprit, r.Mechanism, strings.Join(f.Mechanisms, " or "))
		}
	}
	return true, ""
}
