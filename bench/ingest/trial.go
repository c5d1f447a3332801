package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/midwatch/midwatch/bench/figure"
	"github.com/midwatch/midwatch/bench/load"
	"github.com/midwatch/midwatch/bench/rig"
)

// trial is what the ingester has to stand: too much for it, or to be killed. Logs and spans come at the same time.
type trial struct {
	programs rig.Programs
	seed     uint64
	length   time.Duration
	peak     float64 // rows a second that the ingester stores when it is asked for as much as it can; 0: it is measured first
	inFlight int     // requests that wait for their answers, of both signals together
	out      io.Writer

	overload                bool
	killIngester, killStore time.Duration // how often; 0: never
	rate                    float64       // of peak that is sent
}

// What is sent, as a share of the peak.
const (
	overloadRate  = 2
	enduranceRate = 0.8
)

func parseTrial(name string, args []string) (t trial, err error) {
	t.out, t.overload = os.Stdout, name == "overload"
	f := flag.NewFlagSet("ingest "+name, flag.ContinueOnError)
	f.StringVar(&t.programs.Midwatch, "midwatch", "bin/midwatch", "the program to try")
	f.Uint64Var(&t.seed, "seed", 1, "of the load")
	f.DurationVar(&t.length, "for", 10*time.Minute, "how long")
	f.Float64Var(&t.peak, "peak", 0, "rows a second that it can store (default: measured first, for 20 s)")
	t.rate, t.inFlight = overloadRate, 1024
	if !t.overload {
		t.rate, t.inFlight = enduranceRate, 256
		f.DurationVar(&t.killIngester, "kill-ingester", time.Minute, "how often the ingester is killed")
		f.DurationVar(&t.killStore, "kill-store", 150*time.Second, "how often the store is killed")
	}
	if err := f.Parse(args); err != nil {
		return t, err
	}
	t.programs.Midwatch, err = filepath.Abs(t.programs.Midwatch)
	return t, err
}

const (
	measurePeakFor = 20 * time.Second
	senderTimeout  = 10 * time.Second // OTLP's default
)

// run runs a trial in a directory of its own.
func (t trial) run(ctx context.Context) (figures []figure.Figure, err error) {
	dir, err := os.MkdirTemp("", "midwatch-bench-ingest-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := rig.Midwatch(ctx, t.programs, "midwatch", dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	d := newDelivery(s, recent(t.seed))
	if t.peak == 0 {
		if t.peak, err = d.peak(ctx, measurePeakFor); err != nil {
			return nil, err
		}
		fmt.Fprintf(t.out, "as fast as it goes: %.0f rows/s\n", t.peak)
	}
	if t.overload {
		return t.flood(ctx, d)
	}
	return t.endure(ctx, d)
}

// flood sends twice what can be stored; what is told to come later comes later.
func (t trial) flood(ctx context.Context, d *delivery) ([]figure.Figure, error) {
	if err := d.side.Receiver.ForgetPeak(); err != nil {
		return nil, err
	}
	before, began := d.attempts(), time.Now()
	fmt.Fprintf(t.out, "sending %.0f rows/s for %s\n", t.rate*t.peak, t.length)
	if err := d.send(ctx, t.out, t.length, pace{inFlight: t.inFlight, attempts: t.rate * t.peak / load.Rows}); err != nil {
		return nil, err
	}
	offered := float64(d.attempts()-before) * load.Rows / time.Since(began).Seconds()
	u, err := d.side.Receiver.Usage()
	if err != nil {
		return nil, err
	}
	v, err := d.verify(ctx)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(t.out, "%.0f rows/s came, %.0f rows/s were stored; senders were told to wait %d times and got no answer %d times, the slowest after %s\n",
		offered, float64(v.rows)/time.Since(began).Seconds(), d.told(), d.failed(), d.slowest().Round(time.Millisecond))
	return append(v.figures("overload"),
		figure.AtMost("overload_ingester_memory", u.Peak, "MB", maxMemory),
		figure.AtLeast("overload_told_to_wait", float64(d.told()), "answers", 1)), nil
}

// maxMemory is the most the ingester may take, in MB.
const maxMemory = 512

// endure sends what can be stored while ingester and store are killed.
func (t trial) endure(ctx context.Context, d *delivery) ([]figure.Figure, error) {
	fmt.Fprintf(t.out, "sending %.0f rows/s for %s; the ingester is killed every %s, the store every %s\n", t.rate*t.peak, t.length, t.killIngester, t.killStore)
	began, before := time.Now(), d.acked()
	killing, stop := context.WithTimeout(ctx, t.length)
	defer stop()
	var g errgroup.Group
	kills := killer{side: d.side, out: t.out}
	g.Go(func() error { return kills.run(killing, ctx, t.killIngester, t.killStore) })
	g.Go(func() error {
		return d.send(ctx, t.out, t.length, pace{inFlight: t.inFlight, rate: t.rate * t.peak / load.Rows})
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	fmt.Fprintf(t.out, "%.0f rows/s were taken\n", float64(d.acked()-before)*load.Rows/time.Since(began).Seconds())
	v, err := d.verify(ctx)
	if err != nil {
		return nil, err
	}
	wrong, err := d.rollups(ctx)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(t.out, "%d rows were sent and stored through %d kills; senders were told to wait %d times and got no answer %d times\n", v.rows, kills.count, d.told(), d.failed())
	return append(v.figures("endurance"),
		figure.AtMost("endurance_rollups_wrong", float64(wrong), "minutes", 0),
		figure.AtLeast("endurance_kills", float64(kills.count), "kills", 1)), nil
}

// recent is a load of the last twenty minutes, over and over.
func recent(seed uint64) load.Load {
	const length, rows = 20 * time.Minute, 5_000 * load.Rows
	return load.Load{Seed: seed, Start: time.Now().Add(-length), Span: length, Logs: rows, Spans: rows}
}

// pace is how fast requests are sent.
type pace struct {
	inFlight int     // of both signals together
	rate     float64 // new requests a second; 0: as fast as they are taken
	attempts float64 // attempts a second, those that are repeated included; 0: as many as there are
}

func limiter(perSecond float64) *rate.Limiter {
	if perSecond == 0 {
		return rate.NewLimiter(rate.Inf, 1)
	}
	return rate.NewLimiter(rate.Limit(perSecond), max(1, int(math.Ceil(perSecond/20))))
}
