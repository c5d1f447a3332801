package supervisor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	cgroups = "/sys/fs/cgroup"
	// dataOverhead is what a Go process maps and never fills; the fallback limit counts it too.
	dataOverhead = 160 << 20
)

// memoryGroup limits the memory of one program: by a control group, or, where none can be made, by a resource limit
// on its data, which ends the process by its own hand instead of the kernel's.
type memoryGroup struct {
	dir   string // of the control group; "" for the fallback
	limit int64  // bytes
}

// newMemoryGroup makes a group called name, or takes over one that a killed supervisor left.
func newMemoryGroup(name string, limit int64) *memoryGroup {
	g := &memoryGroup{limit: limit}
	for _, try := range []func(string) (string, error){g.v1, g.v2} {
		if dir, err := try(name); err == nil {
			g.dir = dir
			return g
		}
	}
	return g
}

func (g *memoryGroup) v1(name string) (string, error) {
	base := filepath.Join(cgroups, "memory")
	if own := filepath.Join(base, ownGroup("memory")); exists(own) {
		base = own
	}
	dir := filepath.Join(base, name)
	return dir, g.make(dir, "memory.limit_in_bytes", "memory.memsw.limit_in_bytes")
}

func (g *memoryGroup) v2(name string) (string, error) {
	// Refused where the supervisor may not change the root; then the next step fails too.
	_ = os.WriteFile(filepath.Join(cgroups, "cgroup.subtree_control"), []byte("+memory"), 0o644)
	dir := filepath.Join(cgroups, name)
	return dir, g.make(dir, "memory.max", "memory.swap.max")
}

// make creates dir with its limit; the limit of swap is not there on every kernel.
func (g *memoryGroup) make(dir, file, swap string) error {
	if !exists(filepath.Join(filepath.Dir(dir), "cgroup.procs")) {
		return os.ErrNotExist
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	limit, most := strconv.FormatInt(g.limit, 10), strconv.FormatInt(g.limit, 10)
	if file == "memory.max" {
		most = "0"
	}
	if err := os.WriteFile(filepath.Join(dir, file), []byte(limit), 0o644); err != nil {
		return errors.Join(err, os.Remove(dir))
	}
	_ = os.WriteFile(filepath.Join(dir, swap), []byte(most), 0o644) // no swap accounting: no swap, mostly
	return nil
}

// add puts a process under the limit.
func (g *memoryGroup) add(pid int) error {
	if g.dir == "" {
		most := uint64(g.limit + dataOverhead) //nolint:gosec // a positive constant
		return unix.Prlimit(pid, unix.RLIMIT_DATA, &unix.Rlimit{Cur: most, Max: most}, nil)
	}
	return os.WriteFile(filepath.Join(g.dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o644)
}

// remove takes the group away once its last process is gone.
func (g *memoryGroup) remove() error {
	if g.dir == "" {
		return nil
	}
	for range 50 {
		err := os.Remove(g.dir)
		if err == nil || errors.Is(err, os.ErrNotExist) {
			return nil
		}
		time.Sleep(20 * time.Millisecond) // the kernel lets go of a dead process a moment later
	}
	return fmt.Errorf("remove control group %s: still busy", g.dir)
}

func (g *memoryGroup) String() string {
	if g.dir == "" {
		return fmt.Sprintf("resource limit of %d MB (no control group could be made)", g.limit>>20)
	}
	return fmt.Sprintf("control group %s, %d MB", g.dir, g.limit>>20)
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// ownGroup is this process's group in a version 1 hierarchy.
func ownGroup(controller string) string {
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) == 3 && parts[1] == controller {
			return parts[2]
		}
	}
	return ""
}
