package host

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/midwatch/midwatch/collector/container"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// maxReported bounds the processes that get points of their own; the busiest and the biggest do.
const maxReported = 500

// Meter turns what processes and the machine consume into metrics. Collect is called by one goroutine; the counts may come from any.
type Meter struct {
	id      Identity
	table   *Table
	sockets *Sockets
	names   *Names
	last    map[ID]sample
	system  system

	mu       sync.Mutex
	traffic  map[int][2]uint64 // :: PID → bytes received, sent since the last Collect
	failures map[failure]int   // connects that failed since the last Collect
	lookups  map[lookup]int    // questions to DNS that failed since the last Collect
}

// failure is one kind of failed connect.
type failure struct {
	pid    int
	remote netip.AddrPort
	kind   string
}

// lookup is one kind of failed question to DNS.
type lookup struct {
	pid  int
	kind string
}

// maxCounts bounds what is counted between two Collects.
const maxCounts = 16384

// NewMeter returns a meter whose first Collect has rates only for processes that started meanwhile.
func NewMeter(id Identity, t *Table, s *Sockets, n *Names) *Meter {
	return &Meter{id: id, table: t, sockets: s, names: n, last: map[ID]sample{}, traffic: map[int][2]uint64{}, failures: map[failure]int{}, lookups: map[lookup]int{}}
}

// CountTraffic adds bytes that a process received and sent over TCP.
func (m *Meter) CountTraffic(pid int, received, sent uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, known := m.traffic[pid]
	if !known && len(m.traffic) >= maxCounts {
		return
	}
	m.traffic[pid] = [2]uint64{n[0] + received, n[1] + sent}
}

// CountFailure adds one failed connect; kind is an error.type.
func (m *Meter) CountFailure(pid int, remote netip.AddrPort, kind string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := failure{pid, remote, kind}
	if m.failures[f] > 0 || len(m.failures) < maxCounts {
		m.failures[f]++
	}
}

// CountLookup adds one question to DNS that brought no address; kind is an error.type. Names are not kept: searching a list of domains asks for
// many that do not exist.
func (m *Meter) CountLookup(pid int, kind string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := lookup{pid, kind}
	if m.lookups[l] > 0 || len(m.lookups) < maxCounts {
		m.lookups[l]++
	}
}

// candidate is a process and its sample, with what it used since the one before.
type candidate struct {
	p         *Process
	now, last sample
	cores     float64
}

// Collect returns one point per metric for the machine and for each reported process.
func (m *Meter) Collect(now time.Time) pmetric.Metrics {
	m.mu.Lock()
	traffic, failures, lookups := m.traffic, m.failures, m.lookups
	m.traffic, m.failures, m.lookups = map[int][2]uint64{}, map[failure]int{}, map[lookup]int{}
	m.mu.Unlock()

	out := pmetric.NewMetrics()
	found := m.candidates(now)
	reported, rest := found[:min(len(found), maxReported)], max(0, len(found)-maxReported)
	last := make(map[ID]sample, len(reported))
	for i := range reported {
		c := &reported[i]
		m.table.sampleRest(c.p, &c.now)
		last[c.p.ID()] = c.now
		rm := out.ResourceMetrics().AppendEmpty()
		m.id.Fill(rm.Resource(), c.p)
		w := newWriter(rm, now)
		m.process(w, c)
		m.connections(w, c.p, failures, now)
		for l, n := range lookups {
			if l.pid == c.p.PID {
				w.gauge(telemetry.DNSFailures, "{lookup}", float64(n), telemetry.ErrorType, l.kind)
			}
		}
		if n, ok := traffic[c.p.PID]; ok && !c.last.at.IsZero() {
			seconds := c.now.at.Sub(c.last.at).Seconds()
			w.gauge(telemetry.ProcessNetIO, "By/s", float64(n[0])/seconds, "network.io.direction", "receive")
			w.gauge(telemetry.ProcessNetIO, "By/s", float64(n[1])/seconds, "network.io.direction", "transmit")
		}
	}
	m.last = last
	m.machine(out, now, rest)
	return out
}

// candidates samples every live process, busiest and biggest first.
func (m *Meter) candidates(now time.Time) []candidate {
	var out []candidate
	for _, p := range m.table.Live() {
		s, ok := m.table.sampleCPU(p, now)
		if !ok {
			continue
		}
		c := candidate{p: p, now: s, last: m.last[p.ID()]}
		if c.last.at.IsZero() && !p.Started.Before(m.system.at) {
			c.last.at = p.Started // younger than the last Collect: everything it used is new
		}
		if seconds := now.Sub(c.last.at).Seconds(); !c.last.at.IsZero() && seconds > 0 {
			c.cores = max(0, s.cpu-c.last.cpu) / seconds
		}
		out = append(out, c)
	}
	// One busy core weighs as much as 4 GiB of memory, so that both kinds of heavy process are kept.
	weight := func(c candidate) float64 { return c.cores + float64(c.now.rss)/(4<<30) }
	slices.SortStableFunc(out, func(a, b candidate) int { return cmp.Compare(weight(b), weight(a)) })
	return out
}

