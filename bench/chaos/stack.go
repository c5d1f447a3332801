package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	api "github.com/midwatch/midwatch/api/client"
	"github.com/midwatch/midwatch/deploy/demo"
	"github.com/midwatch/midwatch/deploy/shop/judge"
	"github.com/midwatch/midwatch/deploy/shop/plan"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/seal"
	"github.com/midwatch/midwatch/workers"
	"github.com/midwatch/midwatch/workflows"
)

// fault is what the recording in the store is of. It is mended by an action on a service that tools see.
const fault = "bad-release"

// stack is a Midwatch of its own on free ports, with a past fault in its store and a scripted model.
type stack struct {
	stage    *demo.Stage // its own story, of parts that die and come back, is not told
	tell     *demo.Narrator
	model    *model
	meta     *metadata.DB // read beside the parts, and never written
	brake    *brake
	temporal client.Client
	person   *api.Client // who approves
	began    time.Time   // the recording
	turns    int         // that an undisturbed investigation takes; each is a model call
}

// start brings everything up. What takes long is told to out.
func start(ctx context.Context, bin string, out io.Writer) (s *stack, err error) {
	data, err := os.MkdirTemp("/var/tmp", "midwatch-chaos-")
	if err != nil {
		return nil, err
	}
	s = &stack{stage: &demo.Stage{Midwatch: filepath.Join(bin, "midwatch"), Data: data, Say: demo.NewNarrator(io.Discard)}, tell: demo.NewNarrator(out)}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w (logs: %s)", err, s.keep())
			s.end()
		}
	}()
	broken, err := judge.Find(plan.Default(), fault)
	if err != nil {
		return s, err
	}
	if s.model, err = newModel(broken); err != nil {
		return s, err
	}
	if s.stage.Providers, err = s.stage.ScriptedProvider(s.model.Server); err != nil {
		return s, err
	}
	ports, err := free(ctx, 7)
	if err != nil {
		return s, err
	}
	if err := s.configure(ctx, ports, broken); err != nil {
		return s, err
	}
	if err := s.stage.StartMidwatch(ctx); err != nil {
		return s, err
	}
	if err := s.connect(ctx, ports[4]); err != nil {
		return s, err
	}
	s.began = time.Now().UTC().Truncate(time.Minute).Add(-10 * time.Minute)
	s.tell.Line("storing the recording of %s, as of %s", fault, s.began.Format(time.TimeOnly))
	return s, s.feed(ctx, ports[3])
}

// configure writes a configuration in which nothing happens by itself: nothing watches this machine, and no scan raises triggers.
func (s *stack) configure(ctx context.Context, ports []string, broken judge.Fault) error {
	if err := os.WriteFile(s.path("apply.sh"), []byte(applyScript), 0o600); err != nil {
		return err
	}
	s.stage.API = ports[6]
	s.stage.Settings = map[string]any{
		"nice":       0,
		"clickhouse": map[string]any{"listen": ports[0]},
		"jetstream":  map[string]any{"listen": ports[1]},
		"ingester":   map[string]any{"grpc": ports[2], "http": ports[3]},
		"temporal":   map[string]any{"listen": ports[4], "ui_listen": ports[5]},
		"api":        map[string]any{"listen": ports[6]},
		"node_agent": map[string]any{"no_kernel": true, "no_journal": true, "environment": "this-machine"},
		"alerts":     map[string]any{"every": "24h"},
		// Every run has the same culprit; each must get its fix.
		"investigations": map[string]any{"same_culprit": "-1s"},
		"actions": []map[string]any{{
			"name": strings.ReplaceAll(broken.Action, "_", "-"), "kind": broken.Action,
			"parameters": []map[string]any{
				{"name": "service", "type": investigation.ServiceParameter},
				{"name": "run", "type": investigation.IdentifierParameter},
			},
			"command": []string{"/bin/sh", s.path("apply.sh"), "{service}", "{run}"},
		}},
	}
	return s.stage.Configure(ctx)
}

// connect opens what the harness itself uses.
func (s *stack) connect(ctx context.Context, temporal string) error {
	ring, err := seal.LoadRing(s.path("keys", "metadata"))
	if err != nil {
		return err
	}
	if s.meta, err = metadata.Open(ctx, metadata.Config{DSN: "sqlite:" + s.path("metadata.db"), Ring: ring}); err != nil {
		return err
	}
	if s.brake, err = newBrake(s.path("metadata.db")); err != nil {
		return err
	}
	id, err := pki.Load(s.path("pki"), pki.CLI)
	if err != nil {
		return err
	}
	if ring, err = seal.LoadRing(s.path("keys", "temporal")); err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler)
	if s.temporal, err = client.DialContext(ctx, workers.Options(temporal, workflows.Namespace, id.Client(pki.Temporal), ring, log)); err != nil {
		return fmt.Errorf("connect to Temporal: %w", err)
	}
	s.person, err = s.stage.Client(ctx, "approver")
	return err
}

func (s *stack) path(elem ...string) string {
	return filepath.Join(append([]string{s.stage.Data}, elem...)...)
}

// keep is where the parts' logs stay when something went wrong.
func (s *stack) keep() string {
	to := s.stage.Data + "-logs"
	_ = os.RemoveAll(to)
	_ = os.CopyFS(to, os.DirFS(s.path("logs")))
	return to
}

// end stops everything and removes the data directory.
func (s *stack) end() {
	if s.temporal != nil {
		s.temporal.Close()
	}
	if s.brake != nil {
		s.brake.release()
		_ = s.brake.db.Close()
	}
	if s.meta != nil {
		s.meta.Close()
	}
	s.stage.Stop()
	if s.model != nil {
		s.model.Close()
	}
	_ = os.RemoveAll(s.stage.Data)
}

// free is some loopback addresses that nobody has at the moment.
func free(ctx context.Context, n int) ([]string, error) {
	var addresses []string
	for range n {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // after the last: each port once
		addresses = append(addresses, l.Addr().String())
	}
	return addresses, nil
}
