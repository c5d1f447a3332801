// Command query asks everyday questions of Midwatch's tables and of the ClickHouse exporter's, filled with the same telemetry, in turns, and
// compares the answers. It prints median and p95 of both, then one line per figure, and exits 1 if one is short or answers differ.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/midwatch/midwatch/bench/figure"
	"github.com/midwatch/midwatch/bench/load"
	"github.com/midwatch/midwatch/bench/rig"
)

// options are the flags.
type options struct {
	programs   rig.Programs
	load       load.Load
	data       string
	runs, warm int
}

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return 2
	}
	var figures []figure.Figure
	if err == nil {
		figures, err = measure(ctx, o)
	}
	ok := figure.Print(os.Stdout, figures)
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
	}
	if err != nil || !ok {
		return 1
	}
	return 0
}

func parse(args []string) (o options, err error) {
	f := flag.NewFlagSet("query", flag.ContinueOnError)
	f.StringVar(&o.programs.Midwatch, "midwatch", "bin/midwatch", "the program to measure")
	f.StringVar(&o.programs.Collector, "collector", "bin/otelcol-peer", "the program that fills the tables to compare with (make bench-peer)")
	f.StringVar(&o.data, "data", "", "`directory` with the data that bench-ingest -keep left; one without is filled and kept (default: filled and removed)")
	f.IntVar(&o.runs, "runs", 25, "times that each question is asked of each side")
	f.IntVar(&o.warm, "warm", 3, "times that it is asked before")
	rows := f.Int("rows", 5_000_000, "log records, if there is no data")
	spans := f.Int("spans", 0, "spans; 0: two for five log records")
	seed := f.Uint64("seed", 1, "of the load")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if o.runs < 1 || *rows < load.Rows {
		return o, fmt.Errorf("-runs, -rows: want at least 1 and %d", load.Rows)
	}
	if *spans == 0 {
		*spans = *rows * 2 / 5
	}
	o.load = load.LastHour(*seed, *rows, *spans)
	for _, path := range []*string{&o.programs.Midwatch, &o.programs.Collector} {
		if *path, err = filepath.Abs(*path); err != nil {
			return o, err
		}
	}
	return o, nil
}
