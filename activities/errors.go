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

// modelStepFailed makes a failed step one that spoke for a model: the built-in analyst's may well work.
func modelStepFailed(err error) error {
	var failed *temporal.ApplicationError
	if errors.As(err, &failed) && failed.Type() == workflows.StepFailedError {
		return temporal.NewNonRetryableApplicationError(failed.Message(), workflows.ModelStepError, err)
	}
	return err
}

// final makes a missing record an error that is not retried: records are written before they are referred to.
func final(err error) error {
	if errors.Is(err, metadata.ErrNotFound) {
		return refused(err)
	}
	return err
}
