package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/midwatch/midwatch/collector/publish"
	"github.com/midwatch/midwatch/collector/recording"
	"github.com/midwatch/midwatch/internal/auth/pki"
)

func recordCommand(in *installation) *cobra.Command {
	limit := length(2 * time.Minute)
	var keep int
	cmd := &cobra.Command{
		Use: "record FILE", Short: "Record the telemetry that node agents publish from now on into one small file", Args: wants(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := in.identity(pki.CLI)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), time.Duration(limit))
			defer cancel()
			f, err := os.OpenFile(args[0], os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "recording for %s; Ctrl-C ends it earlier\n", limit.String())
			sum, err := recording.Record(ctx, recording.Config{URL: in.jetStreamURL(), TLS: id.Client(pki.JetStream), KeepSpans: keep, Log: in.log}, f)
			if err := errors.Join(err, f.Close()); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %+v\n", args[0], sum)
			return nil
		},
	}
	cmd.Flags().Var(&limit, "for", "how long, such as 90s or 1h")
	cmd.Flags().IntVar(&keep, "keep-spans", 1, "keep one of so many spans, for a smaller file")
	return cmd
}

func playCommand(in *installation) *cobra.Command {
	var speed float64
	cmd := &cobra.Command{
		Use: "play FILE", Short: "Publish a recording as if it happened now, in this installation's environment", Args: wants(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			publisher, _, err := in.publisher(pki.CLI)
			if err != nil {
				return err
			}
			f, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			fmt.Fprintf(cmd.ErrOrStderr(), "playing %s into environment %s; Ctrl-C ends it earlier\n", args[0], in.settings.Environment)
			began := time.Now()
			stop := every(10*time.Second, func() { fmt.Fprintf(cmd.ErrOrStderr(), "  %.0f s\n", time.Since(began).Seconds()) })
			err = play(cmd.Context(), publisher, func(ctx context.Context) error {
				return recording.Play(ctx, f, recording.In(in.settings.Environment, publisher), speed)
			})
			stop()
			if err == nil {
				fmt.Fprintf(cmd.OutOrStdout(), "played in %.0f s\n", time.Since(began).Seconds())
			}
			return err
		},
	}
	cmd.Flags().Float64Var(&speed, "speed", 1, "how many times as fast")
	return cmd
}

// every does something again and again until it is stopped.
func every(d time.Duration, do func()) (stop func()) {
	tick, done := time.NewTicker(d), make(chan struct{})
	go func() {
		for {
			select {
			case <-tick.C:
				do()
			case <-done:
				return
			}
		}
	}()
	return func() { tick.Stop(); close(done) }
}

// play runs the publisher until the recording was played and is out.
func play(ctx context.Context, p *publish.Publisher, do func(context.Context) error) error {
	running, stop := context.WithCancel(ctx)
	defer stop()
	var g errgroup.Group
	g.Go(func() error { return p.Run(running) })
	err := do(ctx)
	stop() // Run sends what is queued before it returns
	if err := errors.Join(err, g.Wait()); err != nil {
		return err
	}
	return arrived(p.Stats())
}

// arrived says what of a recording did not get to JetStream, and why.
func arrived(s publish.Stats) error {
	lost := s.Dropped + uint64(s.Queued)
	if lost == 0 && s.Oversized == 0 {
		return nil
	}
	why := ""
	if s.LastError != "" {
		why = ": " + s.LastError
	}
	return fmt.Errorf("%d of %d messages and %d records did not reach JetStream%s; see that it runs (`midwatch doctor`) and play the recording again",
		lost, lost+s.Published, s.Oversized, why)
}
