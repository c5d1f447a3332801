package cgroup

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// found is where groups can be had on this machine, whatever its version.
func found(t *testing.T) *Parent {
	t.Helper()
	p, err := Find()
	if err != nil {
		t.Skip(err) // an ordinary user without a delegated group
	}
	return p
}

func group(t *testing.T, limits Limits) *Group {
	t.Helper()
	g, err := found(t).New(limits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g
}

// run runs a command in g to its end; what it says goes to a file, which processes that stay behind do not hold up.
func run(t *testing.T, g *Group, argv ...string) (said string, err error) {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := g.Start(cmd); err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	b, readErr := os.ReadFile(out.Name())
	if readErr != nil {
		t.Fatal(readErr)
	}
	return string(b), err
}

// eat makes a command that fills so many megabytes of memory.
func eat(megabytes int) []string {
	return []string{"dd", "if=/dev/zero", "of=/dev/null", "count=1", fmt.Sprintf("bs=%dM", megabytes)}
}

func TestMemoryBeyondTheLimitIsKilledAndTold(t *testing.T) {
	g := group(t, Limits{Memory: 64 << 20, Pids: 8})
	if said, err := run(t, g, eat(16)...); err != nil || g.OutOfMemory() {
		t.Fatalf("within the limit: %v, told: %v: %s", err, g.OutOfMemory(), said)
	}
	_, err := run(t, g, eat(256)...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL || !g.OutOfMemory() {
		t.Errorf("beyond the limit: %v, told: %v", err, g.OutOfMemory())
	}
}

func TestProcessesBeyondTheLimitCannotBeMade(t *testing.T) {
	const most = 8
	g := group(t, Limits{Memory: 256 << 20, Pids: most})
	said, err := run(t, g, "sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do sleep 600 & done; echo all made")
	if err == nil || !strings.Contains(strings.ToLower(said), "fork") {
		t.Errorf("got %v, %q, want a fork that fails", err, said)
	}
	if n := len(members(t, g)); n == 0 || n > most {
		t.Errorf("%d processes in the group, want 1 to %d", n, most)
	}
}

func TestCloseKillsWhatIsLeftAndRemovesTheGroup(t *testing.T) {
	g := group(t, Limits{Memory: 256 << 20, Pids: 16})
	if said, err := run(t, g, "sh", "-c", "sleep 600 & sleep 600 &"); err != nil {
		t.Fatal(err, said)
	}
	left, dirs := members(t, g), names(g)
	if len(left) != 2 {
		t.Fatalf("%d processes stayed, want 2", len(left))
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", dir, err)
		}
	}
	for _, pid := range left {
		if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && !strings.Contains(string(stat), ") Z ") {
			t.Errorf("process %d lives: %s", pid, stat)
		}
	}
}

// What a process starts is in the group, and the thread that started it is not, whatever the version.
func TestAProcessIsInItsGroupFromTheStart(t *testing.T) {
	for _, g := range everyVersion(t) {
		t.Run(g.parent.String(), func(t *testing.T) {
			said, err := run(t, g, "sh", "-c", "cat /proc/self/cgroup; true") // cat is the shell's child
			if err != nil {
				t.Fatal(err)
			}
			for _, dir := range names(g) {
				if !strings.Contains(said, "/"+filepath.Base(dir)+"\n") {
					t.Errorf("not in %s:\n%s", dir, said)
				}
			}
			threads, err := filepath.Glob("/proc/self/task/*/cgroup")
			if err != nil || len(threads) == 0 {
				t.Fatal(threads, err)
			}
			for _, thread := range threads {
				if b, err := os.ReadFile(thread); err == nil && strings.Contains(string(b), prefix) {
					t.Errorf("%s stayed in a group:\n%s", thread, b)
				}
			}
			if said, err := run(t, g, "sh", "-c", "sleep 600 &"); err != nil {
				t.Fatal(err, said)
			}
			if err := g.Close(); err != nil {
				t.Errorf("with a process left: %v", err)
			}
		})
	}
}

// everyVersion makes a group in each version that is mounted. Version 2 bounds nothing where version 1 has the controllers; starting in
// it and removing it are the same.
func everyVersion(t *testing.T) []*Group {
	t.Helper()
	all := []*Group{group(t, Limits{Memory: 256 << 20, Pids: 16})}
	here, err := read("/proc/self")
	if err != nil {
		t.Fatal(err)
	}
	if dir := here[""]; all[0].parent.version == 1 && dir != "" {
		made, err := claim(dir)
		if err != nil {
			t.Fatal(err)
		}
		g := &Group{parent: &Parent{version: 2, dirs: []string{dir}}, dirs: []*os.File{made}}
		t.Cleanup(func() { _ = g.Close() })
		all = append(all, g)
	}
	return all
}

func TestAGroupWithAnOwnerIsNotSwept(t *testing.T) {
	g := group(t, Limits{Memory: 64 << 20, Pids: 8})
	forgotten := group(t, Limits{Memory: 64 << 20, Pids: 8})
	for _, dir := range forgotten.dirs { // as the kernel does with those of a dead process
		if err := unix.Flock(int(dir.Fd()), unix.LOCK_UN); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.parent.sweep(); err != nil {
		t.Fatal(err)
	}
	for i := range g.dirs {
		if _, err := os.Stat(g.dir(i)); err != nil {
			t.Errorf("a group in use was swept: %v", err)
		}
		if _, err := os.Stat(forgotten.dir(i)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a group without an owner was not swept: %v", err)
		}
	}
}

// Engines that start while others work take nothing from them.
func TestSweepsAndNewGroupsDoNotDisturbEachOther(t *testing.T) {
	p := found(t)
	stop, swept := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				swept <- nil
				return
			default:
				if err := p.sweep(); err != nil {
					swept <- err
					return
				}
			}
		}
	}()
	for range 200 {
		g, err := p.New(Limits{Memory: 64 << 20, Pids: 8})
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	if err := <-swept; err != nil {
		t.Error(err)
	}
}

func names(g *Group) (dirs []string) {
	for i := range g.dirs {
		dirs = append(dirs, g.dir(i))
	}
	return dirs
}

// members lists the processes in g.
func members(t *testing.T, g *Group) (pids []int) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(g.dir(len(g.dirs)-1), "cgroup.procs"))
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range strings.Fields(string(b)) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}
