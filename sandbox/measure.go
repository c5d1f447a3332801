package sandbox

import (
	"context"
	"slices"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/sandbox/contract"
)

// MedianStart is how long a trivial request takes from start to answer, the median of n one after another; n is at least 1.
func MedianStart(ctx context.Context, engine Engine, n int) (time.Duration, error) {
	trivial := contract.Request{Check: &contract.CheckRequest{Report: investigation.Report{Verdict: investigation.NoProblem}}}
	took := make([]time.Duration, n)
	for i := range took {
		started := time.Now()
		if _, err := engine.Run(ctx, trivial); err != nil {
			return 0, err
		}
		took[i] = time.Since(started)
	}
	slices.Sort(took)
	return took[n/2], nil
}
