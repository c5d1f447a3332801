// Command investigation measures what the machinery of investigations costs, apart from models and from the store. It
// prints one line per figure and exits 1 if one is short.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	temporal := flag.String("temporal", "bin/midwatch-temporal", "the embedded Temporal's program")
	runs := flag.Int("runs", 5, "storms")
	flag.Parse()
	program, err := filepath.Abs(*temporal)
	if err == nil {
		var figures []figure
		if figures, err = storms(ctx, program, *runs); err == nil && !printFigures(os.Stdout, figures) {
			return 1
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		return 1
	}
	return 0
}
