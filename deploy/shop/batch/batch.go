// Package batch is a job that somebody runs on the wrong machine: it computes for as long as it is left alone.
package batch

import (
	"context"
	"runtime"
	"sync"
)

// Run keeps the given number of threads busy until ctx ends.
func Run(ctx context.Context, threads int) error {
	runtime.GOMAXPROCS(threads + 1) // more than there are cores: this job has no manners
	var all sync.WaitGroup
	for i := range threads {
		all.Go(func() {
			runtime.LockOSThread()
			total := uint64(i)
			for ctx.Err() == nil {
				for range 1 << 20 {
					total = total*6364136223846793005 + 1442695040888963407
				}
			}
			runtime.KeepAlive(total)
		})
	}
	all.Wait()
	return nil
}
