package ingest_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/midwatch/midwatch/ingest"
)

type retainer chan time.Duration

func (r retainer) Retain(_ context.Context, age time.Duration) (int, error) {
	r <- age
	return 1, errors.New("the store is away")
}

func TestRetentionAsksForTheAgeEachTimeAndOutlivesErrors(t *testing.T) {
	asked := 0
	seen := make(retainer)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- ingest.Retention{
			Age: func(context.Context) (time.Duration, error) {
				asked++
				return time.Duration(asked) * time.Hour, nil
			},
			Store: seen, Every: time.Millisecond, Log: slog.New(slog.DiscardHandler),
		}.Run(ctx)
	}()
	for want := time.Hour; want <= 3*time.Hour; want += time.Hour {
		if got := <-seen; got != want {
			t.Errorf("retained %v, want %v", got, want)
		}
	}
	cancel()
	for {
		select {
		case <-seen: // one more run may have begun
		case err := <-done:
			if err != nil {
				t.Errorf("stopped with %v", err)
			}
			return
		}
	}
}
