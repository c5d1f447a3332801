package hosttest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// MemoryGroup makes a control group with a memory limit in bytes, of version 1 or 2, that the test's end removes.
func MemoryGroup(tb testing.TB, limit int) string {
	tb.Helper()
	for root, file := range map[string]string{"/sys/fs/cgroup/memory": "memory.limit_in_bytes", "/sys/fs/cgroup": "memory.max"} {
		group, err := os.MkdirTemp(root, "midwatch-test-")
		if err != nil {
			continue
		}
		tb.Cleanup(func() { _ = os.Remove(group) })
		f, err := os.OpenFile(filepath.Join(group, file), os.O_WRONLY, 0) // not made: a plain directory limits nothing
		if err != nil {
			continue
		}
		_, err = fmt.Fprint(f, limit)
		if errors.Join(err, f.Close()) == nil {
			return group
		}
	}
	tb.Skip("control groups cannot be made here: run as root with the memory controller")
	return ""
}

// Eat takes memory, and touches it, until it is killed; where no limit kills it, it ends with 1 GiB.
func Eat() {
	hoard := make([]byte, 1<<30)
	for i := 0; i < len(hoard); i += 4096 {
		hoard[i] = 1
	}
	os.Exit(0)
}
