package change

import (
	"syscall"
	"time"

	"github.com/midwatch/midwatch/collector/container"
	"github.com/midwatch/midwatch/collector/host"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// Event is the start, the end or the memory kill of a process.
type Event struct {
	Name    string // telemetry.EventStart, EventExit or EventOOMKill
	Process *host.Process
	At      time.Time
	Code    int            // exit code, with Known
	Signal  syscall.Signal // that ended it, with Known
	Known   bool           // how it ended was seen, not inferred from its absence
	Memory  uint64         // bytes resident at death, 0 when unknown
	Limit   uint64         // bytes, of its control group; 0 when it has none
}

const (
	// grown is how long a process lives before its start and its end are told. Most tools stay below it.
	grown = 3 * time.Second
	// established is how long one lives before its service is known: from then on every start of it is told at once, and every crash.
	established = 10 * time.Second
	// perMinute bounds the starts and ends told of one service; a loop of crashes needs three.
	perMinute = 20
	// maxKnown bounds what is remembered of services and processes; past it the memory starts over.
	maxKnown = 16384
)

// Lifecycle tells of the starts and ends of services' processes. Its methods are called by one goroutine.
type Lifecycle struct {
	table *host.Table
	begun time.Time

	services map[string]*budget   // :: service → whether it is known, and how many events it may still have
	started  map[host.ID]bool     // :: process → its start needs no telling any more
	kills    map[string]uint64    // :: control group → kills counted by the kernel
	limited  map[host.ID]observed // :: process under a memory limit → what was last seen of it
	dropped  uint64
}

type budget struct {
	known  bool
	minute time.Time
	left   int
}

type observed struct {
	group container.Membership
	limit uint64
}

// NewLifecycle returns a lifecycle for which what runs at begun is not news.
func NewLifecycle(t *host.Table, begun time.Time) *Lifecycle {
	return &Lifecycle{table: t, begun: begun, services: map[string]*budget{}, started: map[host.ID]bool{}, kills: map[string]uint64{}, limited: map[host.ID]observed{}}
}

// Dropped counts the starts and ends that were not told because their service had too many.
func (l *Lifecycle) Dropped() uint64 { return l.dropped }

// Step looks for processes that started. Call it each second.
func (l *Lifecycle) Step(now time.Time) []Event {
	if len(l.started) > maxKnown || len(l.services) > maxKnown {
		l.started, l.services, l.begun = map[host.ID]bool{}, map[string]*budget{}, now
	}
	var out []Event
	for _, p := range l.table.Live() {
		if !tellable(p) {
			continue
		}
		age := now.Sub(p.Started)
		if age >= established {
			l.budget(p.Service).known = true
		}
		if l.started[p.ID()] || age < grown && !l.known(p.Service) {
			continue
		}
		l.started[p.ID()] = true
		if !p.Started.Before(l.begun) && l.spend(p.Service, now) {
			out = append(out, Event{Name: telemetry.EventStart, Process: p, At: p.Started})
		}
	}
	return out
}

// Ended tells of a process that is gone; nil when it does not matter.
func (l *Lifecycle) Ended(e Event) []Event {
	p := e.Process
	delete(l.limited, p.ID())
	wasStarted := l.started[p.ID()]
	delete(l.started, p.ID())
	crashed := e.Known && (e.Signal != 0 || e.Code != 0)
	switch {
	case p.Own || p.Shell:
		return nil
	case p.Leads && (wasStarted || crashed && l.known(p.Service)):
	case !p.Leads && l.known(p.Service) && e.Known && fatal(e.Signal): // a worker that ends is routine, one that crashes is not
	default:
		return nil
	}
	if !l.spend(p.Service, e.At) {
		return nil
	}
	e.Name = telemetry.EventExit
	return []Event{e}
}

func tellable(p *host.Process) bool { return p.Leads && !p.Own && !p.Shell }

// fatal signals come from a fault of the program or from the kernel, not from whoever stops it in order.
func fatal(s syscall.Signal) bool {
	switch s {
	case syscall.SIGILL, syscall.SIGABRT, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGKILL, syscall.SIGSEGV, syscall.SIGSYS:
		return true
	}
	return false
}

func (l *Lifecycle) known(service string) bool {
	b := l.services[service]
	return b != nil && b.known
}

func (l *Lifecycle) budget(service string) *budget {
	b := l.services[service]
	if b == nil {
		b = &budget{}
		l.services[service] = b
	}
	return b
}

func (l *Lifecycle) spend(service string, now time.Time) bool {
	b := l.budget(service)
	if now.Sub(b.minute) >= time.Minute {
		b.minute, b.left = now, perMinute
	}
	if b.left == 0 {
		l.dropped++
		return false
	}
	b.left--
	return true
}

// Killed completes a memory kill with what is known of the process's control group.
func (l *Lifecycle) Killed(p *host.Process, memory uint64, at time.Time) Event {
	limit := p.Group.MemoryLimit(container.Root)
	if limit == 0 { // it may have been moved; one that is all but dead is said to be in the root group
		moved := *p
		moved.Group = l.table.Group(p)
		p, limit = &moved, moved.Group.MemoryLimit(container.Root)
	}
	return Event{Name: telemetry.EventOOMKill, Process: p, At: at, Memory: memory, Limit: limit}
}

// Memory looks for memory kills in the counters of control groups, for machines where the kernel does not tell. Call it after each
// refresh of the table with the processes that left.
func (l *Lifecycle) Memory(left []*host.Process, now time.Time) []Event {
	groups := map[string]container.Membership{}
	for _, p := range l.table.Live() {
		if o, ok := l.limited[p.ID()]; ok {
			groups[o.group.Memory] = o.group
		} else if len(l.limited) < maxKnown {
			l.limited[p.ID()] = observed{p.Group, p.Group.MemoryLimit(container.Root)}
			groups[p.Group.Memory] = p.Group
		}
	}
	for _, p := range left {
		groups[p.Group.Memory] = p.Group
	}
	var out []Event
	for name, g := range groups {
		n, ok := g.OOMKills(container.Root)
		if !ok {
			continue
		}
		before, seen := l.kills[name]
		l.kills[name] = n
		if !seen || n <= before {
			continue
		}
		for _, p := range left {
			if p.Group.Memory == name && n > before {
				out = append(out, Event{Name: telemetry.EventOOMKill, Process: p, At: now, Limit: l.limited[p.ID()].limit})
				before++
			}
		}
	}
	for name := range l.kills {
		if _, live := groups[name]; !live {
			delete(l.kills, name)
		}
	}
	return out
}
