package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/seal"
	"github.com/midwatch/midwatch/workers"
	"github.com/midwatch/midwatch/workflows"
)

// temporal is an embedded Temporal of its own, as `midwatch up` starts it.
type temporal struct {
	client client.Client
	cmd    *exec.Cmd
	dir    string
}

// readyWithin is how long a start may take on a busy machine.
const readyWithin = time.Minute

// startTemporal starts the program with a new database and waits until it serves.
func startTemporal(ctx context.Context, program string) (t *temporal, err error) {
	dir, err := os.MkdirTemp("", "midwatch-bench-")
	if err != nil {
		return nil, err
	}
	t = &temporal{dir: dir}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.stop())
		}
	}()
	if err := pki.Ensure(filepath.Join(dir, "pki")); err != nil {
		return t, err
	}
	listen, err := free(ctx)
	if err != nil {
		return t, err
	}
	ui, err := free(ctx)
	if err != nil {
		return t, err
	}
	if err := t.start(ctx, program, listen, ui); err != nil {
		return t, err
	}
	id, err := pki.Load(filepath.Join(dir, "pki"), pki.Worker)
	if err != nil {
		return t, err
	}
	ring, err := seal.LoadRing(filepath.Join(dir, "key"))
	if err != nil {
		return t, err
	}
	t.client, err = client.DialContext(ctx, workers.Options(listen, workflows.Namespace, id.Client(pki.Temporal), ring, quiet()))
	return t, err
}

// start runs the program, which says on a pipe when it serves.
func (t *temporal) start(ctx context.Context, program, listen, ui string) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	t.cmd = exec.CommandContext(context.WithoutCancel(ctx), program, "--db", filepath.Join(t.dir, "temporal.db"), "--pki", filepath.Join(t.dir, "pki"),
		"--listen", listen, "--ui-listen", ui)
	t.cmd.Stderr, t.cmd.ExtraFiles, t.cmd.Env = os.Stderr, []*os.File{w}, append(os.Environ(), "MIDWATCH_READY_FD=3")
	err = t.cmd.Start()
	_ = w.Close()
	if err != nil {
		t.cmd = nil
		return fmt.Errorf("start Temporal: %w (make build)", err)
	}
	if err := r.SetReadDeadline(time.Now().Add(readyWithin)); err != nil {
		return err
	}
	if _, err := r.Read(make([]byte, 1)); err != nil {
		return fmt.Errorf("Temporal did not become ready: %w", err) //nolint:staticcheck // a name
	}
	return nil
}

// stop ends the program in order and removes its files.
func (t *temporal) stop() error {
	if t.client != nil {
		t.client.Close()
	}
	if t.cmd != nil {
		_ = t.cmd.Process.Signal(syscall.SIGTERM)
		_ = t.cmd.Wait() // how it ends says nothing about what was measured
	}
	return os.RemoveAll(t.dir)
}

// free is a loopback address that nobody has at the moment.
func free(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}
