package main

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/midwatch/midwatch/bench/load"
	"github.com/midwatch/midwatch/bench/rig"
)

// delivery is what was sent to a side so far, of both signals at the same time.
type delivery struct {
	side  *rig.Side
	load  load.Load
	lanes map[load.Signal]*lane
}

// lane is one signal of it.
type lane struct {
	next atomic.Int64 // number of the next request
	sent load.Sent
}

func newDelivery(s *rig.Side, l load.Load) *delivery {
	return &delivery{side: s, load: l, lanes: map[load.Signal]*lane{load.Logs: new(lane), load.Spans: new(lane)}}
}

func (d *delivery) sum(of func(*load.Sent) int64) (n int64) {
	for _, l := range d.lanes {
		n += of(&l.sent)
	}
	return n
}

func (d *delivery) attempts() int64 {
	return d.sum(func(s *load.Sent) int64 { return s.Attempts.Load() })
}

func (d *delivery) acked() int64 { return d.sum(func(s *load.Sent) int64 { return s.Acked.Load() }) }

func (d *delivery) told() int64 { return d.sum(func(s *load.Sent) int64 { return s.Told.Load() }) }

func (d *delivery) failed() int64 { return d.sum(func(s *load.Sent) int64 { return s.Failed.Load() }) }

func (d *delivery) slowest() (t time.Duration) {
	for _, l := range d.lanes {
		t = max(t, l.sent.Slowest())
	}
	return t
}

// peak is how many rows a second are taken when as many come as can.
func (d *delivery) peak(ctx context.Context, length time.Duration) (float64, error) {
	began := time.Now()
	err := d.send(ctx, io.Discard, length, pace{inFlight: 64})
	return float64(d.acked()) * load.Rows / time.Since(began).Seconds(), err
}

// send hands out new requests for a while and returns when the last was taken.
func (d *delivery) send(ctx context.Context, out io.Writer, length time.Duration, p pace) error {
	end := time.Now().Add(length)
	telling, stop := context.WithCancel(ctx)
	defer stop()
	go d.tell(telling, out, end)
	g, ctx := errgroup.WithContext(ctx)
	half := float64(len(d.lanes))
	for signal, l := range d.lanes {
		turns := limiter(p.rate / half)
		sender := load.Sender{
			Load: d.load, Address: d.side.Address, TLS: d.side.Sender, InFlight: p.inFlight / len(d.lanes), Timeout: senderTimeout, Attempts: p.attempts / half,
		}
		g.Go(func() error {
			return sender.Send(ctx, signal, func() (int, bool) {
				if err := turns.Wait(ctx); err != nil || time.Now().After(end) {
					return 0, false
				}
				return int(l.next.Add(1) - 1), true
			}, &l.sent)
		})
	}
	return g.Wait()
}

// tell says every ten seconds how it goes.
func (d *delivery) tell(ctx context.Context, out io.Writer, end time.Time) {
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for acked := d.acked(); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			now := d.acked()
			memory := 0.0
			if u, err := d.side.Receiver.Usage(); err == nil {
				memory = u.Peak
			}
			fmt.Fprintf(out, "  %s left: %.0f rows/s taken, told to wait %d times, no answer %d times; ingester %.0f MB at most\n",
				max(0, time.Until(end)).Round(time.Second), float64(now-acked)*load.Rows/10, d.told(), d.failed(), memory)
			acked = now
		}
	}
}
