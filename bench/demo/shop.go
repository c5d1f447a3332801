package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/midwatch/midwatch/deploy/shop/control"
	"github.com/midwatch/midwatch/deploy/shop/home"
	"github.com/midwatch/midwatch/deploy/shop/plan"
)

func (o options) shopDir() string { return filepath.Join(o.dir, "shop") }

// shop is one running demo shop.
type shop struct {
	*control.Shop
	up *exec.Cmd
}

// startShop runs a shop with the names of p and returns when it serves under load.
func startShop(ctx context.Context, o options, p plan.Plan) (*shop, error) {
	if err := os.MkdirAll(o.shopDir(), 0o755); err != nil {
		return nil, fmt.Errorf("start shop: %w", err)
	}
	names := filepath.Join(o.dir, "names.yaml")
	if err := p.Save(names); err != nil {
		return nil, fmt.Errorf("start shop: %w", err)
	}
	up := exec.CommandContext(ctx, o.program, "up", "--dir", o.shopDir(), "--names", names)
	up.Cancel = func() error { return up.Process.Signal(os.Interrupt) }
	up.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var problems strings.Builder
	up.Stderr = &problems
	stdout, err := up.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start shop: %w", err)
	}
	if err := up.Start(); err != nil {
		return nil, fmt.Errorf("start shop: %w: build it with make build", err)
	}
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		return nil, fmt.Errorf("start shop: %w: %s", errors.Join(err, up.Wait()), problems.String())
	}
	s, err := control.Open(home.Dir(o.shopDir()))
	if err != nil {
		return nil, errors.Join(err, (&shop{up: up}).close())
	}
	return &shop{s, up}, nil
}

// close stops the shop; nothing of it is left.
func (s *shop) close() error {
	if err := s.up.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	return s.up.Wait()
}
