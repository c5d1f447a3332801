package rules

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// Bounds of a redaction rule. The CRD says the same, but for MaxProgram.
const (
	MaxPattern     = 500 // bytes
	MaxReplacement = 100 // bytes
	MaxProgram     = 4000
	maxAttributes  = 50
)

// DefaultReplacement stands for what was found where a rule says nothing else.
const DefaultReplacement = "****"

// Redaction replaces what a pattern finds before telemetry leaves the cluster.
type Redaction struct {
	Name    string `yaml:"name" json:"-"`          // for people; an object's is its name
	Pattern string `yaml:"pattern" json:"pattern"` // RE2, at most MaxPattern bytes and MaxProgram instructions; it must not match empty text
	// Replacement may use groups of the pattern: ${1}. Left out: DefaultReplacement.
	Replacement *string            `yaml:"replacement" json:"replacement"`
	Signals     []telemetry.Signal `yaml:"signals" json:"signals"` // empty: all
	// Attributes are names of attributes whose values are looked through, * is any text; with Bodies false and no Attributes it is both: all texts.
	Attributes []string `yaml:"attributes" json:"attributes"`
	Bodies     bool     `yaml:"bodies" json:"bodies"` // bodies of logs; names and status messages of spans
}

// Everywhere says whether a rule looks through all texts.
func (r Redaction) Everywhere() bool { return !r.Bodies && len(r.Attributes) == 0 }

// Of says whether a rule is about a signal.
func (r Redaction) Of(s telemetry.Signal) bool {
	return len(r.Signals) == 0 || slices.Contains(r.Signals, s)
}

// Compile validates a rule and returns its pattern.
func (r Redaction) Compile() (*regexp.Regexp, error) {
	switch {
	case r.Pattern == "":
		return nil, errors.New("pattern: empty; want a regular expression (RE2)")
	case len(r.Pattern) > MaxPattern:
		return nil, fmt.Errorf("pattern: %d bytes; want at most %d", len(r.Pattern), MaxPattern)
	case r.Replacement != nil && len(*r.Replacement) > MaxReplacement:
		return nil, fmt.Errorf("replacement: %d bytes; want at most %d", len(*r.Replacement), MaxReplacement)
	case len(r.Attributes) > maxAttributes:
		return nil, fmt.Errorf("attributes: %d; want at most %d", len(r.Attributes), maxAttributes)
	case slices.Contains(r.Attributes, ""):
		return nil, errors.New("attributes: one is empty")
	}
	for _, s := range r.Signals {
		if !known(s) {
			return nil, fmt.Errorf("signals: %q; want traces, metrics or logs", s)
		}
	}
	parsed, err := syntax.Parse(r.Pattern, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("pattern: %w", err)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, fmt.Errorf("pattern: %w", err)
	}
	if len(program.Inst) > MaxProgram {
		return nil, fmt.Errorf("pattern: its repetitions make it %d steps long; want at most %d", len(program.Inst), MaxProgram)
	}
	re, err := regexp.Compile(r.Pattern)
	if err != nil {
		return nil, fmt.Errorf("pattern: %w", err)
	}
	if re.MatchString("") {
		return nil, errors.New("pattern: it matches empty text")
	}
	return re, nil
}

// Validate says what is wrong with a rule.
func (r Redaction) Validate() error {
	_, err := r.Compile()
	return err
}
