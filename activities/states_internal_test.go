package activities

import (
	"testing"

	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/workflows"
)

// The workflows may not import the metadata store, so nothing but this keeps their words for a state the same.
func TestStatesAreTheStores(t *testing.T) {
	for ours, stores := range map[string]string{
		workflows.InvestigationRunning: metadata.Running, workflows.InvestigationConcluded: metadata.Concluded, workflows.InvestigationFailed: metadata.Failed,
	} {
		if ours != stores {
			t.Errorf("workflows say %q, the metadata store says %q", ours, stores)
		}
	}
}
