package testcluster

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Program is a process of a cluster: a part, a container's.
type Program struct {
	PID    int
	Name   string // the beginning of its command line
	Memory int64  // its share of resident memory (PSS), bytes
}

// Programs are the processes of the cluster whose directory is dir. One that ends meanwhile is left out.
func Programs(dir string) ([]Program, error) {
	s, err := readState(dir)
	if err != nil {
		return nil, fmt.Errorf("find the cluster: %w (start it with make cluster-up)", err)
	}
	var programs []Program
	for _, pid := range members(s.Groups) {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil {
			continue
		}
		argv := strings.Split(string(bytes.TrimRight(line, "\x00")), "\x00")
		argv[0] = filepath.Base(argv[0])
		programs = append(programs, Program{PID: pid, Name: strings.Join(argv[:min(len(argv), 2)], " "), Memory: share(pid)})
	}
	return programs, nil
}

// members are the processes in groups of version 2 and below them.
func members(groups []string) (pids []int) {
	for _, dir := range groups {
		if _, err := os.Stat(filepath.Join(dir, "cgroup.kill")); err != nil {
			continue
		}
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.Name() != "cgroup.procs" {
				return nil //nolint:nilerr // a group that is gone has no members
			}
			b, _ := os.ReadFile(path)
			for line := range strings.Lines(string(b)) {
				if pid, err := strconv.Atoi(strings.TrimSpace(line)); err == nil {
					pids = append(pids, pid)
				}
			}
			return nil
		})
	}
	return pids
}

// share is a process's resident memory, what it shares with others divided among them.
func share(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "Pss:" {
			kilobytes, _ := strconv.ParseInt(f[1], 10, 64)
			return kilobytes << 10
		}
	}
	return 0
}

// Enter is the command line that runs a program on the node of the cluster whose directory is dir.
func Enter(dir string, argv ...string) ([]string, error) {
	s, err := readState(dir)
	if err == nil && !s.Node.alive() {
		err = errors.New("its node is gone")
	}
	if err != nil {
		return nil, fmt.Errorf("find the cluster: %w (start it with make cluster-up)", err)
	}
	return append(enter(s.Node.PID), argv...), nil
}
