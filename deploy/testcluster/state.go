package testcluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// state is what Down needs to know of a cluster whose launcher may be gone.
type state struct {
	Launcher identity `json:"launcher"`
	Node     identity `json:"node"`
	Groups   []string `json:"groups"`
}

// identity names a process for good: its number may be another's later, its number and start time never.
type identity struct {
	PID   int    `json:"pid"`
	Start string `json:"start"` // clock ticks since boot
}

func self() identity { return identify(os.Getpid()) }

// identify reads a process's start time; a process that is gone has none.
func identify(pid int) identity {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return identity{PID: pid}
	}
	// The name in brackets may hold anything; what follows the last bracket begins with the third field.
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	if len(f) < 20 || f[0] == "Z" {
		return identity{PID: pid}
	}
	return identity{PID: pid, Start: f[19]}
}

func (id identity) alive() bool { return id.Start != "" && identify(id.PID) == id }

func writeState(dir string, s state) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "state.json"), b, 0o600)
}

func readState(dir string) (state, error) {
	var s state
	b, err := os.ReadFile(filepath.Join(dir, "state.json"))
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(b, &s)
}

// Down ends the cluster whose directory is dir, also one whose launcher was killed. No error if there is none.
func Down(dir string) error {
	s, err := readState(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the state of the cluster in %s: %w", dir, err)
	}
	for _, p := range []struct {
		identity
		signal syscall.Signal
	}{{s.Launcher, syscall.SIGTERM}, {s.Node, 0}} { // the node ends by itself when its launcher is gone
		deadline := time.Now().Add(stopTimeout)
		for first := true; p.alive(); first = false {
			if first && p.PID != os.Getpid() {
				_ = syscall.Kill(p.PID, p.signal)
			}
			if time.Now().After(deadline) {
				_ = syscall.Kill(p.PID, syscall.SIGKILL)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	return errors.Join(removeGroups(s.Groups), clear(dir))
}

// clear removes what a cluster wrote, but its logs.
func clear(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != "logs" {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return err
}
