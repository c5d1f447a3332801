package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// part is a process that can be killed.
type part string

// The parts. Their names are what demo.Stage.Part wants, but for the analyst's.
const (
	orchestrate part = "worker" // the roles orchestrate, tools and notify
	sandboxRole part = "worker --role sandbox"
	modelRole   part = "worker --role model"
	applyRole   part = "worker --role apply"
	theAPI      part = "api"
	workflow    part = "temporal"
	theStore    part = "clickhouse"
	analyst     part = "midwatch-analyst" // a sandboxed process: there is one while a step runs
)

// String is what a part is called in the output.
func (p part) String() string {
	switch p {
	case orchestrate:
		return "worker"
	case theStore:
		return "store"
	}
	return strings.ReplaceAll(string(p), " --role ", "-")
}

// pid waits until a part runs.
func (s *stack) pid(ctx context.Context, p part) (pid int, err error) {
	err = await(ctx, fmt.Sprintf("a process of %s", p), func() (ok bool, err error) {
		pid, ok = s.stage.Part(string(p))
		return ok, nil
	})
	return pid, err
}

// step is something to be done, or to be waited for, on the way to a kill.
type step func(context.Context) error

// inOrder does one after the other until one fails.
func inOrder(ctx context.Context, steps ...step) error {
	for _, do := range steps {
		if err := do(ctx); err != nil {
			return err
		}
	}
	return nil
}

// kill ends a part as the kernel would for want of memory, and returns when it is gone. It fails if there was nothing to kill.
func (s *stack) kill(p part) step {
	return func(ctx context.Context) error {
		pid, err := s.pid(ctx, p)
		if err != nil {
			return err
		}
		return slay(ctx, pid)
	}
}

func slay(ctx context.Context, pid int) error {
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill %d: %w", pid, err)
	}
	return await(ctx, fmt.Sprintf("the end of process %d", pid), func() (bool, error) {
		state := stateOf(pid)
		return state == "" || state == "Z", nil
	})
}

// freeze stops a process; what it was doing stays as it is until thaw or a kill.
func freeze(ctx context.Context, pid int) error {
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return fmt.Errorf("stop %d: %w", pid, err)
	}
	return await(ctx, fmt.Sprintf("process %d to stand still", pid), func() (bool, error) {
		switch stateOf(pid) {
		case "", "Z":
			return false, fatal{errGone}
		case "T":
			return true, nil
		}
		return false, nil
	})
}

var errGone = errors.New("the process ended first")

func thaw(pid int) { _ = syscall.Kill(pid, syscall.SIGCONT) }

// stateOf is the state of a process as its stat file says: R, S, D, T, Z; "" when there is none.
func stateOf(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	state, _, _ := strings.Cut(rest, " ")
	return state
}

// sandboxed lists the sandboxed processes that run.
func sandboxed(role int) []int {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", role))
	if err != nil {
		return nil
	}
	var pids []int
	for _, file := range files {
		list, _ := os.ReadFile(file) // threads end
		for _, word := range strings.Fields(string(list)) {
			pid, err := strconv.Atoi(word)
			if err != nil {
				continue
			}
			args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			if strings.HasPrefix(string(args), string(analyst)+"\x00") {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

const (
	// patience bounds every wait, on a machine with much else to do.
	patience = 90 * time.Second
	// glance is how often a condition is looked at: a sandboxed step lasts some ten milliseconds.
	glance = 2 * time.Millisecond
)

// fatal is an error that ends a wait; any other means "not yet".
type fatal struct{ error }

func (f fatal) Unwrap() error { return f.error }

// await polls until done says so.
func await(ctx context.Context, what string, done func() (bool, error)) error {
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for until := time.Now().Add(patience); ; {
		ok, err := done()
		var end fatal
		switch {
		case errors.As(err, &end):
			return fmt.Errorf("wait for %s: %w", what, end.error)
		case ok && err == nil:
			return nil
		case time.Now().After(until):
			return errors.Join(fmt.Errorf("waited %s for %s in vain", patience, what), err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}
