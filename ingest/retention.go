package ingest

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Retention deletes what is older than an operator wants to keep. The ingester's process runs it, because that process owns
// the telemetry's schema.
type Retention struct {
	What string // for the log: telemetry, model calls
	// Age is how long it is kept, asked for before each run, so that a changed setting holds within Every.
	Age   func(ctx context.Context) (time.Duration, error)
	Store interface {
		Retain(ctx context.Context, age time.Duration) (dropped int, err error)
	}
	Every time.Duration // 0: an hour
	Log   *slog.Logger
}

// Run deletes at once and then again and again until ctx ends. A run that fails is logged; the next one comes.
func (r Retention) Run(ctx context.Context) error {
	if r.Every == 0 {
		r.Every = time.Hour
	}
	tick := time.NewTicker(r.Every)
	defer tick.Stop()
	for {
		if err := r.runOnce(ctx); err != nil && !errors.Is(err, context.Canceled) {
			r.Log.WarnContext(ctx, "delete what is too old; trying again later", "what", r.What, "every", r.Every, "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (r Retention) runOnce(ctx context.Context) error {
	age, err := r.Age(ctx)
	if err != nil {
		return err
	}
	dropped, err := r.Store.Retain(ctx, age)
	if err == nil && dropped > 0 {
		r.Log.InfoContext(ctx, "deleted what is too old", "what", r.What, "pieces", dropped, "older than", age)
	}
	return err
}
