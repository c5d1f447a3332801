package supervisor

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// backoff is the pause before a program that ended is started again.
const backoff = time.Second

// keeper keeps one program running.
type keeper struct {
	program  program
	spawner  *spawner
	log      *slog.Logger
	restarts chan chan error

	running struct {
		sync.Mutex
		now    *instance // nil while it is down
		starts int
	}
}

func newKeeper(p program, s *spawner, log *slog.Logger) *keeper {
	return &keeper{program: p, spawner: s, log: log, restarts: make(chan chan error)}
}

// Run starts the program, calls ready, and keeps it running until ctx ends; then it stops it. An error means that the
// first start did not succeed.
func (k *keeper) Run(ctx context.Context, ready func()) error {
	first, err := k.program.start(ctx, k.spawner)
	if err != nil {
		return err
	}
	k.set(first)
	ready()
	for ctx.Err() == nil {
		now := k.instance()
		var ended <-chan struct{}
		var again <-chan time.Time
		if now != nil {
			ended = now.done
		} else {
			again = time.After(backoff)
		}
		select {
		case <-ctx.Done():
		case answer := <-k.restarts:
			answer <- k.replace(ctx)
		case <-ended:
			k.log.Warn("ended", "program", k.program.name, "exit", now.exit)
			now.kill() // the rest of its group
			k.set(nil)
		case <-again:
			if err := k.replace(ctx); err != nil {
				k.log.Warn("not started", "error", err)
			}
		}
	}
	if now := k.instance(); now != nil {
		now.end()
	}
	return nil
}

// replace starts a new instance and then stops the old one, so that no request is lost between them.
func (k *keeper) replace(ctx context.Context) error {
	old := k.instance()
	next, err := k.program.start(ctx, k.spawner)
	if err != nil {
		return err
	}
	k.set(next)
	if old != nil {
		old.end()
	}
	return nil
}

// Restart replaces the running instance and returns once the new one serves and the old one is gone.
func (k *keeper) Restart(ctx context.Context) error {
	answer := make(chan error, 1)
	select {
	case k.restarts <- answer:
	case <-ctx.Done():
		return ctx.Err()
	}
	return <-answer
}

func (k *keeper) instance() *instance {
	k.running.Lock()
	defer k.running.Unlock()
	return k.running.now
}

func (k *keeper) set(i *instance) {
	k.running.Lock()
	defer k.running.Unlock()
	k.running.now = i
	if i != nil {
		k.running.starts++
	}
}
