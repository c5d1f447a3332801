package investigation_test

import (
	"testing"

	"github.com/midwatch/midwatch/internal/investigation"
)

// TestQuorumOfEveryKind: each kind of fix may need several people, one that changes a cluster, too.
func TestQuorumOfEveryKind(t *testing.T) {
	for kind, fits := range map[investigation.ActionKind]bool{
		investigation.RollbackVersion: true, investigation.OpenPullRequest: true, investigation.RollbackWorkload: true, investigation.CordonNode: true, "explode": false,
	} {
		q := investigation.Quorum{Of: map[investigation.ActionKind]int{kind: 2}}
		if err := q.Validate(); (err == nil) != fits || fits && q.Needed(kind) != 2 {
			t.Errorf("%s: %v, %d people", kind, err, q.Needed(kind))
		}
	}
}
