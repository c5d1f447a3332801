package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/midwatch/midwatch/deploy/standalone"
	"github.com/midwatch/midwatch/internal/health"
)

// retryPause is between two attempts of a part to start, while what it needs is not there.
const retryPause = time.Second

// partCommand wires a part and runs it until it is told to stop.
func partCommand(in *installation, name, short string, build func(context.Context) (runner, error)) *cobra.Command {
	var listen string
	var wait length
	cmd := &cobra.Command{
		Use: name, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := in.answerProbes(cmd.Context(), listen, func(ctx context.Context) error { return in.start(ctx, time.Duration(wait), build) }); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&listen, "health", "", "`address` that answers GET /live and /ready, in clear text, for a kubelet's probes (default: none)")
	cmd.Flags().Var(&wait, "wait", "how long to try again when what the part needs is not there yet (default: not at all)")
	return cmd
}

// start builds a part and runs it. One that ends before it served is built again, for as long as wait says: in a cluster parts start in any
// order, and a container that ends is started again later and later.
func (in *installation) start(ctx context.Context, wait time.Duration, build func(context.Context) (runner, error)) error {
	for started := time.Now(); ; {
		part, err := build(ctx)
		if err == nil {
			err = part.Run(ctx)
		}
		if err == nil || ctx.Err() != nil || in.served.Load() || time.Since(started) > wait {
			return err
		}
		in.log.WarnContext(ctx, "not started; trying again", "error", err)
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
			return nil
		}
	}
}

// answerProbes runs a part, and beside it what tells the kubelet how it is.
func (in *installation) answerProbes(ctx context.Context, listen string, run func(context.Context) error) (err error) {
	if listen == "" {
		return run(ctx)
	}
	if in.probes, err = health.New(listen); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	ctx, cancel := context.WithCancel(ctx)
	g.Go(func() error { return in.probes.Run(ctx) })
	g.Go(func() error { defer cancel(); return run(ctx) })
	return g.Wait()
}

// serves tells the supervisor, if there is one, that the part serves, with a sentence about what it cannot do.
func (in *installation) serves(note string) {
	in.served.Store(true)
	if in.probes != nil {
		in.probes.Ready()
	}
	fd, err := strconv.Atoi(os.Getenv(standalone.ReadyFD))
	if err != nil {
		return
	}
	f := os.NewFile(uintptr(fd), "ready")
	if f == nil {
		return
	}
	defer f.Close()
	fmt.Fprintln(f, strings.TrimSpace("ready "+strings.ReplaceAll(note, "\n", " ")))
}
