package host

import (
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Bounds of the names of addresses.
const (
	maxNamed     = 16384          // addresses with a name, per network namespace; the one idle longest is forgotten
	maxNamings   = 8              // answers remembered of one of them
	keepName     = time.Hour      // since the answer or since it was last asked for here: connections outlive what servers promise
	keepNameMost = 24 * time.Hour // of an answer that promises more
	// nameSlack is how much later than what follows from it an answer may seem to be: the clock is compared with the kernel's anew now and then.
	nameSlack = 10 * time.Millisecond
)

// Naming is that an address was the answer to a question for a name.
type Naming struct {
	NetNS     uint64 // where it was asked
	PID       int    // by whom
	Name      string
	Addresses []netip.Addr
	At        time.Time
	TTL       time.Duration
}

// Names knows under which names addresses were asked for on this machine. What one network namespace was told counts there before what another
// was told, and what a process was told counts for it before what its neighbours were. Safe for concurrent use.
type Names struct {
	sockets *Sockets

	mu      sync.Mutex
	known   *simplelru.LRU[place, []naming] // :: address in a network namespace → its last names, the newest last
	machine *simplelru.LRU[netip.Addr, []naming]
}

type place struct {
	ns   uint64
	addr netip.Addr
}

type naming struct {
	name        string
	pid         int
	from, until time.Time
}

// NewNames returns a Names that knows none. Addresses that s has for this machine's own never have one: who listens there is known better.
func NewNames(s *Sockets) *Names {
	known, _ := simplelru.NewLRU[place, []naming](maxNamed, nil) // fails only for a size of zero
	machine, _ := simplelru.NewLRU[netip.Addr, []naming](maxNamed, nil)
	return &Names{sockets: s, known: known, machine: machine}
}

// Learn remembers an answer. Addresses that mean something on this machine or link alone get no name.
func (n *Names) Learn(a Naming) {
	next := naming{a.Name, a.PID, a.At, a.At.Add(min(max(a.TTL, keepName), keepNameMost))}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, addr := range a.Addresses {
		addr = addr.Unmap()
		if !nameable(addr) {
			continue
		}
		p := place{a.NetNS, addr}
		own, _ := n.known.Get(p)
		n.known.Add(p, learn(own, next))
		all, _ := n.machine.Get(addr)
		n.machine.Add(addr, learn(all, next))
	}
}

func nameable(a netip.Addr) bool {
	return a.IsValid() && !a.IsLoopback() && !a.IsUnspecified() && !a.IsMulticast() && !a.IsLinkLocalUnicast()
}

// learn appends an answer, or prolongs the newest that says the same.
func learn(known []naming, next naming) []naming {
	if i := len(known) - 1; i >= 0 && known[i].name == next.name && known[i].pid == next.pid {
		known[i].until = later(known[i].until, next.until)
		return known
	}
	if len(known) < maxNamings {
		return append(known, next)
	}
	i := spare(known)
	copy(known[i:], known[i+1:])
	known[len(known)-1] = next
	return known
}

// spare is which answer makes room: the oldest that the same process was given again since, else the oldest. Who asks for two names in turns does
// not push out what others asked for once.
func spare(known []naming) int {
	for i, old := range known {
		if slices.ContainsFunc(known[i+1:], func(x naming) bool { return x.name == old.name && x.pid == old.pid }) {
			return i
		}
	}
	return 0
}

// Of returns the name under which an address was last asked for before a moment, as the process in the network namespace would mean it; "" when nobody
// asked. A name that is asked for here stays.
func (n *Names) Of(ns uint64, pid int, addr netip.Addr, at time.Time) string {
	addr = addr.Unmap()
	if n.sockets.isOwn(addr) {
		return ""
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if known, ok := n.known.Get(place{ns, addr}); ok {
		if x := newest(known, pid, at); x != nil {
			return x.used(at)
		}
	}
	if known, ok := n.machine.Get(addr); ok {
		if x := newest(known, pid, at); x != nil {
			return x.used(at)
		}
	}
	return ""
}

// newest is the last answer before a moment: to the process, else to anyone.
func newest(known []naming, pid int, at time.Time) (found *naming) {
	for i := len(known) - 1; i >= 0; i-- {
		x := &known[i]
		if x.from.After(at.Add(nameSlack)) || at.After(x.until) {
			continue
		}
		if x.pid == pid {
			return x
		}
		if found == nil {
			found = x
		}
	}
	return found
}

func (x *naming) used(at time.Time) string {
	x.until = later(x.until, at.Add(keepName))
	return x.name
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
