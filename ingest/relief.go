package ingest

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/midwatch/midwatch/internal/store"
)

// reliefEvery is often enough to be ahead of inserts: 100 MB/s are 1 GB.
const reliefEvery = 10 * time.Second

// Relief keeps the store's disk from filling: again and again it has the store drop its oldest days while too much is in use.
type Relief struct {
	Store interface {
		Relieve(ctx context.Context) ([]store.Dropped, error)
	}
	Tell  func(ctx context.Context, dropped []store.Dropped) // of what was dropped
	Every time.Duration                                      // 0: ten seconds
	Log   *slog.Logger
}

// Run looks until ctx ends. A look that fails is logged, once while it fails in the same way; the next one comes.
func (r Relief) Run(ctx context.Context) error {
	if r.Every == 0 {
		r.Every = reliefEvery
	}
	tick := time.NewTicker(r.Every)
	defer tick.Stop()
	var told string
	for {
		dropped, err := r.Store.Relieve(ctx)
		if len(dropped) > 0 {
			r.Tell(ctx, dropped)
		}
		if why := reason(err); why != told && !errors.Is(err, context.Canceled) {
			if told = why; err != nil {
				r.Log.WarnContext(ctx, "make room on the store's disk; trying again", "every", r.Every, "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// reason is what two errors have in common that need not be told twice.
func reason(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, store.ErrOnlyToday):
		return store.ErrOnlyToday.Error()
	case errors.Is(err, store.ErrOthers):
		return store.ErrOthers.Error()
	}
	return err.Error()
}
