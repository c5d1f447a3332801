// Command demo measures the promise of `make demo`: it breaks the demo shop again and again, each time under other
// names, and judges what Midwatch reports. It prints a table, then one line per figure, and exits 1 if one is short.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/midwatch/midwatch/deploy/shop/fault"
)

// options are the flags.
type options struct {
	midwatch, program string
	dir               string
	url, tokenFile    string
	data              string
	faults            []string
	runs              int
	healthy, baseline time.Duration
	seed              uint64
}

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parse(os.Args[1:])
	if err == nil {
		var ok bool
		if ok, err = measure(ctx, o); err == nil && !ok {
			return 1
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		return 1
	}
	return 0
}

func parse(args []string) (options, error) {
	var o options
	var faults string
	f := flag.NewFlagSet("demo", flag.ContinueOnError)
	f.StringVar(&o.midwatch, "midwatch", "bin/midwatch", "program to measure")
	f.StringVar(&o.program, "shop", "bin/shop", "the demo shop's program")
	f.StringVar(&o.dir, "dir", "/var/tmp/midwatch-bench", "directory for the shop and, unless -url is set, for Midwatch")
	f.StringVar(&o.url, "url", "", "api of a Midwatch that runs already and reads the logs of <dir>/shop/logs; empty: start one")
	f.StringVar(&o.tokenFile, "token-file", "", "with -url: a file with a token of role approver")
	f.StringVar(&o.data, "data", "/var/lib/midwatch", "with -url: data directory of that Midwatch, for its certificate authority")
	f.StringVar(&faults, "faults", strings.Join(fault.Names(), ","), "which faults, comma-separated")
	f.IntVar(&o.runs, "runs", 5, "runs of each fault")
	f.DurationVar(&o.healthy, "healthy", 10*time.Minute, "healthy time to watch first; 0: none")
	f.DurationVar(&o.baseline, "baseline", 45*time.Second, "healthy time before each fault")
	f.Uint64Var(&o.seed, "seed", uint64(time.Now().Unix()), "names follow from it; each run takes the next") //nolint:gosec // after 1970
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.faults = strings.FieldsFunc(faults, func(r rune) bool { return r == ',' })
	for _, name := range o.faults {
		if !slices.Contains(fault.Names(), name) {
			return o, fmt.Errorf("no fault %q; there are %s", name, strings.Join(fault.Names(), ", "))
		}
	}
	var err error
	for _, path := range []*string{&o.midwatch, &o.program, &o.dir} {
		if *path, err = filepath.Abs(*path); err != nil {
			return o, err
		}
	}
	return o, nil
}

// measure runs everything and says whether every figure reaches its bar.
func measure(ctx context.Context, o options) (ok bool, err error) {
	m, err := openMidwatch(ctx, o)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	b := &bench{options: o, midwatch: m, started: time.Now(), out: os.Stdout, progress: os.Stderr}
	results, err := b.all(ctx)
	if err != nil {
		return false, err
	}
	return printFigures(os.Stdout, results), nil
}
