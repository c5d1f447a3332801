package rig

import (
	"context"
	"fmt"
	"time"

	"github.com/midwatch/midwatch/bench/load"
)

// Fill sends a signal's load and waits until all of it is stored. It says every ten seconds how far it is.
func (s *Side) Fill(ctx context.Context, l load.Load, signal load.Signal, inFlight int) (*load.Sent, error) {
	telling, stop := context.WithCancel(ctx)
	defer stop()
	go s.tell(telling, signal, l.Total(signal))
	sent := new(load.Sent)
	sender := load.Sender{Load: l, Address: s.Address, TLS: s.Sender, InFlight: inFlight}
	if err := sender.Send(ctx, signal, load.UpTo(0, l.Requests(signal)), sent); err != nil {
		return sent, err
	}
	return sent, s.Stored(ctx, signal, l.Total(signal)-int(sent.Rejected.Load()))
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