func (m *Meter) process(w *writer, c *candidate) {
	w.gauge(telemetry.ProcessMemory, "By", float64(c.now.rss))
	if limit := c.p.Group.MemoryLimit(container.Root); limit > 0 {
		w.gauge(telemetry.ProcessMemoryLimit, "By", float64(limit))
	}
	if c.now.limit.Cores > 0 {
		w.gauge(telemetry.ProcessCPULimit, "{core}", c.now.limit.Cores)
	}
	w.gauge(telemetry.ProcessThreads, "{thread}", float64(c.now.threads))
	if n := m.table.openFiles(c.p); n >= 0 {
		w.gauge(telemetry.ProcessOpenFiles, "{file_descriptor}", float64(n))
	}
	seconds := c.now.at.Sub(c.last.at).Seconds()
	if c.last.at.IsZero() || seconds < minInterval.Seconds() {
		return
	}
	w.gauge(telemetry.ProcessCPU, "{core}", c.cores)
	w.gauge(telemetry.ProcessRunDelay, "s/s", max(0, c.now.runDelay-c.last.runDelay)/seconds)
	if c.now.limit.Cores > 0 && c.last.limit.Cores > 0 {
		w.gauge(telemetry.ProcessThrottled, "1", throttled(c.last.limit, c.now.limit))
	}
	w.gauge(telemetry.ProcessDiskRead, "By/s", rate(c.now.read, c.last.read, seconds))
	w.gauge(telemetry.ProcessDiskWrite, "By/s", rate(c.now.write, c.last.write, seconds))
}

// throttled is the share of the periods between two samples in which a group was held back; 0 when it wanted to run in none.
func throttled(last, now container.CPU) float64 {
	if now.Periods <= last.Periods || now.Throttled < last.Throttled {
		return 0
	}
	return min(1, float64(now.Throttled-last.Throttled)/float64(now.Periods-last.Periods))
}

// minInterval is the shortest time a rate is computed over: ticks of 10 ms make anything shorter noise.
const minInterval = 500 * time.Millisecond

// maxRemotes bounds the peers one process reports: what crawls or scans has thousands, and each is a series.
const maxRemotes = 100

// otherRemotes is the server.address of all peers past maxRemotes together.
const otherRemotes = "{other}"

// connections reports what the process opened; what it accepted is the other end's to report.
func (m *Meter) connections(w *writer, p *Process, failures map[failure]int, now time.Time) {
	opened, rest := heaviest(m.sockets.Opened(p.PID))
	for remote, n := range opened {
		w.gauge(telemetry.TCPConnections, "{connection}", float64(n), m.peer(p, remote, now)...)
	}
	if rest > 0 {
		w.gauge(telemetry.TCPConnections, "{connection}", float64(rest), telemetry.ServerAddress, otherRemotes)
	}
	own := map[failure]int{}
	for f, n := range failures {
		if f.pid == p.PID {
			own[f] = n
		}
	}
	own, rest = heaviest(own)
	for f, n := range own {
		w.gauge(telemetry.TCPConnectFailures, "{connection}", float64(n), append(m.peer(p, f.remote, now), telemetry.ErrorType, f.kind)...)
	}
	if rest > 0 {
		w.gauge(telemetry.TCPConnectFailures, "{connection}", float64(rest), telemetry.ServerAddress, otherRemotes)
	}
}

// heaviest keeps the maxRemotes greatest counts and returns the sum of the others.
func heaviest[K comparable](counts map[K]int) (kept map[K]int, rest int) {
	if len(counts) <= maxRemotes {
		return counts, 0
	}
	kept = make(map[K]int, maxRemotes)
	for i, k := range slices.SortedFunc(maps.Keys(counts), func(a, b K) int { return counts[b] - counts[a] }) {
		if i < maxRemotes {
			kept[k] = counts[k]
		} else {
			rest += counts[k]
		}
	}
	return kept, rest
}

func (m *Meter) peer(p *Process, remote netip.AddrPort, now time.Time) []string {
	a := []string{telemetry.ServerAddress, remote.Addr().String(), telemetry.ServerPort, port(remote)}
	if service, _ := m.sockets.Serving(p.NetNS, remote); service != "" {
		return append(a, telemetry.PeerService, service)
	}
	if name := m.names.Of(p.NetNS, p.PID, remote.Addr(), now); name != "" {
		a = append(a, telemetry.PeerName, name)
	}
	return a
}
