package probe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/midwatch/midwatch/bpf"
)

// readDeadline bounds how long an event waits in the kernel: it wakes the reader only when much has gathered.
const readDeadline = 50 * time.Millisecond

// Config of a Probe.
type Config struct {
	// ExcludePIDs are processes whose conversations are ignored from the start. The probe's own process always is.
	ExcludePIDs []int
	// Ready, if not nil, is called once, when the hooks are attached.
	Ready func()
	// Log receives hooks that could not be attached. Required.
	Log *slog.Logger
}

// Probe watches the kernel. Its methods are safe for concurrent use.
type Probe struct {
	cfg Config
	// complete is when the last hook was attached, in monotonic ns. While reads are seen and writes are not yet, or the other way
	// round, answers would be taken for those of other requests, for as long as the connection lasts.
	complete  atomic.Uint64
	undecoded atomic.Uint64 // records that made no sense

	// attached is what Run owns and the other methods read.
	attached struct {
		sync.RWMutex
		hooks []Hook
		by    *attacher            // nil unless running
		maps  map[string]*ebpf.Map // the same
		last  map[string]uint64    // drops when it stopped
	}
}

// New returns a Probe that does nothing until Run.
func New(cfg Config) (*Probe, error) {
	if cfg.Log == nil {
		return nil, errors.New("probe: Config.Log is required")
	}
	return &Probe{cfg: cfg}, nil
}

// Run attaches the hooks and feeds sink until ctx ends, then detaches them. A clean stop is nil. It wraps
// ErrUnavailable if this machine or this user can attach nothing at all. It may be called again after it returned.
func (p *Probe) Run(ctx context.Context, sink Sink) error {
	a, err := open()
	if err != nil {
		return err
	}
	defer a.close()
	for _, pid := range append([]int{os.Getpid()}, p.cfg.ExcludePIDs...) {
		if err := put(a.maps[bpf.KernelMapExcluded], uint32(pid)); err != nil {
			return fmt.Errorf("exclude process %d: %w", pid, err)
		}
	}
	reader, err := ringbuf.NewReader(a.maps[bpf.KernelMapEvents])
	if err != nil {
		return fmt.Errorf("read the kernel's ring buffer: %w", err)
	}
	defer func() { _ = reader.Close() }()
	p.complete.Store(0)
	p.start(a)
	defer p.stop()

	// Attaching takes seconds on a busy machine, and the first hooks work at once: someone has to read by then.
	var attaching sync.WaitGroup
	attaching.Go(func() {
		p.report(a.attachAll())
		p.complete.Store(monotonic())
		if p.cfg.Ready != nil {
			p.cfg.Ready()
		}
	})
	defer attaching.Wait()
	stopped := context.AfterFunc(ctx, func() { _ = reader.Close() })
	defer stopped()
	return p.read(reader, sink)
}

func (p *Probe) read(reader *ringbuf.Reader, sink Sink) error {
	d := decoder{sink: sink, from: &p.complete}
	var rec ringbuf.Record
	for {
		deadline := time.Now().Add(readDeadline)
		reader.SetDeadline(deadline)
		for {
			err := reader.ReadInto(&rec)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				sink.Quiet(deadline.Add(-readDeadline))
				break
			}
			if errors.Is(err, ringbuf.ErrClosed) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("read kernel events: %w", err)
			}
			if !d.event(rec.RawSample) {
				p.undecoded.Add(1)
			}
		}
	}
}

func (p *Probe) start(a *attacher) {
	p.attached.Lock()
	defer p.attached.Unlock()
	p.attached.by, p.attached.maps = a, a.maps
}

func (p *Probe) stop() {
	last := p.Drops()
	p.attached.Lock()
	defer p.attached.Unlock()
	p.attached.by, p.attached.maps, p.attached.last = nil, nil, last
}

func (p *Probe) report(hooks []Hook) {
	p.attached.Lock()
	p.attached.hooks = hooks
	p.attached.Unlock()
	for _, h := range hooks {
		if h.State != Attached {
			p.cfg.Log.Warn("kernel hook not attached", "hook", h.Name, "state", string(h.State), "reason", h.Reason)
		}
	}
}

// Hooks returns the state of every hook, or nil before Run attached them.
func (p *Probe) Hooks() []Hook {
	p.attached.RLock()
	defer p.attached.RUnlock()
	return append([]Hook(nil), p.attached.hooks...)
}

// Exclude ignores the conversations of a process from now on, until it exits. Its start and end are still reported.
func (p *Probe) Exclude(pid int) error {
	return p.with(func(maps map[string]*ebpf.Map) error {
		if err := put(maps[bpf.KernelMapExcluded], uint32(pid)); err != nil {
			return fmt.Errorf("exclude process %d: %w", pid, err)
		}
		return nil
	})
}

// ExcludeCgroup ignores the conversations of every process directly in the cgroup with this v2 id.
func (p *Probe) ExcludeCgroup(id uint64) error {
	return p.with(func(maps map[string]*ebpf.Map) error {
		if err := put(maps[bpf.KernelMapExcludedCgroups], id); err != nil {
			return fmt.Errorf("exclude cgroup %d: %w", id, err)
		}
		return nil
	})
}

// Mute stops chunks of one connection. Errors are ignored: muting only saves work.
func (p *Probe) Mute(sock uint64) {
	_ = p.with(func(maps map[string]*ebpf.Map) error { return put(maps[bpf.KernelMapMuted], sock) })
}

// Drops returns what was lost since Run started, by reason. After Run it keeps the last figures.
func (p *Probe) Drops() map[string]uint64 {
	p.attached.RLock()
	defer p.attached.RUnlock()
	if p.attached.maps == nil {
		return p.attached.last
	}
	drops := map[string]uint64{"undecoded": p.undecoded.Load()}
	for reason, name := range dropNames() {
		var perCPU []uint64
		if err := p.attached.maps[bpf.KernelMapDrops].Lookup(uint32(reason), &perCPU); err != nil {
			continue
		}
		var n uint64
		for _, c := range perCPU {
			n += c
		}
		drops[name] = n
	}
	return drops
}

// dropNames are the metric's names of the reasons the C side counts.
func dropNames() map[bpf.KernelDrop]string {
	return map[bpf.KernelDrop]string{
		bpf.KernelDropDROP_RING_FULL:     "ring_full",
		bpf.KernelDropDROP_SYSCALLS_FULL: "syscalls_full",
		bpf.KernelDropDROP_UNREADABLE:    "unreadable",
	}
}

// with runs f on the maps while they are open; without a running probe it does nothing.
func (p *Probe) with(f func(map[string]*ebpf.Map) error) error {
	p.attached.RLock()
	defer p.attached.RUnlock()
	if p.attached.maps == nil {
		return nil
	}
	return f(p.attached.maps)
}

func put[K uint32 | uint64](m *ebpf.Map, key K) error { return m.Put(key, uint8(1)) }
