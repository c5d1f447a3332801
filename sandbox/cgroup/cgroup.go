// Package cgroup bounds the memory and the processes of one sandboxed step by a control group of its own, where one can be had: in a
// delegated group of version 2, or in the memory and pids hierarchies of version 1. Groups are made for a step and removed with it.
package cgroup

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ErrNone means that this process may create no group that bounds memory and pids.
var ErrNone = errors.New("no control group can be had")

// Limits of a group.
type Limits struct {
	Memory int64 // bytes, what is swapped out included
	Pids   int   // processes and threads
}

// Parent is where groups are made. Safe for concurrent use.
type Parent struct {
	version int
	dirs    []string // v2: one; v1: of memory, then of pids
}

// String says where the groups are: "cgroup v2, /sys/fs/cgroup/…".
func (p *Parent) String() string { return fmt.Sprintf("cgroup v%d, %s", p.version, p.dirs[0]) }

// Group is one step's. Close it when the step is over.
type Group struct {
	parent *Parent
	dirs   []*os.File // as in the parent, each locked for as long as its owner lives
}

// New makes an empty group with limits.
func (p *Parent) New(limits Limits) (*Group, error) {
	g := &Group{parent: p}
	for _, dir := range p.dirs {
		made, err := claim(dir)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%w: %w", ErrNone, err), g.Close())
		}
		g.dirs = append(g.dirs, made)
	}
	if err := g.limit(limits); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", ErrNone, err), g.Close())
	}
	return g, nil
}

// limit writes the limits. Those of swap are missing on machines whose kernel does not count it; then nothing of a group is swapped apart.
func (g *Group) limit(limits Limits) error {
	memory, pids := strconv.FormatInt(limits.Memory, 10), strconv.Itoa(limits.Pids)
	if g.parent.version == 2 {
		return errors.Join(write(g.dir(0), "memory.max", memory), writeIfThere(g.dir(0), "memory.swap.max", "0"),
			writeIfThere(g.dir(0), "memory.oom.group", "1"), write(g.dir(0), "pids.max", pids))
	}
	return errors.Join(write(g.dir(0), "memory.limit_in_bytes", memory), writeIfThere(g.dir(0), "memory.memsw.limit_in_bytes", memory),
		write(g.dir(1), "pids.max", pids))
}

// Start starts cmd inside the group: it is there before its first instruction, and so is all that it starts.
func (g *Group) Start(cmd *exec.Cmd) error {
	if g.parent.version == 2 {
		return g.startV2(cmd)
	}
	return g.startV1(cmd)
}

// OutOfMemory tells whether something in the group was killed because it reached the limit of memory.
func (g *Group) OutOfMemory() bool {
	file := "memory.oom_control"
	if g.parent.version == 2 {
		file = "memory.events"
	}
	b, _ := os.ReadFile(filepath.Join(g.dir(0), file))
	for line := range strings.Lines(string(b)) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(line), "oom_kill "); ok {
			return n != "0"
		}
	}
	return false
}

// Close kills what is left in the group and removes it.
func (g *Group) Close() error {
	var errs []error
	for _, dir := range g.dirs {
		errs = append(errs, remove(dir))
	}
	g.dirs = nil
	return errors.Join(errs...)
}

func (g *Group) dir(i int) string { return g.dirs[i].Name() }

// removeWithin is how long is waited for killed processes to be gone.
const removeWithin = 5 * time.Second

// remove kills what is left in a group's directory, removes it and lets go of it.
func remove(dir *os.File) error {
	defer dir.Close()
	for deadline := time.Now().Add(removeWithin); ; time.Sleep(time.Millisecond) {
		err := os.Remove(dir.Name())
		if err == nil || errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("remove control group: %w", err)
		}
		kill(dir.Name())
	}
}

func kill(dir string) {
	b, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if err != nil {
		return
	}
	for _, pid := range strings.Fields(string(b)) {
		if n, err := strconv.Atoi(pid); err == nil && n > 0 {
			_ = unix.Kill(n, unix.SIGKILL)
		}
	}
}

func write(dir, file, value string) error {
	return os.WriteFile(filepath.Join(dir, file), []byte(value), 0o600)
}

func writeIfThere(dir, file, value string) error {
	if err := write(dir, file, value); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
