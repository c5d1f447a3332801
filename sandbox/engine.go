// Package sandbox runs the analyst's step, and the platform's own check evaluator, where they can touch nothing:
// no network, no host files, no other process. Engines live in sub-packages and share one contract (sandbox/contract).
package sandbox

import (
	"context"
	"errors"

	"github.com/midwatch/midwatch/sandbox/contract"
)

// ErrUnavailable means the engine's walls cannot be built on this machine, and it fails closed.
// ErrStep means the sandboxed program ran but broke the contract, was killed or ran out of time or memory.
var (
	ErrUnavailable = errors.New("sandbox unavailable")
	ErrStep        = errors.New("sandboxed step failed")
)

// Engine runs one request in a fresh sandboxed process and returns its answer.
type Engine interface {
	Run(ctx context.Context, req contract.Request) (contract.Answer, error)
}
