// Command ingest measures the way from OTLP to stored rows: Midwatch's ingester against the OpenTelemetry Collector with its ClickHouse
// exporter, the same load into the same store. It prints what each side took, then one line per figure, and exits 1 if one is short.
//
//	ingest [flags]             rows per CPU-second, CPU of the store, bytes on disk
//	ingest overload [flags]    memory of the ingester while twice as much comes as it can store
//	ingest endurance [flags]   what is sent is stored, exactly, while ingester and store are killed again and again
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/midwatch/midwatch/bench/figure"
	"github.com/midwatch/midwatch/bench/load"
	"github.com/midwatch/midwatch/bench/rig"
)

// options are the flags.
type options struct {
	programs rig.Programs
	load     load.Load
	inFlight int
	warm     time.Duration
	keep     string
	only     string
}

func main() { os.Exit(figure.Main(bench)) }

// bench runs what the arguments name.
func bench(ctx context.Context, args []string) ([]figure.Figure, error) {
	if len(args) > 0 {
		switch args[0] {
		case "overload", "endurance":
			t, err := parseTrial(args[0], args[1:])
			if err != nil {
				return nil, err
			}
			return t.run(ctx)
		}
	}
	o, err := parse(args)
	if err != nil {
		return nil, err
	}
	return compare(ctx, o)
}

func parse(args []string) (o options, err error) {
	f := flag.NewFlagSet("ingest", flag.ContinueOnError)
	o.programs.Flags(f)
	logs := f.Int("rows", 5_000_000, "log records")
	spans := f.Int("spans", 0, "spans; 0: two for five log records")
	seed := f.Uint64("seed", 1, "of the load")
	f.IntVar(&o.inFlight, "in-flight", 64, "requests that wait for their answers at a time")
	f.DurationVar(&o.warm, "warm", 75*time.Second, "how long the ingester runs before it is measured: for a minute after its start it looks every request up")
	f.StringVar(&o.keep, "keep", "", "`directory` that keeps both sides' data for bench-query (default: none is kept)")
	f.StringVar(&o.only, "only", "", "measure this side alone, without figures: collector, midwatch or bare")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if *spans == 0 {
		*spans = *logs * 2 / 5
	}
	if *logs < load.Rows || *spans < load.Rows {
		return o, fmt.Errorf("-rows, -spans: want at least %d of each", load.Rows)
	}
	o.load = load.LastHour(*seed, *logs, *spans)
	return o, o.programs.Find()
}
