package container

import (
	"os"
	"path"
	"strconv"
	"strings"
)

// unlimited is above what any machine has; v1 writes a page-rounded 2^63 for "no limit".
const unlimited = 1 << 60

// MemoryLimit returns the tightest memory limit in bytes of the group and its ancestors, 0 when there is none or it cannot be seen.
func (m Membership) MemoryLimit(root string) uint64 {
	file := "memory.max"
	if m.Version == 1 {
		file = "memory.limit_in_bytes"
	}
	limit := uint64(unlimited)
	for group := m; ; group.Memory = path.Dir(group.Memory) {
		if d := group.dir(root); d != "" {
			if v, err := strconv.ParseUint(readLine(path.Join(d, file)), 10, 64); err == nil {
				limit = min(limit, v)
			}
		}
		if group.Memory == "/" || group.Memory == "." || group.Memory == "" {
			break
		}
	}
	if limit >= unlimited {
		return 0
	}
	return limit
}

// OOMKills returns how many processes of the group the kernel has killed for want of memory since it was made. ok is false when
// the kernel does not say (the root group, v1 before 4.13) or the group is gone.
func (m Membership) OOMKills(root string) (n uint64, ok bool) {
	file := "memory.events"
	if m.Version == 1 {
		file = "memory.oom_control"
	}
	d := m.dir(root)
	if d == "" {
		return 0, false
	}
	b, err := os.ReadFile(path.Join(d, file))
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(b)) {
		if v, found := strings.CutPrefix(line, "oom_kill "); found {
			n, err = strconv.ParseUint(strings.TrimSpace(v), 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

func readLine(file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
