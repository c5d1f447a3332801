package native_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/sandbox/cgroup"
	"github.com/midwatch/midwatch/sandbox/contract"
	"github.com/midwatch/midwatch/sandbox/escapetest"
	"github.com/midwatch/midwatch/sandbox/native"
)

// hangIn makes the test binary a process whose engine runs a step of the named program that never answers.
const hangIn = "MIDWATCH_HANG_IN"

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(hangIn) != "":
		hang(os.Getenv(hangIn))
	case os.Getenv(asPod) != "":
		fmt.Print("become a container: ", becomePod(os.Getenv(asPod) == "filter"))
	case os.Getenv(checkIn) != "":
		check(os.Getenv(checkIn))
	default:
		os.Exit(m.Run())
	}
}

// hang runs a step that never answers.
func hang(program string) {
	e, err := native.New(native.Config{Program: program, Timeout: time.Hour})
	if err == nil {
		_, err = e.Run(context.Background(), contract.Request{Step: &investigation.Transcript{Request: investigation.Request{Question: "hang"}}})
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// An engine's process that is killed takes its step with it, and leaves a control group that the next engine removes.
func TestAKilledEngineLeavesNothingForLong(t *testing.T) {
	if _, err := cgroup.Find(); err != nil {
		t.Skip(err)
	}
	program := escapetest.Build(t)
	victim := exec.CommandContext(t.Context(), "/proc/self/exe")
	victim.Env = append(os.Environ(), hangIn+"="+program)
	victim.Stderr = os.Stderr
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	groups := stepGroups(t, victim.Process.Pid)
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait()
	for _, dir := range groups {
		if _, err := os.Stat(dir); err != nil {
			t.Fatalf("the group went with its engine, nothing is tested: %v", err)
		}
		awaitEmpty(t, dir)
	}
	engine(t, program, time.Second)
	for _, dir := range groups {
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", dir, err)
		}
	}
}

// awaitEmpty waits until the step died of its engine's death. Until it is executed it holds what the engine held open, the lock included.
func awaitEmpty(t *testing.T, dir string) {
	t.Helper()
	for until := time.Now().Add(time.Minute); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		if procs, err := os.ReadFile(filepath.Join(dir, "cgroup.procs")); err == nil && len(procs) == 0 {
			return
		}
	}
	t.Fatalf("the step in %s outlived its engine", dir)
}

// stepGroups waits for a process's step and returns the directories of its control groups.
func stepGroups(t *testing.T, parent int) []string {
	t.Helper()
	for until := time.Now().Add(time.Minute); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		children, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", parent))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range children {
			pids, _ := os.ReadFile(file)
			for _, pid := range strings.Fields(string(pids)) {
				if dirs := groupsOf(t, pid); len(dirs) > 0 {
					return dirs
				}
			}
		}
	}
	t.Fatal("the engine started no step in a control group")
	return nil
}

// groupsOf lists the groups of steps that a process is in.
func groupsOf(t *testing.T, pid string) (dirs []string) {
	t.Helper()
	b, _ := os.ReadFile("/proc/" + pid + "/cgroup")
	for line := range strings.Lines(string(b)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 || !strings.Contains(parts[2], "/midwatch-step-") {
			continue
		}
		for _, root := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/*"} {
			found, err := filepath.Glob(root + parts[2])
			if err != nil {
				t.Fatal(err)
			}
			dirs = append(dirs, found...)
		}
	}
	return dirs
}
