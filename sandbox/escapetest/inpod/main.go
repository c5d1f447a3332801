// Command inpod makes every attempt of the escape suite through an engine where it runs, in a pod, and prints what came of each: a line per
// attempt, its name, a tab, its outcome. It says why on standard error, and exits 1, where the engine cannot run there.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/midwatch/midwatch/sandbox"
	"github.com/midwatch/midwatch/sandbox/escapetest"
	"github.com/midwatch/midwatch/sandbox/gvisor"
	"github.com/midwatch/midwatch/sandbox/native"
)

// Where the image has them.
const (
	program = "/program"
	runsc   = "/runsc"
)

// patience is the timeout of a step that is to end by itself, on a busy machine too.
const patience = 25 * time.Second

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: inpod native|gvisor")
	}
	engine, err := newEngine(args[0])
	if err != nil {
		return err
	}
	names, err := escapetest.List(ctx, engine)
	if err != nil {
		return err
	}
	for _, name := range names {
		fmt.Printf("%s\t%s\n", name, escapetest.Outcome(ctx, engine, name))
	}
	return nil
}

func newEngine(name string) (sandbox.Engine, error) {
	switch name {
	case "native":
		return native.New(native.Config{Program: program, Timeout: patience})
	case "gvisor":
		return gvisor.New(gvisor.Config{Program: program, Runsc: runsc, Timeout: patience})
	}
	return nil, fmt.Errorf("no engine %q", name)
}
