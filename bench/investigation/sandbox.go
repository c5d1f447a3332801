package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/midwatch/midwatch/bench/figure"
	"github.com/midwatch/midwatch/sandbox"
	"github.com/midwatch/midwatch/sandbox/gvisor"
	"github.com/midwatch/midwatch/sandbox/native"
)

// A sandbox's start, from the request to the answer of a trivial step, in milliseconds.
const (
	nativeWithin = 40
	gvisorWithin = 400
	starts       = 31
)

// sandboxes starts steps in each engine.
func sandboxes(ctx context.Context, o options) ([]figure.Figure, error) {
	local, err := native.New(native.Config{Program: o.analyst})
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(o.runsc); err != nil {
		return nil, errors.Join(errors.New("gVisor's program is missing: make build-gvisor"), err)
	}
	walled, err := gvisor.New(gvisor.Config{Runsc: o.runsc, Program: o.analyst})
	if err != nil {
		return nil, err
	}
	var figures []figure.Figure
	for _, e := range []struct {
		name   string
		engine sandbox.Engine
		within float64
	}{{"native", local, nativeWithin}, {"gvisor", walled, gvisorWithin}} {
		if _, err := sandbox.MedianStart(ctx, e.engine, 3); err != nil { // caches are cold
			return nil, fmt.Errorf("sandbox %s: %w", e.name, err)
		}
		median, err := sandbox.MedianStart(ctx, e.engine, starts)
		if err != nil {
			return nil, fmt.Errorf("sandbox %s: %w", e.name, err)
		}
		figures = append(figures, figure.AtMost("sandbox_start_p50_"+e.name, float64(median.Microseconds())/1000, "ms", e.within))
	}
	return figures, nil
}
