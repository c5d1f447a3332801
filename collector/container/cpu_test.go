package container

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

func TestTightestCPULimit(t *testing.T) {
	root := t.TempDir()
	const stat = "usage_usec 900\nnr_periods 100\nnr_throttled 40\nthrottled_usec 123\n"
	write(t, filepath.Join(root, "pod/cpu.max"), "200000 100000\n")
	write(t, filepath.Join(root, "pod/cpu.stat"), "nr_periods 7\nnr_throttled 1\n")
	write(t, filepath.Join(root, "pod/a/cpu.max"), "25000 100000\n")
	write(t, filepath.Join(root, "pod/a/cpu.stat"), stat)
	write(t, filepath.Join(root, "pod/b/cpu.max"), "max 100000\n")
	write(t, filepath.Join(root, "free/cpu.max"), "max 100000\n")
	write(t, filepath.Join(root, "cpu,cpuacct/v1/cpu.cfs_quota_us"), "50000\n")
	write(t, filepath.Join(root, "cpu,cpuacct/v1/cpu.cfs_period_us"), "100000\n")
	write(t, filepath.Join(root, "cpu,cpuacct/v1/cpu.stat"), "nr_periods 10\nnr_throttled 3\nthrottled_time 99\n")
	write(t, filepath.Join(root, "cpu,cpuacct/open/cpu.cfs_quota_us"), "-1\n")
	write(t, filepath.Join(root, "cpu,cpuacct/open/cpu.cfs_period_us"), "100000\n")
	for _, c := range []struct {
		group Membership
		want  CPU
	}{
		{Membership{Memory: "/pod/a", Version: 2}, CPU{Cores: 0.25, Periods: 100, Throttled: 40}},
		{Membership{Memory: "/pod/b", Version: 2}, CPU{Cores: 2, Periods: 7, Throttled: 1}},
		{Membership{Memory: "/free", Version: 2}, CPU{}},
		{Membership{Memory: "/gone", Version: 2}, CPU{}},
		{Membership{Memory: "/v1", Version: 1}, CPU{Cores: 0.5, Periods: 10, Throttled: 3}},
		{Membership{Memory: "/open", Version: 1}, CPU{}},
	} {
		if got, ok := c.group.CPU(root); got != c.want || ok != (c.want.Cores > 0) {
			t.Errorf("%s: %+v %v, want %+v", c.group.Memory, got, ok, c.want)
		}
	}
}

// TestTheKernelHoldsBack asks a real group of the machine's own hierarchy, whichever version that is.
func TestTheKernelHoldsBack(t *testing.T) {
	m, dir := limited(t)
	busy := exec.Command("sh", "-c", "read go; while :; do :; done")
	in, err := busy.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := busy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = busy.Process.Kill(); _ = busy.Wait() })
	if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(busy.Process.Pid)), 0); err != nil {
		t.Skip("processes cannot be put into a group here:", err)
	}
	if _, err := in.Write([]byte("\n")); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, ok := m.CPU(Root)
		if ok && c.Cores == 0.1 && c.Throttled > 2 && c.Throttled <= c.Periods {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("got %+v %v, want a limit of 0.1 cores that holds back", c, ok)
		}
	}
}

// limited makes a group that may take a tenth of a core.
func limited(t *testing.T) (Membership, string) {
	t.Helper()
	for _, c := range []struct {
		dir     string
		version int
		files   map[string]string
	}{
		{Root, 2, map[string]string{"cpu.max": "1000 10000"}},
		{filepath.Join(Root, "unified"), 2, map[string]string{"cpu.max": "1000 10000"}},
		{filepath.Join(Root, "cpu"), 1, map[string]string{"cpu.cfs_period_us": "10000", "cpu.cfs_quota_us": "1000"}},
		{filepath.Join(Root, "cpu,cpuacct"), 1, map[string]string{"cpu.cfs_period_us": "10000", "cpu.cfs_quota_us": "1000"}},
	} {
		dir, err := os.MkdirTemp(c.dir, "midwatch-test-")
		if err != nil {
			continue
		}
		t.Cleanup(func() { _ = os.Remove(dir) })
		set := true
		for _, file := range slices.Sorted(maps.Keys(c.files)) {
			f, err := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY, 0) // not made: a plain directory limits nothing
			if err != nil {
				set = false
				break
			}
			_, err = f.WriteString(c.files[file])
			set = set && errors.Join(err, f.Close()) == nil
		}
		if set {
			return Membership{Memory: "/" + filepath.Base(dir), Version: c.version}, dir
		}
	}
	t.Skip("control groups cannot be made here: run as root with the cpu controller")
	return Membership{}, ""
}
