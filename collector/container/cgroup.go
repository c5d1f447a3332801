// Package container reads which control group, systemd unit and container a process belongs to, and the limits its control
// group sets. It knows cgroup v1, v2 and the hybrid of both.
package container

import (
	"fmt"
	"os"
	"path"
	"regexp"
	"strings"

	"github.com/prometheus/procfs"
)

// Membership is where one process sits. The zero value means the root group.
type Membership struct {
	Memory    string // path in the memory hierarchy (v1) or the only one (v2), as in /proc/PID/cgroup
	Version   int    // 1 or 2: which kind of hierarchy Memory is in
	Unit      string // systemd service without ".service", "" outside of one
	Container string // 64 hex digits, "" outside of a container
}

var containerID = regexp.MustCompile(`[0-9a-f]{64}`)

// Of reads the membership of a live process. It wraps os.ErrNotExist when the process is gone.
func Of(p procfs.Proc) (Membership, error) {
	groups, err := p.Cgroups()
	if err != nil {
		return Membership{}, fmt.Errorf("read control groups of %d: %w", p.PID, err)
	}
	return parse(groups), nil
}

// parse prefers the memory line, because on a hybrid host the others may point elsewhere.
func parse(groups []procfs.Cgroup) Membership {
	var m Membership
	var systemd, unified string
	for _, g := range groups {
		for _, c := range g.Controllers {
			switch c {
			case "memory":
				m.Memory, m.Version = g.Path, 1
			case "name=systemd":
				systemd = g.Path
			}
		}
		if g.HierarchyID == 0 {
			unified = g.Path
		}
		if id := containerID.FindString(g.Path); id != "" && m.Container == "" {
			m.Container = id
		}
	}
	if id := containerID.FindString(m.Memory); id != "" {
		m.Container = id
	}
	if m.Version == 0 {
		m.Memory, m.Version = unified, 2
	}
	for _, p := range []string{systemd, unified, m.Memory} {
		if m.Unit = unitOf(p); m.Unit != "" {
			break
		}
	}
	return m
}

// unitOf returns the innermost systemd service of a group path. Sessions and user managers say nothing about what runs in them.
func unitOf(group string) string {
	for p := group; p != "/" && p != "." && p != ""; p = path.Dir(p) {
		name, ok := strings.CutSuffix(path.Base(p), ".service")
		if ok && name != "" && !strings.HasPrefix(name, "user@") {
			return name
		}
	}
	return ""
}

// Root is where control group file systems are mounted.
const Root = "/sys/fs/cgroup"

// dir returns the directory of m's memory group below root, or "" when it cannot be seen from here.
func (m Membership) dir(root string) string {
	candidates := []string{path.Join(root, m.Memory), path.Join(root, "unified", m.Memory)}
	if m.Version == 1 {
		candidates = []string{path.Join(root, "memory", m.Memory)}
	}
	for _, d := range candidates {
		if st, err := os.Stat(d); err == nil && st.IsDir() {
			return d
		}
	}
	return ""
}
