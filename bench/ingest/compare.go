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

type results map[string]map[load.Signal]taken // :: side → signal → what it took

// compare runs one side after the other, because they share the cores.
func compare(ctx context.Context, o options) (figures []figure.Figure, err error) {
	dir, remove, err := directory(o.keep)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	fmt.Printf("%d log records and %d spans, %d to a request, %d requests at a time, from %s on\n",
		o.load.Logs, o.load.Spans, load.Rows, o.inFlight, o.load.Start.Format(time.DateTime))
	all := results{}
	for _, side := range []string{collector, midwatch, bare} {
		if o.only != "" && o.only != side {
			continue
		}
		if all[side], err = one(ctx, o, side, filepath.Join(dir, side)); err != nil {
			return nil, fmt.Errorf("%s: %w", side, err)
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

// directory is where the data goes, and what is to be done with it in the end.
func directory(keep string) (string, func() error, error) {
	if keep != "" {
		return keep, func() error { return os.RemoveAll(filepath.Join(keep, bare)) }, os.MkdirAll(keep, 0o700)
	}
	dir, err := os.MkdirTemp("", "midwatch-bench-ingest-")
	return dir, func() error { return os.RemoveAll(dir) }, err
}

// one measures a side.
func one(ctx context.Context, o options, name, dir string) (out map[load.Signal]taken, err error) {
	var s *rig.Side
	if name == collector {
		s, err = rig.Collector(ctx, o.programs, dir)
	} else {
		s, err = rig.Midwatch(ctx, o.programs, name, dir)
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if name != collector {
		fmt.Printf("%s: warming up for %s\n", name, o.warm)
		select {
		case <-time.After(o.warm):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if name == bare { // after the start: what the ingester looks at then are the views' tables, too
		if err := s.DropViews(ctx); err != nil {
			return nil, err
		}
	}
	out = map[load.Signal]taken{}
	for _, signal := range []load.Signal{load.Logs, load.Spans} {
		if out[signal], err = measure(ctx, s, o, signal); err != nil {
			return nil, err
		}
		out[signal].print(name, signal)
	}
	return out, nil
}

func (r results) figures() (figures []figure.Figure) {
	for _, signal := range []load.Signal{load.Logs, load.Spans} {
		peer, ours, without := r[collector][signal], r[midwatch][signal], r[bare][signal]
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
