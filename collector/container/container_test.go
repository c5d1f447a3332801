package container

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/procfs"
)

func TestParse(t *testing.T) {
	id := strings.Repeat("0a1b2c3d", 8)
	for name, c := range map[string]struct {
		groups []procfs.Cgroup
		want   Membership
	}{
		"unified, systemd unit": {
			[]procfs.Cgroup{{Path: "/system.slice/redis-server.service"}},
			Membership{Memory: "/system.slice/redis-server.service", Version: 2, Unit: "redis-server"},
		},
		"a session says nothing": {
			[]procfs.Cgroup{{Path: "/user.slice/user-1000.slice/user@1000.service/app.slice/term.scope"}},
			Membership{Memory: "/user.slice/user-1000.slice/user@1000.service/app.slice/term.scope", Version: 2},
		},
		"hybrid prefers the memory line": {
			[]procfs.Cgroup{
				{HierarchyID: 9, Controllers: []string{"name=systemd"}, Path: "/docker/" + strings.Repeat("f", 64)},
				{HierarchyID: 4, Controllers: []string{"memory"}, Path: "/kubepods/pod1/" + id},
				{Path: "/"},
			},
			Membership{Memory: "/kubepods/pod1/" + id, Version: 1, Container: id},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, parse(c.groups)); diff != "" {
				t.Errorf("membership (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMemoryLimitIsTheTightestOfTheAncestors(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "a/memory.max"), "1000\n")
	write(t, filepath.Join(root, "a/b/memory.max"), "max\n")
	write(t, filepath.Join(root, "a/b/memory.events"), "low 0\noom 2\noom_kill 3\noom_group_kill 0\n")
	m := Membership{Memory: "/a/b", Version: 2}
	if got := m.MemoryLimit(root); got != 1000 {
		t.Errorf("limit %d, want 1000", got)
	}
	if n, ok := m.OOMKills(root); !ok || n != 3 {
		t.Errorf("kills %d %v, want 3", n, ok)
	}
	v1 := Membership{Memory: "/c", Version: 1}
	write(t, filepath.Join(root, "memory/c/memory.limit_in_bytes"), "9223372036854771712\n")
	if got := v1.MemoryLimit(root); got != 0 {
		t.Errorf("limit %d, want 0 for unlimited", got)
	}
}

func TestMembershipOfThisProcess(t *testing.T) {
	p, err := procfs.Self()
	if err != nil {
		t.Fatal(err)
	}
	m, err := Of(p)
	if err != nil || m.Version == 0 {
		t.Fatalf("membership %+v, %v", m, err)
	}
}

func TestNames(t *testing.T) {
	id, dir := strings.Repeat("ab", 32), t.TempDir()
	n := Names{Docker: filepath.Join(dir, "docker"), Containerd: filepath.Join(dir, "containerd")}
	if got := n.Name(id); got != "" {
		t.Errorf("unknown container is %q", got)
	}
	write(t, filepath.Join(n.Containerd, "k8s.io", id, "config.json"), `{"annotations":{"io.kubernetes.cri.container-name":"api"}}`)
	if got := n.Name(id); got != "api" {
		t.Errorf("containerd name %q", got)
	}
	write(t, filepath.Join(n.Docker, "containers", id, "config.v2.json"), `{"Name":"/web-1","Config":{"Labels":{}}}`)
	if got := n.Name(id); got != "web-1" {
		t.Errorf("docker name %q", got)
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
