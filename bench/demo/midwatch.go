package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/midwatch/midwatch/api/client"
	"github.com/midwatch/midwatch/internal/auth/pki"
)

// upWithin is how long Midwatch may take to start, its first start on a busy machine included.
const upWithin = 3 * time.Minute

// midwatch is the installation that is measured.
type midwatch struct {
	*client.Client
	up *exec.Cmd // nil when it was running already
}

// openMidwatch connects to the Midwatch of -url, or starts one in a directory of its own.
func openMidwatch(ctx context.Context, o options) (*midwatch, error) {
	if o.url == "" {
		return startMidwatch(ctx, o)
	}
	token, err := os.ReadFile(o.tokenFile)
	if err != nil {
		return nil, fmt.Errorf("read token: %w: give -token-file", err)
	}
	return connect(o.url, o.data, strings.TrimSpace(string(token)))
}

func connect(url, data, token string) (*midwatch, error) {
	trust, err := pki.Trust(filepath.Join(data, "pki"), pki.API)
	if err != nil {
		return nil, err
	}
	return &midwatch{Client: client.New(url, trust, token)}, nil
}

func startMidwatch(ctx context.Context, o options) (*midwatch, error) {
	data := filepath.Join(o.dir, "midwatch")
	if err := os.RemoveAll(data); err != nil {
		return nil, fmt.Errorf("start midwatch: %w", err)
	}
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return nil, fmt.Errorf("start midwatch: %w", err)
	}
	config := filepath.Join(o.dir, "midwatch.yaml")
	text := fmt.Sprintf("node_agent:\n  logs:\n    - path: %s\n", filepath.Join(o.shopDir(), "logs", "*.log"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("start midwatch: %w", err)
	}
	up := exec.Command(o.midwatch, "up", "--data", data, "--config", config) //nolint:noctx // close ends it, in order
	up.Stderr = os.Stderr
	up.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for this program, which then ends the others
	stdout, err := up.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start midwatch: %w", err)
	}
	if err := up.Start(); err != nil {
		return nil, fmt.Errorf("start midwatch: %w: build it with make build", err)
	}
	url, token, err := greeting(ctx, stdout)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start midwatch: %w", err), (&midwatch{up: up}).close())
	}
	m, err := connect(url, data, token)
	if err != nil {
		return nil, errors.Join(err, (&midwatch{up: up}).close())
	}
	m.up = up
	return m, nil
}

// greeting waits for what `midwatch up` prints once it is ready, and keeps reading so that it never blocks.
func greeting(ctx context.Context, stdout io.Reader) (url, token string, err error) {
	type found struct{ url, token string }
	ready := make(chan found, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var f found
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			words := strings.Fields(lines.Text())
			switch {
			case len(words) >= 3 && words[0] == "web" && words[1] == "UI":
				f.url = words[2]
			case len(words) >= 3 && words[0] == "admin" && words[1] == "token":
				f.token = words[2]
				ready <- f
			}
		}
	}()
	select {
	case f := <-ready:
		return f.url, f.token, nil
	case <-ended:
		return "", "", errors.New("it ended before it was ready")
	case <-time.After(upWithin):
		return "", "", fmt.Errorf("not ready after %s", upWithin)
	case <-ctx.Done():
		return "", "", ctx.Err()
	}
}

// close stops the Midwatch that was started here.
func (m *midwatch) close() error {
	if m.up == nil {
		return nil
	}
	if err := m.up.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	return m.up.Wait()
}
