package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/midwatch/midwatch/bench/rig"
)

// killer ends processes as the kernel would, and starts them again, as their supervisor would.
type killer struct {
	side  *rig.Side
	out   io.Writer
	count int
}

// run kills until killing ends, and what it kills is up again when it returns.
func (k *killer) run(killing, ctx context.Context, ingester, store time.Duration) error { //nolint:revive // two contexts: one to kill in, one to start again in
	ingesters, stores := time.NewTicker(ingester), time.NewTicker(store)
	defer ingesters.Stop()
	defer stores.Stop()
	for {
		var err error
		select {
		case <-killing.Done():
			return nil
		case <-ingesters.C:
			err = k.kill(ctx, "ingester", k.side.Receiver)
		case <-stores.C:
			err = k.kill(ctx, "store", k.side.Store)
		}
		if err != nil {
			return err
		}
	}
}

func (k *killer) kill(ctx context.Context, what string, p *rig.Process) error {
	p.Kill()
	k.count++
	began := time.Now()
	if err := p.Start(ctx); err != nil {
		return err
	}
	fmt.Fprintf(k.out, "  killed the %s; it serves again after %s\n", what, time.Since(began).Round(10*time.Millisecond))
	return nil
}
