package main

import (
	"context"
	"fmt"
	"os/exec"
	"time"

	"github.com/midwatch/midwatch/sandbox"
	"github.com/midwatch/midwatch/sandbox/gvisor"
	"github.com/midwatch/midwatch/sandbox/native"
)

// walledEngine is a sandbox engine that can tell about itself.
type walledEngine interface {
	sandbox.Engine
	Check(context.Context) error
	Walls() string
}

var (
	_ walledEngine = (*native.Engine)(nil)
	_ walledEngine = (*gvisor.Engine)(nil)
)

// engine is the sandbox engine that the configuration names.
func (s workerSettings) engine() (walledEngine, error) {
	switch s.Sandbox {
	case "", "native":
		return native.New(native.Config{Program: s.Analyst})
	case "gvisor":
		return gvisor.New(gvisor.Config{Runsc: s.Runsc, Program: s.Analyst})
	}
	return nil, fmt.Errorf("worker.sandbox %q: want native or gvisor", s.Sandbox)
}

// findSandbox runs a step in the configured engine.
func findSandbox(ctx context.Context, in *installation) []finding {
	name := in.settings.Worker.Sandbox + " engine"
	engine, err := in.settings.Worker.engine()
	if err != nil {
		return []finding{{name, "missing", err.Error(), true}}
	}
	started := time.Now()
	if err := engine.Check(ctx); err != nil {
		return []finding{{name, "missing", err.Error(), true}}
	}
	return []finding{{name, "works", fmt.Sprintf("%s; a step takes %v", engine.Walls(), time.Since(started).Round(time.Millisecond)), false}}
}

// runsc finds gVisor's program: beside this one, else on PATH.
func runsc() string {
	if p := beside("runsc"); exists(p) {
		return p
	}
	if p, err := exec.LookPath("runsc"); err == nil {
		return p
	}
	return beside("runsc")
}
