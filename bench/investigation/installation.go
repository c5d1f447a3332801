package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"go.temporal.io/sdk/client"
	"gopkg.in/yaml.v3"

	"github.com/midwatch/midwatch/collector/recording"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/llmtest"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/seal"
	"github.com/midwatch/midwatch/workers"
	"github.com/midwatch/midwatch/workflows"
)

// environment is that of the telemetry that is investigated.
const environment = "demo"

// installation is a whole Midwatch as `midwatch up` starts it, on ports and in a directory of its own. What its node agent sees
// of this machine goes elsewhere; what is investigated is a recording, in the real store. Its model is a script.
type installation struct {
	dir      string
	up       *exec.Cmd
	ended    chan struct{} // closed when it did
	model    *scripted
	server   *llmtest.Server
	db       *metadata.DB
	temporal client.Client
	fault    investigation.Window
	healthy  investigation.Window
}

// install starts Midwatch, lists the model in the environment's policy and stores a recording as if it had ended recordedAgo.
func install(ctx context.Context, midwatch, file string) (in *installation, err error) {
	in = &installation{model: &scripted{}, ended: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, in.close())
		}
	}()
	if in.dir, err = os.MkdirTemp("", "midwatch-bench-"); err != nil {
		return in, err
	}
	if in.server, err = llmtest.Anthropic(in.model.answer); err != nil {
		return in, err
	}
	entry, err := in.server.Entry(in.dir)
	if err != nil {
		return in, err
	}
	listen, err := in.configure(ctx, entry)
	if err != nil {
		return in, err
	}
	if err := in.start(ctx, midwatch); err != nil {
		return in, err
	}
	if err := in.connect(ctx, listen["temporal"]); err != nil {
		return in, err
	}
	if err := in.db.PutAIPolicy(ctx, policy(entry)); err != nil {
		return in, err
	}
	return in, in.store(ctx, "https://"+listen["otlp"], file)
}

// policy lets the model see all that there is.
func policy(entry llm.ProviderConfig) llm.Policy {
	return llm.Policy{
		Environment: environment, Enabled: true, Providers: []string{entry.Name},
		DataTypes: []investigation.DataType{investigation.Logs, investigation.Metrics, investigation.Traces, investigation.Profiling, investigation.Configuration, investigation.Cluster},
		Confirmed: []llm.Confirmation{{Provider: entry.Name, Terms: entry.Terms, By: "bench"}},
	}
}

func (in *installation) config() string { return filepath.Join(in.dir, "midwatch.yaml") }

// configure writes a configuration with free ports, and returns the addresses.
func (in *installation) configure(ctx context.Context, entry llm.ProviderConfig) (map[string]string, error) {
	listen := map[string]string{}
	for _, name := range []string{"store", "jetstream", "grpc", "otlp", "temporal", "ui", "api"} {
		address, err := free(ctx)
		if err != nil {
			return nil, err
		}
		listen[name] = address
	}
	section := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	b, err := yaml.Marshal(map[string]any{
		"environment": environment, "node_agent": section("environment", "this-machine"),
		"clickhouse": section("listen", listen["store"]), "jetstream": section("listen", listen["jetstream"]),
		"ingester": section("grpc", listen["grpc"], "http", listen["otlp"]), "api": section("listen", listen["api"]),
		"temporal": section("listen", listen["temporal"], "ui_listen", listen["ui"]),
		"ai": map[string]any{"providers": []map[string]any{{
			"name": entry.Name, "kind": entry.Kind, "account": entry.Account, "model": entry.Model, "terms": entry.Terms,
			"base_url": entry.BaseURL, "key_file": entry.KeyFile, "price": map[string]float64{"input": entry.Price.Input, "output": entry.Price.Output},
		}}},
	})
	if err != nil {
		return nil, err
	}
	return listen, os.WriteFile(in.config(), b, 0o600)
}

// start starts the program and waits until it says that it is up.
func (in *installation) start(ctx context.Context, midwatch string) error {
	in.up = exec.CommandContext(context.WithoutCancel(ctx), midwatch, "up", "--data", filepath.Join(in.dir, "data"), "--config", in.config(), "--log-level", "warn")
	in.up.Stderr, in.up.SysProcAttr = os.Stderr, &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for this program, which then ends the others
	out, err := in.up.StdoutPipe()
	if err != nil {
		return err
	}
	if err := in.up.Start(); err != nil {
		in.up = nil
		return fmt.Errorf("start Midwatch: %w (make build)", err)
	}
	ready := make(chan struct{})
	go func() {
		defer close(in.ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "Midwatch is up") {
				close(ready)
			}
		}
		_ = in.up.Wait() // how it ends says nothing about what was measured
	}()
	select {
	case <-ready:
		return nil
	case <-in.ended:
		return errors.New("Midwatch ended before it was ready") //nolint:staticcheck // a name
	case <-time.After(3 * readyWithin):
		return fmt.Errorf("Midwatch is not ready after %s", 3*readyWithin) //nolint:staticcheck // a name
	case <-ctx.Done():
		return ctx.Err()
	}
}

// connect opens what the parts share.
func (in *installation) connect(ctx context.Context, temporal string) error {
	data := filepath.Join(in.dir, "data")
	ring, err := seal.LoadRing(filepath.Join(data, "keys", "metadata"))
	if err != nil {
		return err
	}
	if in.db, err = metadata.Open(ctx, metadata.Config{DSN: "sqlite:" + filepath.Join(data, "metadata.db"), Ring: ring}); err != nil {
		return err
	}
	if ring, err = seal.LoadRing(filepath.Join(data, "keys", "temporal")); err != nil {
		return err
	}
	id, err := pki.Load(filepath.Join(data, "pki"), pki.API)
	if err != nil {
		return err
	}
	in.temporal, err = client.DialContext(ctx, workers.Options(temporal, workflows.Namespace, id.Client(pki.Temporal), ring, quiet()))
	return err
}

// The recording: healthy time, then the fault. It is put so far into the past that the watch, which looks at the last
// minutes, raises nothing by itself.
const (
	recordedHealthy = 28 * time.Second
	recordedLength  = 75 * time.Second
	recordedAgo     = 15 * time.Minute
)

func (in *installation) store(ctx context.Context, otlp, file string) error {
	start := time.Now().UTC().Add(-recordedAgo - recordedLength)
	in.healthy = investigation.Window{From: start, To: start.Add(recordedHealthy)}
	in.fault = investigation.Window{From: in.healthy.To, To: start.Add(recordedLength)}
	id, err := pki.Load(filepath.Join(in.dir, "data", "pki"), pki.CLI)
	if err != nil {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	transport := &http.Transport{TLSClientConfig: id.Client(pki.Ingester)}
	defer transport.CloseIdleConnections()
	return recording.Upload(ctx, &http.Client{Transport: transport, Timeout: time.Minute}, otlp, func(to func(recording.Batch) error) error {
		return recording.Each(f, start, to)
	})
}

// close stops everything, in order, and removes its files.
func (in *installation) close() error {
	if in.temporal != nil {
		in.temporal.Close()
	}
	if in.db != nil {
		_ = in.db.Close()
	}
	if in.up != nil {
		_ = in.up.Process.Signal(syscall.SIGTERM)
		<-in.ended
	}
	if in.server != nil {
		in.server.Close()
	}
	return os.RemoveAll(in.dir)
}
