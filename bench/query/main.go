// Command query asks everyday questions of Midwatch's tables and of the ClickHouse exporter's, filled with the same telemetry, in turns, and
// compares the answers. It prints median and p95 of both, then one line per figure, and exits 1 if one is short or answers differ.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

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

func main() { os.Exit(figure.Main(bench)) }

func bench(ctx context.Context, args []string) ([]figure.Figure, error) {
	o, err := parse(args)
	if err != nil {
		return nil, err
	}
	return measure(ctx, o)
}

func parse(args []string) (o options, err error) {
	f := flag.NewFlagSet("query", flag.ContinueOnError)
	o.programs.Flags(f)
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
	return o, o.programs.Find()
}
