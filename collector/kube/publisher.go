package kube

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/midwatch/midwatch/collector/kube/bucket"
)

const (
	lanes       = 8        // objects compared at a time; those of one object go one after another in one lane
	laneQueue   = 256      // objects that wait in a lane
	budgetBytes = 24 << 20 // JSON of objects between the watch and JetStream; decoded it is about six times as much
	retryPause  = 250 * time.Millisecond
)

// publisher works on many objects at a time, and on each in the order in which it was seen. Its lanes work until run's context ends.
type publisher struct {
	lane   []chan func(context.Context) error
	seed   maphash.Seed
	budget *semaphore.Weighted
}

func newPublisher() *publisher {
	p := &publisher{seed: maphash.MakeSeed(), budget: semaphore.NewWeighted(budgetBytes)}
	for range lanes {
		p.lane = append(p.lane, make(chan func(context.Context) error, laneQueue))
	}
	return p
}

// run works off the lanes until ctx ends or a task fails for good.
func (p *publisher) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, lane := range p.lane {
		g.Go(func() error {
			for {
				select {
				case task := <-lane:
					if err := task(ctx); err != nil {
						return err
					}
				case <-ctx.Done():
					return nil
				}
			}
		})
	}
	return g.Wait()
}

// work is one version between the watch and JetStream.
type work struct {
	step    *step
	release func() // of the memory that it has
}

// enqueue gives a task to the object's lane and blocks while that, or the memory for objects under way, is full. The task, or what it starts,
// releases the work.
func (p *publisher) enqueue(ctx context.Context, uid string, size int, st *step, task func(context.Context, work) error) error {
	weight := int64(min(size, budgetBytes))
	if err := p.budget.Acquire(ctx, weight); err != nil {
		return err
	}
	w := work{st, func() { p.budget.Release(weight) }}
	select {
	case p.lane[maphash.String(p.seed, uid)%lanes] <- func(ctx context.Context) error { return task(ctx, w) }:
		return nil
	case <-ctx.Done():
		w.release()
		return ctx.Err()
	}
}

// flush returns when the lanes have done what they were given before.
func (p *publisher) flush(ctx context.Context) error {
	done := make(chan struct{}, lanes)
	for _, lane := range p.lane {
		select {
		case lane <- func(context.Context) error { done <- struct{}{}; return nil }:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for range lanes {
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// insist repeats do until it succeeds, ctx ends, or somebody else has taken over or the bucket is lost: then all is read anew. While JetStream is away the
// watch waits.
func insist(ctx context.Context, log *slog.Logger, what string, do func(context.Context) error) error {
	for told := false; ; {
		err := do(ctx)
		if err == nil || errors.Is(err, bucket.ErrOvertaken) || errors.Is(err, bucket.ErrGone) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !told {
			log.Warn(what+"; trying until it works", "error", err)
			told = true
		}
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
