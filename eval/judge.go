package eval

import (
	"fmt"
	"slices"

	"github.com/midwatch/midwatch/internal/investigation"
)

// Outcome is how a report compares with what is expected.
type Outcome string

// The outcomes. Wrong is a confident wrong answer: the worst.
const (
	Right        Outcome = "right"
	Wrong        Outcome = "wrong"
	Inconclusive Outcome = "inconclusive"
	Failed       Outcome = "failed" // no report
)

// Confident is the confidence from which a verdict counts as one.
const Confident = 0.5

// Judge compares a report with what is expected, and says why it is not right.
func Judge(e Expect, r investigation.Report) (outcome Outcome, why string) {
	sure := r.Confidence >= Confident
	switch {
	case r.Verdict == investigation.RootCause && sure:
		return blamed(e, r)
	case len(e.Culprits) == 0:
		return Right, ""
	case r.Verdict == investigation.NoProblem && sure:
		return Wrong, "it says that nothing is broken"
	case e.Withheld != "":
		return Right, ""
	case r.Verdict == investigation.RootCause:
		return Inconclusive, fmt.Sprintf("%s is blamed for %s, without confidence", r.Culprit, r.Mechanism)
	}
	return Inconclusive, "nobody is blamed"
}

func blamed(e Expect, r investigation.Report) (Outcome, string) {
	switch {
	case len(e.Culprits) == 0:
		return Wrong, fmt.Sprintf("nothing is broken, but %s is blamed for %s", r.Culprit, r.Mechanism)
	case !slices.Contains(e.Culprits, r.Culprit):
		return Wrong, fmt.Sprintf("%s is blamed for %s, not %s", r.Culprit, r.Mechanism, e.Culprits[0])
	case !slices.Contains(e.Mechanisms, r.Mechanism):
		return Wrong, fmt.Sprintf("%s is blamed for %s, not %s", r.Culprit, r.Mechanism, e.Mechanisms[0])
	}
	return Right, ""
}
