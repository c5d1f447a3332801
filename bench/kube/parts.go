package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/store"
)

// installation is the way from the API server to the store, each part a process of its own as in production.
type installation struct {
	dir       string
	jetStream string // host:port
	parts     map[string]*exec.Cmd
	db        *store.DB
}

// install starts store, JetStream, ingester and the exporter that watches the cluster at api.
func install(ctx context.Context, midwatch, api string) (in *installation, err error) {
	in = &installation{parts: map[string]*exec.Cmd{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, in.close())
		}
	}()
	if in.dir, err = os.MkdirTemp("", "midwatch-bench-kube-"); err != nil {
		return in, err
	}
	certs := filepath.Join(in.dir, "data", "pki")
	if err := os.MkdirAll(certs, 0o700); err != nil {
		return in, err
	}
	if err := pki.Ensure(certs); err != nil {
		return in, err
	}
	address, err := in.configure(ctx, api)
	if err != nil {
		return in, err
	}
	for _, part := range parts {
		if err := in.start(midwatch, part); err != nil {
			return in, err
		}
	}
	id, err := pki.Load(certs, pki.CLI)
	if err != nil {
		return in, err
	}
	for deadline := time.Now().Add(startWithin); ; time.Sleep(lookEvery) {
		if in.db, err = store.Open(ctx, store.Config{Addresses: []string{address}, TLS: id.Client(pki.ClickHouse)}); err == nil {
			return in, nil
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return in, err
		}
	}
}

// parts are the processes, in the order in which they start.
var parts = []string{"clickhouse", "jetstream", "ingester", "exporter"}

const (
	startWithin = 2 * time.Minute
	lookEvery   = 100 * time.Millisecond
)

// configure writes the configuration and a kubeconfig, and returns the store's address.
func (in *installation) configure(ctx context.Context, api string) (string, error) {
	var at [4]string
	for i := range at {
		var err error
		if at[i], err = free(ctx); err != nil {
			return "", err
		}
	}
	kubeconfig := map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "bench",
		"clusters": []any{map[string]any{"name": "bench", "cluster": map[string]any{"server": api}}},
		"contexts": []any{map[string]any{"name": "bench", "context": map[string]any{"cluster": "bench", "user": ""}}},
	}
	config := map[string]any{
		"environment": "bench",
		"clickhouse":  map[string]any{"listen": at[0]}, "jetstream": map[string]any{"listen": at[1]},
		"ingester": map[string]any{"grpc": at[2], "http": at[3]},
		"exporter": map[string]any{"kubeconfig": filepath.Join(in.dir, "kubeconfig")},
	}
	for name, content := range map[string]any{"kubeconfig": kubeconfig, "midwatch.yaml": config} {
		b, err := yaml.Marshal(content)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(in.dir, name), b, 0o600); err != nil {
			return "", err
		}
	}
	in.jetStream = at[1]
	return at[0], nil
}

func free(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func (in *installation) start(midwatch, part string) error {
	cmd := exec.Command(midwatch, part, "--data", filepath.Join(in.dir, "data"), "--config", filepath.Join(in.dir, "midwatch.yaml"), //nolint:noctx // ended by close
		"--log-level", "warn", "--wait", startWithin.String())
	cmd.Stderr, cmd.SysProcAttr = os.Stderr, &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w (make build)", part, err)
	}
	in.parts[part] = cmd
	return nil
}

func (in *installation) close() error {
	if in.db != nil {
		_ = in.db.Close()
	}
	for _, part := range []string{"exporter", "ingester", "jetstream", "clickhouse"} {
		if cmd := in.parts[part]; cmd != nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // "signal: killed"
		}
	}
	return os.RemoveAll(in.dir)
}

// usage is what a process took so far.
type usage struct {
	cpu  time.Duration
	peak float64 // resident memory at its highest, MB
}

func (in *installation) usages() (map[string]usage, error) {
	out := map[string]usage{}
	for _, part := range parts {
		u, err := in.usage(part)
		if err != nil {
			return nil, err
		}
		out[part] = u
	}
	return out, nil
}

func (in *installation) usage(part string) (u usage, err error) {
	proc := fmt.Sprintf("/proc/%d/", in.parts[part].Process.Pid)
	b, err := os.ReadFile(proc + "stat")
	if err != nil {
		return u, fmt.Errorf("the %s ended: %w", part, err)
	}
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	for _, i := range []int{11, 12} { // user and system time, in hundredths of a second
		ticks, err := strconv.Atoi(fields[i])
		if err != nil {
			return u, err
		}
		u.cpu += time.Duration(ticks) * 10 * time.Millisecond
	}
	if b, err = os.ReadFile(proc + "status"); err != nil {
		return u, err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err != nil {
				return u, err
			}
			u.peak = kb / 1000
		}
	}
	return u, nil
}
