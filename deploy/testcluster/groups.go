package testcluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// groups are the cluster's control groups, one of the same name in every hierarchy. The kubelet puts pods below them; everything else that the
// cluster runs is in one of version 2, so that whoever is in there was started by the cluster and can be ended at once.
type groups struct {
	name string   // from the root of a hierarchy, with a leading slash
	dirs []string // one per hierarchy
	node *os.File // where the node's own programs are
}

func makeGroups() (*groups, error) {
	roots, v2, err := hierarchies()
	if err != nil {
		return nil, err
	}
	g := &groups{name: fmt.Sprintf("/testcluster-%d-%x", os.Getpid(), time.Now().UnixNano())}
	for _, root := range roots {
		g.dirs = append(g.dirs, root+g.name)
		if err := os.Mkdir(root+g.name, 0o755); err != nil { //nolint:gosec // as the kernel makes them
			return nil, errors.Join(fmt.Errorf("make control group: %w", err), g.remove())
		}
	}
	node := filepath.Join(v2+g.name, "node")
	if err := os.Mkdir(node, 0o755); err != nil { //nolint:gosec // as the kernel makes them
		return nil, errors.Join(fmt.Errorf("make control group: %w", err), g.remove())
	}
	if g.node, err = os.Open(node); err != nil {
		return nil, errors.Join(err, g.remove())
	}
	return g, nil
}

// hierarchies are the mount points of control groups, each once, and the one of version 2.
func hierarchies() (roots []string, v2 string, err error) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil, "", err
	}
	for line := range strings.Lines(string(mounts)) {
		f := strings.Fields(line)
		if len(f) < 3 || (f[2] != "cgroup" && f[2] != "cgroup2") || slices.Contains(roots, f[1]) {
			continue
		}
		roots = append(roots, f[1])
		if f[2] == "cgroup2" {
			v2 = f[1]
		}
	}
	if v2 == "" {
		return nil, "", errors.New("find control groups: none of version 2 is mounted (mount -t cgroup2 none /sys/fs/cgroup/unified)")
	}
	return roots, v2, nil
}

// remove ends every process in the groups and removes them. No error if they are gone.
func (g *groups) remove() error {
	if g.node != nil {
		g.node.Close()
	}
	return removeGroups(g.dirs)
}

func removeGroups(dirs []string) error {
	var left error
	for range 100 { // processes take their time to die, 10 s at most
		left = nil
		for _, dir := range dirs {
			_ = os.WriteFile(filepath.Join(dir, "cgroup.kill"), []byte("1"), 0) // version 2 alone has it
			left = errors.Join(left, removeTree(dir))
		}
		if left == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("remove control groups: %w", left)
}

// removeTree removes a group and those below it; their files are none of the file system's.
func removeTree(dir string) error {
	var below []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && d.IsDir() {
			below = append(below, path)
		}
		return err
	})
	for _, path := range slices.Backward(below) {
		if e := os.Remove(path); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}
