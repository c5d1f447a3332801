package host

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/procfs"

	"github.com/midwatch/midwatch/collector/container"
)

// sample is what one process had consumed at one moment.
type sample struct {
	at          time.Time
	cpu         float64 // core seconds
	runDelay    float64 // seconds
	read, write uint64  // bytes
	rss         uint64  // bytes
	threads     int
	limit       container.CPU // of its control group; zero without
}

// maxTasks bounds the threads whose run delay is added up; the rest of a process with more is left out.
const maxTasks = 512

// sampleCPU reads what is cheap: one file, enough to decide who is worth the rest.
func (t *Table) sampleCPU(p *Process, now time.Time) (sample, bool) {
	pr, err := t.fs.Proc(p.PID)
	if err != nil {
		return sample{}, false
	}
	st, err := pr.Stat()
	if err != nil || st.Starttime != p.StartTicks {
		return sample{}, false
	}
	return sample{at: now, cpu: float64(st.UTime+st.STime) / userHZ, rss: uint64(max(0, st.ResidentMemory())), threads: st.NumThreads}, true
}

// sampleRest adds what costs a file per thread. What may not be read stays zero.
func (t *Table) sampleRest(p *Process, s *sample) {
	if pr, err := t.fs.Proc(p.PID); err == nil {
		if io, err := pr.IO(); err == nil {
			s.read, s.write = io.ReadBytes, io.WriteBytes
		}
	}
	s.runDelay = t.runDelay(p.PID, s.threads)
	s.limit, _ = p.Group.CPU(container.Root)
}

// runDelay adds up the threads: /proc/PID/schedstat itself is about the first thread only.
func (t *Table) runDelay(pid, threads int) float64 {
	if threads <= 1 {
		return waiting(t.path(pid, "schedstat"))
	}
	tasks, err := os.ReadDir(t.path(pid, "task"))
	if err != nil {
		return 0
	}
	var sum float64
	for _, task := range tasks[:min(len(tasks), maxTasks)] {
		sum += waiting(t.path(pid, filepath.Join("task", task.Name(), "schedstat")))
	}
	return sum
}

// waiting returns the seconds a thread was runnable without running: the second field of schedstat, in nanoseconds.
func waiting(file string) float64 {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b))
	if len(fields) < 2 {
		return 0
	}
	ns, _ := strconv.ParseUint(fields[1], 10, 64)
	return float64(ns) / 1e9
}

// openFiles counts descriptors, -1 when they may not be seen.
func (t *Table) openFiles(p *Process) int {
	pr, err := t.fs.Proc(p.PID)
	if err != nil {
		return -1
	}
	n, err := pr.FileDescriptorsLen()
	if err != nil {
		return -1
	}
	return n
}

// system is what the machine had consumed at one moment.
type system struct {
	at       time.Time
	cpu      map[string]float64   // :: mode → core seconds
	disks    map[string][2]uint64 // :: device → bytes read, written
	networks map[string][2]uint64 // :: interface → bytes received, sent
}

func (t *Table) sampleSystem(now time.Time) system {
	s := system{at: now, cpu: map[string]float64{}, disks: map[string][2]uint64{}, networks: map[string][2]uint64{}}
	if st, err := t.fs.Stat(); err == nil {
		c := st.CPUTotal
		s.cpu["user"], s.cpu["system"] = c.User+c.Nice, c.System+c.IRQ+c.SoftIRQ
		s.cpu["iowait"], s.cpu["idle"], s.cpu["steal"] = c.Iowait, c.Idle, c.Steal
	}
	if devices, err := t.fs.NetDev(); err == nil {
		for name, d := range devices {
			if name != "lo" {
				s.networks[name] = [2]uint64{d.RxBytes, d.TxBytes}
			}
		}
	}
	t.disks(s.disks)
	return s
}

// sectorSize is the unit of /proc/diskstats, whatever the device's own is.
const sectorSize = 512

// disks reads whole devices; partitions would count the same bytes again.
func (t *Table) disks(into map[string][2]uint64) {
	b, err := os.ReadFile(filepath.Join(t.cfg.Proc, "diskstats"))
	if err != nil {
		return
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 10 || strings.HasPrefix(f[2], "loop") || strings.HasPrefix(f[2], "ram") {
			continue
		}
		if _, err := os.Stat("/sys/block/" + f[2]); err != nil {
			continue
		}
		read, _ := strconv.ParseUint(f[5], 10, 64)
		written, _ := strconv.ParseUint(f[9], 10, 64)
		into[f[2]] = [2]uint64{read * sectorSize, written * sectorSize}
	}
}

// pressure returns the ten-second averages as fractions by kind (some, full); nil when the kernel has none.
func (t *Table) pressure(resource string) map[string]float64 {
	p, err := t.fs.PSIStatsForResource(resource)
	if err != nil {
		return nil
	}
	out := map[string]float64{}
	for kind, line := range map[string]*procfs.PSILine{"some": p.Some, "full": p.Full} {
		if line != nil {
			out[kind] = line.Avg10 / 100
		}
	}
	return out
}
