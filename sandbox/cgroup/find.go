package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Find looks for a place where this process may create bounded groups, and tries it. The error wraps ErrNone and says what is in the way.
func Find() (*Parent, error) {
	places, err := read("/proc/self")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNone, err)
	}
	two, errTwo := places.v2()
	if errTwo == nil {
		return two, nil
	}
	one, errOne := places.v1()
	if errOne == nil {
		return one, nil
	}
	return nil, fmt.Errorf("%w: version 2: %w; version 1: %w", ErrNone, errTwo, errOne)
}

// places are this process's groups as paths, by controller; "" is version 2.
type places map[string]string

// read joins where hierarchies are mounted with where this process is in them.
func read(proc string) (places, error) {
	groups, err := os.ReadFile(filepath.Join(proc, "cgroup"))
	if err != nil {
		return nil, err
	}
	mounts, err := os.ReadFile(filepath.Join(proc, "mountinfo"))
	if err != nil {
		return nil, err
	}
	found := places{}
	for line := range strings.Lines(string(groups)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		for _, controller := range strings.Split(parts[1], ",") {
			if dir, ok := mounted(string(mounts), controller, parts[2]); ok {
				found[controller] = dir
			}
		}
	}
	return found, nil
}

// mounted finds the directory of group in the hierarchy of controller. A line of mountinfo is
// `id parent device root mountpoint options … - type source superoptions`.
func mounted(mounts, controller, group string) (string, bool) {
	for line := range strings.Lines(mounts) {
		head, tail, ok := strings.Cut(strings.TrimSpace(line), " - ")
		fields, kind := strings.Fields(head), strings.Fields(tail)
		if !ok || len(fields) < 5 || len(kind) < 3 {
			continue
		}
		ours := kind[0] == "cgroup2" && controller == "" ||
			kind[0] == "cgroup" && controller != "" && slices.Contains(strings.Split(kind[2], ","), controller)
		if !ours {
			continue
		}
		under, err := filepath.Rel(fields[3], group)
		if err != nil || strings.HasPrefix(under, "..") {
			continue
		}
		return filepath.Join(fields[4], under), true
	}
	return "", false
}

func (p places) v1() (*Parent, error) {
	memory, pids := p["memory"], p["pids"]
	if memory == "" || pids == "" {
		return nil, errors.New("no memory and pids hierarchies are mounted")
	}
	return try(&Parent{version: 1, dirs: []string{memory, pids}})
}

func (p places) v2() (*Parent, error) {
	dir := p[""]
	if dir == "" {
		return nil, errors.New("not mounted")
	}
	if filepath.Base(dir) == leafName && missing(filepath.Dir(dir), "cgroup.subtree_control") == nil {
		dir = filepath.Dir(dir) // another process of ours was here before
	}
	if err := missing(dir, "cgroup.controllers"); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if missing(dir, "cgroup.subtree_control") != nil {
		if err := enable(dir); err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
	}
	return try(&Parent{version: 2, dirs: []string{dir}})
}

// try makes a group and removes it, with those of processes that were killed. One of these that stays is no reason to have none: it is
// empty, and the next start tries again.
func try(p *Parent) (*Parent, error) {
	g, err := p.New(Limits{Memory: 64 << 20, Pids: 8})
	if err != nil {
		return nil, err
	}
	_ = p.sweep()
	return p, g.Close()
}

// missing says which controller is not listed in a file.
func missing(dir, file string) error {
	b, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return err
	}
	for _, controller := range []string{"memory", "pids"} {
		if !slices.Contains(strings.Fields(string(b)), controller) {
			return fmt.Errorf("%s has no %s", file, controller)
		}
	}
	return nil
}

// leafName is the group that processes move to out of one that is handed down.
const leafName = "midwatch"

// enable hands the controllers down to groups of ours. A group that does so may hold no process itself, so all in it move to a
// leaf; that is done only to a group that was given to us.
func enable(dir string) error {
	if !delegated(dir) {
		return errors.New("memory and pids are not handed down, and the group is not delegated (systemd: Delegate=yes)")
	}
	leaf := filepath.Join(dir, leafName)
	if err := os.Mkdir(leaf, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	b, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if err != nil {
		return err
	}
	for _, pid := range strings.Fields(string(b)) {
		if _, err := strconv.Atoi(pid); err != nil {
			continue
		}
		if err := write(leaf, "cgroup.procs", pid); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
	return write(dir, "cgroup.subtree_control", "+memory +pids")
}

// delegated tells whether a manager marked the group as ours, or it is the root of our own cgroup namespace: the machine's true root
// has no cgroup.type.
func delegated(dir string) bool {
	for _, mark := range []string{"user.delegate", "trusted.delegate"} {
		value := make([]byte, 8)
		if n, err := unix.Getxattr(dir, mark, value); err == nil && string(value[:n]) == "1" {
			return true
		}
	}
	b, err := os.ReadFile("/proc/self/cgroup")
	_, typed := os.Stat(filepath.Join(dir, "cgroup.type"))
	return err == nil && typed == nil && strings.HasSuffix(strings.TrimSpace(string(b)), "0::/")
}
