package builtin

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// hypothesis is one explanation of what is wrong.
type hypothesis struct {
	culprit    telemetry.Entity
	service    string // where the culprit sits on the graph of calls
	mechanism  investigation.Mechanism
	confidence float64
	// statistical: nothing but a difference from healthy time speaks for it, no mechanism.
	statistical bool
	title       string
	summary     string
	chain       []investigation.Claim // cause first; symptoms are added at the end
	fix         *investigation.FixDraft
	missing     []string
	told        bool // the cluster itself says what is wrong with the culprit: no call has to lead to it
}

// claim adds one statement with the evidence it rests on. It is left out when that evidence does not exist.
func (h *hypothesis) claim(text string, evidence string, checks ...string) {
	if evidence == "" {
		return
	}
	c := investigation.Claim{Text: text, Evidence: []string{evidence}, Checks: []investigation.Check{}}
	for _, x := range checks {
		c.Checks = append(c.Checks, investigation.Check{Expression: x})
	}
	h.chain = append(h.chain, c)
}

// some is the check that an element of a list of the evidence fulfils all conditions; conditions speak of x.
func some(evidence, list string, conditions ...string) string {
	return fmt.Sprintf("any([%s for x in ev[%s][%s]])", strings.Join(conditions, " and "), strconv.Quote(evidence), strconv.Quote(list))
}

// is is the condition that a field of x equals a text.
func is(field, text string) string {
	return fmt.Sprintf("x[%s] == %s", strconv.Quote(field), strconv.Quote(text))
}

// holds is the condition that a field of x is true.
func holds(field string) string { return fmt.Sprintf("x[%s]", strconv.Quote(field)) }

// atLeast is the condition that a number of x, given by its path, reaches a limit.
func atLeast(limit float64, path ...string) string { return number(path) + " >= " + figure(limit) }

// atMost is the condition that a number of x stays within a limit.
func atMost(limit float64, path ...string) string { return number(path) + " <= " + figure(limit) }

func number(path []string) string {
	var b strings.Builder
	b.WriteString("x")
	for _, p := range path {
		b.WriteString("[" + strconv.Quote(p) + "]")
	}
	return b.String()
}

// figure writes a limit without an exponent, which Starlark reads the same but people do not.
func figure(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
