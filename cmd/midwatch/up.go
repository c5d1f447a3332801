package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/midwatch/midwatch/collector/probe"
	"github.com/midwatch/midwatch/deploy/standalone"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/auth/pki"
)

// ErrRunning means another `midwatch up` owns the data directory.
var ErrRunning = errors.New("midwatch is already running")

func upCommand(in *installation) *cobra.Command {
	var quiet bool
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start every part on this machine, as separate supervised processes on loopback",
		Long: `Starts the store, JetStream, the ingester, the exporter, the node agent, Temporal, the api and the workers, each as a process of its own
that comes back when it dies, and says when an incident opens and what becomes of it. What has an address in the configuration (store.addresses, temporal.address …) is used instead of started.
Ctrl-C stops them in order. Logs are in <data>/logs.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return up(cmd.Context(), in, cmd.OutOrStdout(), quiet) },
	}
	cmd.Flags().BoolVar(&quiet, "quiet", false, "say nothing about incidents")
	return cmd
}

func up(ctx context.Context, in *installation, out io.Writer, quiet bool) error {
	unlock, err := in.lock() // first: two that make certificates at once would make two authorities
	if err != nil {
		return err
	}
	defer unlock()
	if err := in.prepare(); err != nil {
		return err
	}
	if err := in.check(ctx); err != nil {
		return err
	}
	parts, err := in.parts()
	if err != nil {
		return err
	}
	started := time.Now()
	lines := make(chan func(), 64) // one printer: what is told stays in order
	s, err := standalone.New(standalone.Config{
		Parts: parts, LogDir: in.path("logs"), Nice: in.settings.Nice, Log: in.log,
		OnEvent: func(e standalone.Event) { lines <- func() { tell(out, e, in.path("logs")) } },
	})
	if err != nil {
		return err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for say := range lines {
			say()
		}
	}()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.Run(ctx) })
	g.Go(func() error {
		if !s.WaitReady(ctx) {
			return nil // Run says why
		}
		took, greeted := time.Since(started), make(chan error, 1)
		lines <- func() { greeted <- in.greet(ctx, out, took) }
		if err := <-greeted; err != nil || quiet {
			return err
		}
		db, err := in.metadata(ctx)
		if err != nil {
			return err
		}
		defer db.Close()
		news := newsroom{page: "https://" + in.settings.API.Listen, since: started, told: map[string]string{}}
		news.follow(ctx, db, lines, out)
		return nil
	})
	g.Go(func() error { // beside the start: loading the programs takes seconds
		if _, err := probe.Check(ctx); err != nil && ctx.Err() == nil {
			lines <- func() {
				fmt.Fprintf(out, "  note: no eBPF here: %v. Everything else runs, and OTLP still comes in.\n", err)
			}
		}
		return nil
	})
	err = g.Wait()
	close(lines)
	<-done
	return err
}

// tell prints one line per thing that happened, but for the starts.
func tell(out io.Writer, e standalone.Event, logs string) {
	switch e.Kind {
	case standalone.Ready:
		fmt.Fprintf(out, "  %-15s ready   %5.1f s  %s\n", e.Part, e.Took.Seconds(), e.Note)
	case standalone.Died:
		fmt.Fprintf(out, "  %-15s died    %5.1f s  %s; starting it again (log: %s)\n", e.Part, e.Took.Seconds(), e.Note, filepath.Join(logs, e.Part+".log"))
	case standalone.Stopped:
		fmt.Fprintf(out, "  %-15s stopped\n", e.Part)
	}
}

// greet prints the addresses and, the first time, an admin token.
func (in *installation) greet(ctx context.Context, out io.Writer, took time.Duration) error {
	fmt.Fprintf(out, "\nMidwatch is up after %.1f s.\n\n", took.Seconds())
	fmt.Fprintf(out, "  web UI       https://%s   (its certificate is signed by %s)\n", in.settings.API.Listen, in.path("pki", "ca.pem"))
	if in.settings.Temporal.Address == "" {
		fmt.Fprintf(out, "  Temporal UI  https://%s/temporal/   (sign in to the web UI first)\n", in.settings.API.Listen)
	}
	db, err := in.metadata(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	tokens, err := db.ListTokens(ctx)
	if err != nil || len(tokens) > 0 {
		return err
	}
	token, err := auth.CreateToken(ctx, db, "admin", auth.Admin)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n  admin token  %s\n               shown once; `midwatch token create` makes others\n", token)
	return nil
}

// check says in one sentence what keeps Midwatch from starting at all.
func (in *installation) check(ctx context.Context) error {
	if err := in.settings.checkFiles(); err != nil {
		return err
	}
	for _, p := range in.settings.ports() {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", p.address)
		if err != nil {
			return fmt.Errorf("port of %s, %s: %w: end the program that has it, or set %s in the configuration", p.part, p.address, errors.Unwrap(err), p.key)
		}
		l.Close()
	}
	for _, f := range findPrograms(ctx, in) {
		if f.serious {
			return fmt.Errorf("%s is missing: %s", f.what, f.advice)
		}
	}
	return nil
}

// parts lists what to start, in order. What the configuration gives an address for is left out.
func (in *installation) parts() ([]standalone.Part, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := in.settings
	var parts []standalone.Part
	started := map[string]bool{}
	add := func(name string, argv []string, after ...string) {
		var deps []string
		for _, a := range after {
			if started[a] {
				deps = append(deps, a)
			}
		}
		started[name] = true
		parts = append(parts, standalone.Part{Name: name, Argv: argv, After: deps})
	}
	own := func(command ...string) []string {
		argv := append([]string{self}, command...)
		argv = append(argv, "--data", s.Data, "--log-level", in.level)
		if in.config != "" {
			argv = append(argv, "--config", in.config)
		}
		return argv
	}
	if len(s.Store.Addresses) == 0 {
		add("clickhouse", own("clickhouse"))
	}
	if s.JetStream.URL == "" {
		add("jetstream", own("jetstream"))
	}
	if s.Temporal.Address == "" {
		add("temporal", []string{
			s.Temporal.Program, "--db", in.path("temporal.db"), "--listen", s.Temporal.Listen, "--ui-listen", s.Temporal.UIListen,
			"--pki", in.path("pki"), "--codec-endpoint", "https://" + s.API.Listen + "/codec", "--ui-path", "/temporal", "--ui-clients", pki.API,
		})
	}
	add("ingester", own("ingester"), "clickhouse")
	add("exporter", own("exporter"), "jetstream", "ingester")
	add("node-agent", own("node-agent"), "jetstream")
	add("worker", own("worker", "--role", "orchestrate,tools,notify"), "temporal", "clickhouse", "ingester")
	add("worker-sandbox", own("worker", "--role", "sandbox"), "temporal")
	if s.GitHub.On() {
		add("worker-github", own("worker", "--role", "github"), "temporal")
	}
	if len(s.AI.Providers) > 0 {
		add("worker-model", own("worker", "--role", "model"), "temporal")
	}
	add("worker-apply", own("worker", "--role", "apply"), "temporal")
	add("api", own("api"), "temporal", "clickhouse", "ingester")
	return parts, nil
}

// lock makes this process the only one that runs Midwatch from the data directory, and leaves its pid there.
func (in *installation) lock() (unlock func(), err error) {
	if err := in.makeDir(""); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(in.path("up.pid"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		b := make([]byte, 16)
		n, _ := f.Read(b)
		f.Close()
		return nil, fmt.Errorf("%w from %s (pid %s): stop it, or choose another --data", ErrRunning, in.settings.Data, strings.TrimSpace(string(b[:n])))
	}
	if err := errors.Join(f.Truncate(0), writeAt(f, strconv.Itoa(os.Getpid())+"\n")); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}

// running tells whether some process runs Midwatch from the data directory.
func (in *installation) running() bool {
	f, err := os.Open(in.path("up.pid"))
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB), unix.EWOULDBLOCK)
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}
