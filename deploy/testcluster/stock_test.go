package testcluster_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/deploy/testcluster/clustertest"
)

// stock is what the host has of the things a cluster makes.
type stock map[string][]string

func takeStock(t *testing.T) stock {
	t.Helper()
	clustertest.Require(t)
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	s := stock{
		"mounts":    slices.Sorted(strings.Lines(string(mounts))),
		"devices":   slices.Sorted(strings.Lines(output(t, "ip", "-oneline", "link", "show"))),
		"routes":    slices.Sorted(strings.Lines(output(t, "ip", "route", "show", "table", "all"))),
		"rules":     slices.Sorted(strings.Lines(output(t, "iptables", "-S"))),
		"processes": programs(t),
	}
	ours := fmt.Sprintf("testcluster-%d-*", os.Getpid())
	for _, pattern := range []string{"/sys/fs/cgroup/" + ours, "/sys/fs/cgroup/*/" + ours, "/sys/fs/cgroup/*/kubepods*"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		s["control groups"] = append(s["control groups"], found...)
	}
	for _, path := range []string{"/run/containerd", "/var/lib/kubelet", "/var/lib/cni", "/var/lib/etcd", "/var/log/pods", "/etc/cni/net.d", "/etc/kubernetes"} {
		entries, err := os.ReadDir(path)
		for _, e := range entries {
			s["files"] = append(s["files"], filepath.Join(path, e.Name()))
		}
		if err == nil {
			s["files"] = append(s["files"], path)
		}
	}
	for _, name := range []string{"vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops", "net/ipv4/ip_forward", "kernel/hostname"} {
		b, err := os.ReadFile("/proc/sys/" + name)
		if err != nil {
			t.Fatal(err)
		}
		s["settings"] = append(s["settings"], name+" = "+strings.TrimSpace(string(b)))
	}
	return s
}

// compare waits: whoever inherits the killed processes takes its time to bury them.
func (s stock) compare(t *testing.T) {
	t.Helper()
	clustertest.Eventually(t, "nothing to be left on the host", func(context.Context) error {
		if diff := cmp.Diff(s, takeStock(t)); diff != "" {
			return fmt.Errorf("(-before +after):\n%s", diff)
		}
		return nil
	})
}

// programs are the processes in control groups of clusters of this test: clusters of others may run beside it.
func programs(t *testing.T) (found []string) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		groups, _ := os.ReadFile(file) // of a process that ended meanwhile there is nothing to say
		if strings.Contains(string(groups), fmt.Sprintf("/testcluster-%d-", os.Getpid())) {
			found = append(found, filepath.Dir(file))
		}
	}
	return found
}

func output(t *testing.T, argv ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), argv[0], argv[1:]...).Output()
	if err != nil {
		t.Fatalf("%v: %v", argv, err)
	}
	return string(out)
}
