package host

import (
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"golang.org/x/sys/unix"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// ServiceName is the service that the machine's own metrics and events without a process are filed under.
const ServiceName = "host"

// machine appends the host's own resource and remembers the sample for the next rates.
func (m *Meter) machine(out pmetric.Metrics, now time.Time, unreported int) {
	rm := out.ResourceMetrics().AppendEmpty()
	m.id.FillHost(rm.Resource(), ServiceName)
	w := newWriter(rm, now)
	last, cur := m.system, m.table.sampleSystem(now)
	m.system = cur
	w.gauge(telemetry.ProcessUnreported, "{process}", float64(unreported))
	if seconds := now.Sub(last.at).Seconds(); !last.at.IsZero() && seconds > 0 {
		m.rates(w, last, cur, seconds)
	}
	m.memory(w)
	for _, resource := range []string{"cpu", "memory", "io"} {
		for kind, v := range m.table.pressure(resource) {
			w.gauge(telemetry.SystemPressure, "1", v, "resource", resource, "kind", kind)
		}
	}
	for mount, used := range filesystems(m.table.cfg.Proc) {
		w.gauge(telemetry.SystemFilesystem, "1", used, "system.filesystem.mountpoint", mount)
	}
}

func (m *Meter) rates(w *writer, last, cur system, seconds float64) {
	var total float64
	for mode, v := range cur.cpu {
		total += max(0, v-last.cpu[mode])
	}
	for mode, v := range cur.cpu {
		if total > 0 {
			w.gauge(telemetry.SystemCPU, "1", max(0, v-last.cpu[mode])/total, "cpu.mode", mode)
		}
	}
	for device, n := range cur.disks {
		if before, ok := last.disks[device]; ok {
			w.gauge(telemetry.SystemDiskIO, "By/s", rate(n[0], before[0], seconds), "system.device", device, "disk.io.direction", "read")
			w.gauge(telemetry.SystemDiskIO, "By/s", rate(n[1], before[1], seconds), "system.device", device, "disk.io.direction", "write")
		}
	}
	for name, n := range cur.networks {
		if before, ok := last.networks[name]; ok {
			w.gauge(telemetry.SystemNetIO, "By/s", rate(n[0], before[0], seconds), "network.interface.name", name, "network.io.direction", "receive")
			w.gauge(telemetry.SystemNetIO, "By/s", rate(n[1], before[1], seconds), "network.interface.name", name, "network.io.direction", "transmit")
		}
	}
}

func (m *Meter) memory(w *writer) {
	mem, err := m.table.fs.Meminfo()
	if err != nil || mem.MemTotalBytes == nil || mem.MemFreeBytes == nil || mem.CachedBytes == nil || mem.BuffersBytes == nil {
		return
	}
	cached := *mem.CachedBytes + *mem.BuffersBytes
	if mem.SReclaimableBytes != nil {
		cached += *mem.SReclaimableBytes
	}
	w.gauge(telemetry.SystemMemory, "By", float64(*mem.MemFreeBytes), "system.memory.state", "free")
	w.gauge(telemetry.SystemMemory, "By", float64(cached), "system.memory.state", "cached")
	w.gauge(telemetry.SystemMemory, "By", max(0, float64(*mem.MemTotalBytes)-float64(*mem.MemFreeBytes)-float64(cached)), "system.memory.state", "used")
}

// filesystems returns how full each file system on a real device is, 0 to 1, by its first mount point.
func filesystems(proc string) map[string]float64 {
	b, err := os.ReadFile(filepath.Join(proc, "self/mounts"))
	if err != nil {
		return nil
	}
	out, seen := map[string]float64{}, map[string]bool{}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 2 || !strings.HasPrefix(f[0], "/dev/") || strings.HasPrefix(f[0], "/dev/loop") || seen[f[0]] {
			continue
		}
		seen[f[0]] = true
		var st unix.Statfs_t
		if unix.Statfs(f[1], &st) != nil || st.Blocks == 0 {
			continue
		}
		used := float64(st.Blocks - st.Bfree)
		out[f[1]] = used / (used + float64(st.Bavail))
	}
	return out
}

// writer appends gauges to one resource, a metric per name.
type writer struct {
	scope  pmetric.ScopeMetrics
	at     pcommon.Timestamp
	byName map[string]pmetric.Gauge
}

func newWriter(rm pmetric.ResourceMetrics, now time.Time) *writer {
	return &writer{scope: rm.ScopeMetrics().AppendEmpty(), at: pcommon.NewTimestampFromTime(now), byName: map[string]pmetric.Gauge{}}
}

// gauge adds one point; attributes are name, value, name, value …
func (w *writer) gauge(name, unit string, value float64, attributes ...string) {
	g, ok := w.byName[name]
	if !ok {
		metric := w.scope.Metrics().AppendEmpty()
		metric.SetName(name)
		metric.SetUnit(unit)
		g = metric.SetEmptyGauge()
		w.byName[name] = g
	}
	p := g.DataPoints().AppendEmpty()
	p.SetTimestamp(w.at)
	p.SetDoubleValue(value)
	for i := 0; i+1 < len(attributes); i += 2 {
		p.Attributes().PutStr(attributes[i], attributes[i+1])
	}
}

// rate is the growth per second; a counter that fell was reset and counts from zero.
func rate(now, before uint64, seconds float64) float64 {
	if now < before {
		before = 0
	}
	return float64(now-before) / seconds
}

func port(a netip.AddrPort) string { return strconv.Itoa(int(a.Port())) }
