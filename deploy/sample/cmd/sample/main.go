// Sample is the workload of the tests on a real cluster: a server that answers, calls the next one and can be made to fail in
// every way a pod fails, or a client that asks it. What it does is in its environment and in a configuration file, so that
// every fault is a change that Kubernetes remembers.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		slog.Error("sample ends", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("want server or client")
	}
	switch args[0] {
	case "server":
		return serve(ctx)
	case "client":
		return ask(ctx)
	}
	return fmt.Errorf("unknown role %q: want server or client", args[0])
}
