package activities

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/tools"
)

// Bounds of one step: an analyst that exceeds them is broken, or tries something.
const (
	maxCalls  = 12
	maxSay    = 4 << 10 // bytes
	maxText   = 2 << 10 // bytes of one claim, title, reason or expression
	maxArgs   = 6 << 10 // bytes of a call's arguments: a small program fits
	maxClaims = 20
	maxChecks = 10 // of one claim
	maxListed = 50 // things a list of a report may hold
	maxEdits  = 20 // of a change of code
	maxEdited = 64 << 10
)

// validate is where an analyst's answer stops being opaque bytes: everything it asks for must be possible.
func validate(s investigation.Step, turn int, last bool, r *tools.Registry) error {
	switch {
	case strings.TrimSpace(s.Say) == "" || len(s.Say) > maxSay:
		return fmt.Errorf("the step must say what it thinks, in at most %d bytes", maxSay)
	case s.Report == nil && len(s.Calls) == 0:
		return errors.New("the step asks for nothing and concludes nothing")
	case s.Report != nil && len(s.Calls) > 0:
		return errors.New("the step concludes and still asks for tools")
	case last && s.Report == nil:
		return errors.New("the step does not conclude on the last turn")
	case len(s.Calls) > maxCalls:
		return fmt.Errorf("the step asks for %d calls, at most %d", len(s.Calls), maxCalls)
	}
	if s.Report != nil {
		return validReport(*s.Report)
	}
	for n, c := range s.Calls {
		if err := validCall(c, turn, r); err != nil {
			return fmt.Errorf("call %d: %w", n+1, err)
		}
		if slices.ContainsFunc(s.Calls[:n], func(o investigation.ToolCall) bool { return o.ID == c.ID }) {
			return fmt.Errorf("call %d: id %s twice", n+1, c.ID)
		}
	}
	return nil
}

func validCall(c investigation.ToolCall, turn int, r *tools.Registry) error {
	number, ok := strings.CutPrefix(c.ID, fmt.Sprintf("t%dc", turn))
	if !ok || !callNumber.MatchString(number) {
		return fmt.Errorf("id %q is not of the form t%dc1", c.ID, turn)
	}
	if err := bounded(c.Why); err != nil {
		return err
	}
	if len(c.Arguments) > maxArgs {
		return fmt.Errorf("arguments of %d bytes, at most %d", len(c.Arguments), maxArgs)
	}
	tool, err := r.Get(c.Tool)
	if err != nil {
		return err
	}
	if err := fitsSchema(tool.Schema, c.Arguments); err != nil {
		return fmt.Errorf("arguments of %s: %w", c.Tool, err)
	}
	return nil
}

var callNumber = regexp.MustCompile(`^[1-9][0-9]?$`)

func fitsSchema(raw, arguments json.RawMessage) error {
	var schema jsonschema.Schema
	if err := json.Unmarshal(raw, &schema); err != nil {
		return fmt.Errorf("read the tool's schema: %w", err)
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		return fmt.Errorf("read the tool's schema: %w", err)
	}
	var v map[string]any
	if err := json.NewDecoder(bytes.NewReader(arguments)).Decode(&v); err != nil {
		return fmt.Errorf("%w: %w", tools.ErrArguments, err)
	}
	if err := resolved.Validate(v); err != nil {
		return fmt.Errorf("%w: %w", tools.ErrArguments, err)
	}
	return nil
}

func validReport(r investigation.Report) error {
	switch r.Verdict {
	case investigation.RootCause, investigation.NoProblem, investigation.Inconclusive:
	default:
		return fmt.Errorf("unknown verdict %q", r.Verdict)
	}
	if math.IsNaN(r.Confidence) || r.Confidence < 0 || r.Confidence > 1 {
		return fmt.Errorf("confidence %v is not between 0 and 1", r.Confidence)
	}
	if r.Verdict == investigation.RootCause && (r.Culprit == "" || r.Mechanism == "") {
		return errors.New("a root cause needs a culprit and a mechanism")
	}
	if strings.ContainsFunc(string(r.Culprit)+string(r.Mechanism), unicode.IsControl) {
		return errors.New("control characters in the culprit or the mechanism")
	}
	if len(r.Chain) > maxClaims || len(r.Missing) > maxListed || len(r.RuledOut) > maxListed {
		return fmt.Errorf("%d claims, %d missing, %d ruled out; at most %d, %d and %d",
			len(r.Chain), len(r.Missing), len(r.RuledOut), maxClaims, maxListed, maxListed)
	}
	for n, c := range r.Chain {
		if err := validClaim(c); err != nil {
			return fmt.Errorf("claim %d: %w", n+1, err)
		}
		if slices.ContainsFunc(r.Chain[:n], func(o investigation.Claim) bool { return o.ID == c.ID }) {
			return fmt.Errorf("claim %d: id %s twice", n+1, c.ID)
		}
	}
	for _, o := range r.RuledOut {
		if err := validList(o.Evidence, string(o.Entity), o.Why); err != nil {
			return fmt.Errorf("ruled out: %w", err)
		}
	}
	if f := r.Fix; f != nil {
		if err := validList(slices.Concat(slices.Collect(maps.Keys(f.Parameters)), slices.Collect(maps.Values(f.Parameters))), f.Action, f.Why); err != nil {
			return fmt.Errorf("fix: %w", err)
		}
		if err := validCode(f.Code); err != nil {
			return fmt.Errorf("fix: %w", err)
		}
	}
	return validList(r.Missing, r.Title, r.Summary, string(r.Culprit), string(r.Mechanism), r.Analyst)
}

// validCode bounds a change of code.
func validCode(c *investigation.CodeChange) error {
	if c == nil {
		return nil
	}
	if len(c.Edits) > maxEdits {
		return fmt.Errorf("%d edits, at most %d", len(c.Edits), maxEdits)
	}
	size := 0
	for _, e := range c.Edits {
		size += len(e.Old) + len(e.New)
		if err := bounded(e.Path); err != nil {
			return err
		}
	}
	if size > maxEdited {
		return fmt.Errorf("edits of %d bytes, at most %d", size, maxEdited)
	}
	return bounded(c.Repository, c.Commit, c.Service, c.Title)
}

func validClaim(c investigation.Claim) error {
	if c.ID == "" || c.Text == "" {
		return errors.New("it needs an id and a text")
	}
	if len(c.Checks) > maxChecks {
		return fmt.Errorf("%d checks, at most %d", len(c.Checks), maxChecks)
	}
	for _, k := range c.Checks {
		if err := bounded(k.Expression); err != nil {
			return err
		}
	}
	return validList(c.Evidence, c.ID, c.Text)
}

// validList bounds a list and texts beside it.
func validList(list []string, texts ...string) error {
	if len(list) > maxListed {
		return fmt.Errorf("a list of %d, at most %d", len(list), maxListed)
	}
	return bounded(append(texts, list...)...)
}

func bounded(texts ...string) error {
	for _, t := range texts {
		if len(t) > maxText {
			return fmt.Errorf("a text of %d bytes, at most %d", len(t), maxText)
		}
	}
	return nil
}
