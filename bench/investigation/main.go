// Command investigation measures what the machinery of investigations costs, apart from models. It prints one line per figure
// and exits 1 if one is short.
package main

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/midwatch/midwatch/bench/figure"
)

// options are the flags.
type options struct {
	midwatch, temporal, analyst, runsc string
	recording                          string
	runs                               int
	only                               []string
}

func main() { os.Exit(figure.Main(bench)) }

func bench(ctx context.Context, args []string) ([]figure.Figure, error) {
	o, err := parse(args)
	if err != nil {
		return nil, err
	}
	return measure(ctx, o)
}

// Groups of figures.
const (
	inStorm   = "storm"
	perTurn   = "turns"
	inMemory  = "memory"
	sandboxed = "sandbox"
)

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("investigation", flag.ContinueOnError)
	f.StringVar(&o.midwatch, "midwatch", "bin/midwatch", "the program to measure")
	f.StringVar(&o.temporal, "temporal", "bin/midwatch-temporal", "the embedded Temporal's program")
	f.StringVar(&o.analyst, "analyst", "bin/midwatch-analyst", "the program that the sandbox runs")
	f.StringVar(&o.runsc, "runsc", "bin/runsc", "gVisor's program")
	f.StringVar(&o.recording, "recording", "deploy/demo/recordings/index-dropped.otlp.zst", "the telemetry that is investigated")
	f.IntVar(&o.runs, "runs", 5, "storms, and investigations one after another")
	only := f.String("only", strings.Join([]string{inStorm, perTurn, inMemory, sandboxed}, ","), "which figures, with commas")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.only = strings.Split(*only, ",")
	var err error
	for _, path := range []*string{&o.midwatch, &o.temporal, &o.analyst, &o.runsc, &o.recording} {
		var wrong error
		*path, wrong = filepath.Abs(*path)
		err = errors.Join(err, wrong)
	}
	return o, err
}

// measure returns all figures that are wanted. The quiet ones come first.
func measure(ctx context.Context, o options) (all []figure.Figure, err error) {
	wants := func(name string) bool { return slices.Contains(o.only, name) }
	add := func(figures []figure.Figure, err error) error {
		all = append(all, figures...)
		return err
	}
	if wants(sandboxed) {
		if err := add(sandboxes(ctx, o)); err != nil {
			return nil, err
		}
	}
	if wants(inStorm) {
		if err := add(storms(ctx, o.temporal, o.runs)); err != nil {
			return nil, err
		}
	}
	if !wants(perTurn) && !wants(inMemory) {
		return all, nil
	}
	in, err := install(ctx, o.midwatch, o.recording)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.close()) }()
	if wants(perTurn) {
		if err := add(in.turns(ctx, o.runs)); err != nil {
			return nil, err
		}
	}
	if wants(inMemory) {
		if err := add(in.memory(ctx)); err != nil {
			return nil, err
		}
	}
	return all, nil
}
