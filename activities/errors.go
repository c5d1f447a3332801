package activities

import (
	"errors"

	"go.temporal.io/sdk/temporal"

	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/workflows"
)

// refused means that trying again would end the same way.
func refused(err error) error {
	return temporal.NewNonRetryableApplicationError(err.Error(), workflows.RefusedError, err)
}

// stepFailed means that the sandboxed program did not do what the contract says.
func stepFailed(err error) error {
	return temporal.NewNonRetryableApplicationError(err.Error(), workflows.StepFailedError, err)
}

// final makes a missing record an error that is not retried: records are written before they are referred to.
func final(err error) error {
	if errors.Is(err, metadata.ErrNotFound) {
		return refused(err)
	}
	return err
}
