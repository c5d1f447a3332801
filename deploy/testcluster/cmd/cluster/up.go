package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/midwatch/midwatch/deploy/testcluster"
)

// up starts `cluster run` in a session of its own and shows what it says until the cluster is ready.
func (o options) up(ctx context.Context, images []string) error {
	if err := os.MkdirAll(filepath.Join(o.dir, "logs"), 0o700); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := append([]string{"-dir", o.dir, "-programs", o.programs, "run"}, images...)
	cmd := exec.CommandContext(context.Background(), self, args...) // it outlives this program
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	log, err := os.Create(filepath.Join(o.dir, "logs", "cluster.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stderr = log // not this program's, whose readers would wait for the cluster's end
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		fmt.Println(lines.Text())
		if lines.Text() == ready {
			fmt.Printf("  export KUBECONFIG=%s/kubeconfig, or make kubectl ARGS=\"get pods -A\"; make cluster-down ends it\n", o.dir)
			return nil
		}
	}
	_ = cmd.Wait()
	why, err := os.ReadFile(log.Name())
	return errors.Join(fmt.Errorf("the cluster did not start: %s", bytes.TrimSpace(why)), err)
}

// ready is the line that ends what `cluster run` says.
const ready = "  ready"

func (o options) foreground(ctx context.Context, images []string) error {
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: brief}))
	c, err := testcluster.New(testcluster.Config{Dir: o.dir, Programs: o.programs, Images: images, Log: log})
	if err != nil {
		return err
	}
	if err := c.Start(ctx); err != nil {
		return err
	}
	fmt.Println(ready)
	<-ctx.Done()
	return c.Stop()
}

// brief leaves out what a person at a terminal does not need.
func brief(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
		return slog.Attr{}
	}
	return a
}

func (o options) down() error { return testcluster.Down(o.dir) }
