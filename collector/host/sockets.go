package host

import (
	"cmp"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// maxSockets bounds what is kept of one refresh; connections past it have no known owner.
const maxSockets = 131072

// keepListener is how long an address is remembered after nothing listens there any more, so that a refused connection
// still says whom it was for.
const keepListener = 10 * time.Minute

// Connection is one TCP connection as one end sees it.
type Connection struct{ Local, Remote netip.AddrPort }

// Reversed is the same connection as the other end sees it.
func (c Connection) Reversed() Connection { return Connection{c.Remote, c.Local} }

// listenKey is a listening address in a network namespace.
type listenKey struct {
	ns   uint64
	addr netip.AddrPort
}

type listener struct {
	pid     int
	service string
	seen    time.Time
}

// Sockets knows which process has which TCP socket. Refresh brings it up to date. Safe for concurrent use.
type Sockets struct {
	table *Table

	reading sync.Mutex // held while the sockets are read, by one at a time
	pace    pace       // with reading

	mu        sync.Mutex
	listeners map[listenKey]listener
	owners    map[Connection]int             // :: connection → PID of the process at its local end
	opened    map[int]map[netip.AddrPort]int // :: PID → remote address → connections it opened
	listening map[int][]uint16               // :: PID → ports it listens on
	ours      map[netip.Addr]bool            // addresses of this machine
	files     map[string][]int               // :: watched path → PIDs that write to it
	watched   map[string]bool                // paths whose writers matter
}

// NewSockets returns an empty view over the processes of t.
func NewSockets(t *Table) *Sockets {
	return &Sockets{table: t, listeners: map[listenKey]listener{}, watched: map[string]bool{}}
}

// Watch sets the paths whose writers the next refreshes look for.
func (s *Sockets) Watch(paths []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watched = make(map[string]bool, len(paths))
	for _, p := range paths {
		s.watched[p] = true
	}
}

// Writers returns the processes that had a watched path open for writing at the last refresh.
func (s *Sockets) Writers(path string) []*Process {
	s.mu.Lock()
	pids := s.files[path]
	s.mu.Unlock()
	out := make([]*Process, 0, len(pids))
	for _, pid := range pids {
		if p := s.table.Get(pid); p != nil {
			out = append(out, p)
		}
	}
	return out
}

// Ports returns the TCP ports a process listened on at the last refresh. The slice must not be changed.
func (s *Sockets) Ports(pid int) []uint16 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listening[pid]
}

// Opened returns how many established connections a process opened, per remote address. The map is the caller's.
func (s *Sockets) Opened(pid int) map[netip.AddrPort]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[netip.AddrPort]int, len(s.opened[pid]))
	for a, n := range s.opened[pid] {
		out[a] = n
	}
	return out
}

// Serving returns the service behind an address as a process in network namespace ns would reach it, "" when it is not on this machine
// or nobody listened there in the last ten minutes. pid is 0 when nobody does now.
func (s *Sockets) Serving(ns uint64, addr netip.AddrPort) (service string, pid int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	addr = unmap(addr)
	l, ok := s.listeners[listenKey{ns, addr}]
	if !ok && (addr.Addr().IsLoopback() || s.ours[addr.Addr()]) {
		for _, any := range []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()} {
			if l, ok = s.listeners[listenKey{ns, netip.AddrPortFrom(any, addr.Port())}]; ok {
				break
			}
		}
	}
	if !ok {
		return "", 0
	}
	return l.service, l.pid
}

// isOwn tells whether an address was this machine's at the last refresh.
func (s *Sockets) isOwn(addr netip.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ours[addr]
}

// Owner returns the process at the local end of a connection, nil when it is not on this machine or not known yet.
func (s *Sockets) Owner(c Connection) *Process {
	s.mu.Lock()
	pid, ok := s.owners[Connection{unmap(c.Local), unmap(c.Remote)}]
	s.mu.Unlock()
	if !ok {
		return nil
	}
	return s.table.Get(pid)
}

// Refresh reads the sockets of every network namespace that a live process is in, unless that took so long the last time that it would take
// more than its share of a core: for each namespace the kernel walks the connections of the whole machine.
func (s *Sockets) Refresh(now time.Time) {
	s.reading.Lock()
	defer s.reading.Unlock()
	if !s.pace.due(time.Now()) {
		return
	}
	took := metered(func() { s.refresh(now) })
	s.pace.done(time.Now(), took)
}

func (s *Sockets) refresh(now time.Time) {
	procs := s.table.Live()
	s.mu.Lock()
	watched := s.watched
	s.mu.Unlock()
	held := scanDescriptors(s.table.cfg.Proc, procs, watched)
	next := view{held: held, owners: map[Connection]int{}, opened: map[int]map[netip.AddrPort]int{}, listening: map[int][]uint16{}, listeners: map[listenKey]listener{}}
	seen := map[uint64]bool{}
	for _, p := range procs {
		if p.NetNS == 0 || seen[p.NetNS] {
			continue
		}
		if next.read(s.table, p, now) == nil {
			seen[p.NetNS] = true
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, l := range s.listeners {
		if _, still := next.listeners[k]; !still && now.Sub(l.seen) < keepListener {
			l.pid = 0
			next.listeners[k] = l
		}
	}
	s.listeners, s.owners, s.opened, s.listening = next.listeners, next.owners, next.opened, next.listening
	s.files, s.ours = held.files, ownAddresses()
}

// view is what one refresh finds.
type view struct {
	held      descriptors
	listeners map[listenKey]listener
	owners    map[Connection]int
	opened    map[int]map[netip.AddrPort]int
	listening map[int][]uint16
}

// read adds the sockets of p's network namespace. Listening addresses come first: they tell who opened a connection.
func (v *view) read(t *Table, p *Process, now time.Time) error {
	lines, err := readTCP(t.path(p.PID, "net/tcp"))
	if err != nil {
		return err
	}
	six, _ := readTCP(t.path(p.PID, "net/tcp6")) // a kernel without IPv6 has none
	lines = append(lines, six...)
	ports := map[uint16]bool{}
	for _, l := range lines {
		if l.state != tcpListen {
			continue
		}
		ports[l.Local.Port()] = true
		holders := v.held.sockets[l.inode]
		for _, h := range holders {
			v.listening[h.PID] = append(v.listening[h.PID], l.Local.Port())
		}
		if h := first(holders); h != nil {
			v.listeners[listenKey{p.NetNS, l.Local}] = listener{h.PID, h.Service, now}
		}
	}
	for _, l := range lines {
		h := first(v.held.sockets[l.inode])
		if l.state != tcpEstablished || h == nil || len(v.owners) >= maxSockets {
			continue
		}
		v.owners[l.Connection] = h.PID
		if !ports[l.Local.Port()] {
			if v.opened[h.PID] == nil {
				v.opened[h.PID] = map[netip.AddrPort]int{}
			}
			v.opened[h.PID][l.Remote]++
		}
	}
	return nil
}

// first picks the process that a shared socket is named after: the oldest, which made it, but not init, which only lends it.
func first(holders []*Process) *Process {
	if len(holders) == 0 {
		return nil
	}
	return slices.MinFunc(holders, func(a, b *Process) int {
		if c := boolOrder(a.PID == 1, b.PID == 1); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(a.StartTicks, b.StartTicks), a.PID-b.PID)
	})
}

func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	default:
		return -1
	}
}

func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

func ownAddresses() map[netip.Addr]bool {
	out := map[netip.Addr]bool{}
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				out[ip.Unmap()] = true
			}
		}
	}
	return out
}
