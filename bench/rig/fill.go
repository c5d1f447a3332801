package rig

import (
	"context"
	"fmt"
	"time"

	"github.com/midwatch/midwatch/bench/load"
)

// Fill sends the requests of a signal from a to b, without b, and waits until they are stored; those before a must be. It says every ten
// seconds how far it is.
func (s *Side) Fill(ctx context.Context, l load.Load, signal load.Signal, a, b, inFlight int) (*load.Sent, error) {
	telling, stop := context.WithCancel(ctx)
	defer stop()
	go s.tell(telling, signal, b*load.Rows)
	sent := new(load.Sent)
	sender := load.Sender{Load: l, Address: s.Address, TLS: s.Sender, InFlight: inFlight}
	if err := sender.Send(ctx, signal, load.UpTo(a, b), sent); err != nil {
		return sent, err
	}
	if n := sent.Rejected.Load(); n > 0 {
		return sent, fmt.Errorf("%d %s were rejected", n, signal)
	}
	return sent, s.Stored(ctx, signal, b*load.Rows)
}

func (s *Side) tell(ctx context.Context, signal load.Signal, want int) {
	began, tick := time.Now(), time.NewTicker(10*time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if n, err := s.Count(ctx, signal); err == nil {
				fmt.Printf("  %s: %d of %d %s after %s\n", s.Name, n, want, signal, time.Since(began).Round(time.Second))
			}
		}
	}
}
