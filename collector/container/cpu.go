package container

import (
	"os"
	"path"
	"strconv"
	"strings"
)

// CPU is what the tightest CPU limit of a group and its ancestors allows and has held back. Counters begin with the group.
type CPU struct {
	Cores     float64 // the limit
	Periods   uint64  // in which something of the group wanted to run
	Throttled uint64  // of them, those in which it was held back
}

// cpuRoots are where the CPU controller of version 1 is mounted, under the root of all hierarchies.
var cpuRoots = []string{"cpu", "cpu,cpuacct", "cpuacct,cpu"}

// CPU returns the tightest limit, and false when there is none or it cannot be seen. Runtimes give a container the same path in every
// hierarchy of version 1.
func (m Membership) CPU(root string) (CPU, bool) {
	var tightest CPU
	for group := m; ; group.Memory = path.Dir(group.Memory) {
		if d := group.cpuDir(root); d != "" {
			if cores := quota(d, m.Version); cores > 0 && (tightest.Cores == 0 || cores < tightest.Cores) {
				tightest = CPU{Cores: cores}
				tightest.Periods, tightest.Throttled = periods(path.Join(d, "cpu.stat"))
			}
		}
		if group.Memory == "/" || group.Memory == "." || group.Memory == "" {
			break
		}
	}
	return tightest, tightest.Cores > 0
}

func (m Membership) cpuDir(root string) string {
	if m.Version != 1 {
		return m.dir(root)
	}
	for _, controller := range cpuRoots {
		d := path.Join(root, controller, m.Memory)
		if st, err := os.Stat(d); err == nil && st.IsDir() {
			return d
		}
	}
	return ""
}

// quota is the limit of one group in cores, 0 without.
func quota(dir string, version int) float64 {
	limit, period, _ := strings.Cut(readLine(path.Join(dir, "cpu.max")), " ")
	if version == 1 {
		limit, period = readLine(path.Join(dir, "cpu.cfs_quota_us")), readLine(path.Join(dir, "cpu.cfs_period_us"))
	}
	q, err := strconv.ParseFloat(limit, 64) // "max" and -1 are no limit
	p, bad := strconv.ParseFloat(period, 64)
	if err != nil || bad != nil || q <= 0 || p <= 0 {
		return 0
	}
	return q / p
}

func periods(file string) (all, throttled uint64) {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.ParseUint(value, 10, 64)
		switch {
		case err != nil:
		case name == "nr_periods":
			all = n
		case name == "nr_throttled":
			throttled = n
		}
	}
	return all, throttled
}
