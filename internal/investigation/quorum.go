package investigation

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Quorum says how many different people must approve a fix before it is applied. The zero value is one.
type Quorum struct {
	Approvals int                `yaml:"approvals"`    // of any fix; 0: 1
	Of        map[ActionKind]int `yaml:"approvals_of"` // of fixes of a kind, instead
}

// maxApprovers bounds a quorum: all of its approvals must be valid at one time.
const maxApprovers = 5

// Validate says what is wrong and what to do.
func (q Quorum) Validate() error {
	counts := []int{q.Approvals}
	for kind, n := range q.Of {
		if kinds := slices.Concat(actionKinds, remedyKinds(), []ActionKind{OpenPullRequest}); !slices.Contains(kinds, kind) {
			return fmt.Errorf("investigations.approvals_of: unknown kind %q; kinds are %v", kind, kinds)
		}
		counts = append(counts, n)
	}
	if slices.Min(counts) < 0 || slices.Max(counts) > maxApprovers {
		return fmt.Errorf("investigations: approvals and approvals_of are between 1 and %d", maxApprovers)
	}
	return nil
}

// Needed is how many people must approve a fix of a kind, at least one.
func (q Quorum) Needed(kind ActionKind) int {
	if n, ok := q.Of[kind]; ok {
		return max(1, n)
	}
	return max(1, q.Approvals)
}

// Given is an approval of a fix that waits for more.
type Given struct {
	Approver  string    `json:"approver"`
	At        time.Time `json:"at"`
	ExpiresAt time.Time `json:"expires_at"` // from then on it does not count any more
}

// Quorate is how many approvals a fix needs, and which of those it has count at a time.
func (f Fix) Quorate(at time.Time) (needed int, given []Given) {
	for _, g := range f.Approved {
		if at.Before(g.ExpiresAt) {
			given = append(given, g)
		}
	}
	return max(1, f.Needed), given
}

// SamePerson tells whether two approvers are one: a second token, or another spelling, does not make a second person.
func SamePerson(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}
