package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/midwatch/midwatch/bench/figure"
	"github.com/midwatch/midwatch/bench/load"
	"github.com/midwatch/midwatch/bench/rig"
)

// The bars of docs/ingest.md, as ratios to the collector.
const (
	minRows      = 3   // rows per CPU-second of the receiver
	maxStoreBare = 0.7 // CPU of the store, without what views compute
	maxStore     = 1   // with it
	maxBytes     = 0.7 // on disk
)

// Sides. Bare is ours without the views: what the rows alone cost the store.
const (
	collector = "collector"
	midwatch  = "midwatch"
	bare      = "bare"
)

type results map[load.Signal]map[string]taken // :: signal → side → what it took

// compare measures the sides against each other.
func compare(ctx context.Context, o options) (figures []figure.Figure, err error) {
	dir, remove, err := directory(o.keep)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	fmt.Printf("%d log records and %d spans, %d to a request, %d requests at a time, from %s on\n",
		o.load.Logs, o.load.Spans, load.Rows, o.inFlight, o.load.Start.Format(time.DateTime))
	sides, err := start(ctx, o, dir)
	defer func() {
		for _, s := range sides {
			err = errors.Join(err, s.Close())
		}
	}()
	if err != nil {
		return nil, err
	}
	all := results{}
	for _, signal := range []load.Signal{load.Logs, load.Spans} {
		took, err := contend(ctx, sides, o, signal)
		if err != nil {
			return nil, err
		}
		all[signal] = map[string]taken{}
		for i, s := range sides {
			took[i].print(s.Name, signal)
			all[signal][s.Name] = took[i]
		}
	}
	if o.keep != "" {
		if err := o.load.Write(o.keep); err != nil {
			return nil, err
		}
	}
	if o.only != "" {
		return nil, nil
	}
	return all.figures(), nil
}

// start starts the sides and warms ours up. Those that it started are to be closed, whatever the error.
func start(ctx context.Context, o options, dir string) (sides []*rig.Side, err error) {
	for _, name := range []string{collector, midwatch, bare} {
		if o.only != "" && o.only != name {
			continue
		}
		var s *rig.Side
		if name == collector {
			s, err = rig.Collector(ctx, o.programs, filepath.Join(dir, name))
		} else {
			s, err = rig.Midwatch(ctx, o.programs, name, filepath.Join(dir, name))
		}
		if err != nil {
			return sides, fmt.Errorf("%s: %w", name, err)
		}
		sides = append(sides, s)
	}
	if o.only != collector {
		fmt.Printf("warming up for %s\n", o.warm)
		select {
		case <-time.After(o.warm):
		case <-ctx.Done():
			return sides, ctx.Err()
		}
	}
	for _, s := range sides {
		if s.Name == bare { // not before: what the ingester looks at when it starts are the views' tables, too
			err = errors.Join(err, s.DropViews(ctx))
		}
	}
	return sides, err
}

// directory is where the data goes, and what is to be done with it in the end.
func directory(keep string) (string, func() error, error) {
	if keep != "" {
		return keep, func() error { return os.RemoveAll(filepath.Join(keep, bare)) }, os.MkdirAll(keep, 0o700)
	}
	dir, err := os.MkdirTemp("", "midwatch-bench-ingest-")
	return dir, func() error { return os.RemoveAll(dir) }, err
}

func (r results) figures() (figures []figure.Figure) {
	for _, signal := range []load.Signal{load.Logs, load.Spans} {
		peer, ours, without := r[signal][collector], r[signal][midwatch], r[signal][bare]
		name := "ingest_" + string(signal)
		figures = append(figures,
			figure.AtLeast(name+"_rows_per_cpu", ours.perCPUSecond()/peer.perCPUSecond(), "x", minRows),
			figure.AtMost(name+"_store_cpu_without_rollups", without.merged.Seconds()/peer.merged.Seconds(), "x", maxStoreBare),
			figure.AtMost(name+"_store_cpu", ours.merged.Seconds()/peer.merged.Seconds(), "x", maxStore),
			figure.AtMost(name+"_bytes_on_disk", ours.bytesPerRow()/peer.bytesPerRow(), "x", maxBytes),
			figure.AtMost(name+"_lost_or_twice", float64(max(ours.excess, -ours.excess)), "rows", 0))
	}
	return figures
}
