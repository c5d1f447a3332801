package probe

import (
	"bytes"
	"net/netip"
	"sync/atomic"
	"syscall"
	"unsafe"

	"github.com/midwatch/midwatch/bpf"
)

const afInet = 2

// record views the start of a ring buffer record as one of the types the C side wrote. Records are eight-byte
// aligned, as those types need. It returns nil if the record is shorter than the type.
func record[T any](raw []byte) *T {
	var t T
	if len(raw) < int(unsafe.Sizeof(t)) {
		return nil
	}
	return (*T)(unsafe.Pointer(unsafe.SliceData(raw)))
}

// decoder turns records into events and hands them to the sink.
type decoder struct {
	sink  Sink
	from  *atomic.Uint64 // monotonic ns; transfers before it are left out, 0 is never
	clock clock
	chunk Chunk // reused: one chunk is in flight at a time
}

// event decodes one record. It returns false if the record makes no sense, which only a mismatch of object and
// binary can cause.
func (d *decoder) event(raw []byte) bool {
	h := record[bpf.KernelHeader](raw)
	if h == nil {
		return false
	}
	switch bpf.KernelEventKind(h.Kind) {
	case bpf.KernelEventKindEVENT_TRANSFER:
		return d.transfer(raw)
	case bpf.KernelEventKindEVENT_DATAGRAM:
		return d.datagram(raw)
	case bpf.KernelEventKindEVENT_CLOSED:
		return with(raw, d.closed)
	case bpf.KernelEventKindEVENT_CONNECT:
		return with(raw, d.connect)
	case bpf.KernelEventKindEVENT_EXEC:
		return with(raw, d.exec)
	case bpf.KernelEventKindEVENT_EXIT:
		return with(raw, d.exit)
	case bpf.KernelEventKindEVENT_OOM_KILL:
		return with(raw, d.oomKill)
	}
	return false
}

func with[T any](raw []byte, f func(*T)) bool {
	t := record[T](raw)
	if t == nil {
		return false
	}
	f(t)
	return true
}

func (d *decoder) transfer(raw []byte) bool {
	t := record[bpf.KernelTransfer](raw)
	if t == nil || !d.read(t, raw) {
		return false
	}
	if from := d.from.Load(); from == 0 || t.H.Time < from {
		return true // half of a conversation: see Probe.complete
	}
	d.sink.Chunk(&d.chunk)
	return true
}

func (d *decoder) datagram(raw []byte) bool {
	t := record[bpf.KernelTransfer](raw)
	if t == nil || !d.read(t, raw) {
		return false
	}
	d.sink.Datagram(&d.chunk)
	return true
}

// read fills in the chunk. It returns false if the record is shorter than it says.
func (d *decoder) read(t *bpf.KernelTransfer, raw []byte) bool {
	bytes := raw[unsafe.Sizeof(*t):]
	if uint64(t.Head)+uint64(t.Tail) > uint64(len(bytes)) {
		return false
	}
	d.chunk = Chunk{
		Sock:      t.Sock,
		TGID:      t.H.Tgid,
		TID:       t.Tid,
		Cgroup:    t.Cgroup,
		Endpoints: endpoints(&t.Ends),
		Direction: Direction(t.Direction),
		Role:      Role(t.Role),
		Time:      d.clock.wall(t.H.Time),
		Size:      int(t.Size),
		Placed:    t.Placed != 0,
		First:     t.First,
		Data:      bytes[:t.Head],
		Tail:      bytes[t.Head : t.Head+t.Tail],
	}
	return true
}

func (d *decoder) closed(e *bpf.KernelClosed) {
	d.sink.Closed(Closed{Sock: e.Sock, TGID: e.H.Tgid, Time: d.clock.wall(e.H.Time), Errno: syscall.Errno(e.Error)})
}

func (d *decoder) connect(e *bpf.KernelConnected) {
	d.sink.Connect(Connect{
		Sock:      e.Sock,
		TGID:      e.H.Tgid,
		Endpoints: endpoints(&e.Ends),
		Start:     d.clock.wall(e.Started),
		Time:      d.clock.wall(e.H.Time),
		OK:        e.Failed == 0,
		Errno:     syscall.Errno(e.Error),
	})
}

func (d *decoder) exec(e *bpf.KernelExec) {
	d.sink.Exec(Exec{
		TGID:       e.H.Tgid,
		Parent:     e.Parent,
		StartTicks: ticks(e.Started),
		Cgroup:     e.Cgroup,
		Time:       d.clock.wall(e.H.Time),
		Comm:       text(e.Comm[:]),
		Path:       text(e.Path[:]),
	})
}

func (d *decoder) exit(e *bpf.KernelExit) {
	status := syscall.WaitStatus(e.Status)
	exit := Exit{
		TGID:       e.H.Tgid,
		Parent:     e.Parent,
		StartTicks: ticks(e.Started),
		Cgroup:     e.Cgroup,
		Time:       d.clock.wall(e.H.Time),
		Comm:       text(e.Comm[:]),
		CoreDumped: status.CoreDump(),
	}
	if status.Signaled() {
		exit.Signal = status.Signal()
	} else {
		exit.Code = status.ExitStatus()
	}
	d.sink.Exit(exit)
}

func (d *decoder) oomKill(e *bpf.KernelOomKill) {
	const kib = 1024
	d.sink.OOMKill(OOMKill{
		TGID:      e.H.Tgid,
		Time:      d.clock.wall(e.H.Time),
		Comm:      text(e.Comm[:]),
		TotalVM:   int64(e.TotalVm) * kib,
		AnonRSS:   int64(e.AnonRss) * kib,
		FileRSS:   int64(e.FileRss) * kib,
		SharedRSS: int64(e.ShmemRss) * kib,
	})
}

// endpoints is zero where they are not known.
func endpoints(e *bpf.KernelEndpoints) Endpoints {
	if e.Family == 0 {
		return Endpoints{}
	}
	return Endpoints{
		Local:  netip.AddrPortFrom(address(e.Local, e.Family), e.LocalPort),
		Remote: netip.AddrPortFrom(address(e.Remote, e.Family), e.RemotePort),
		NetNS:  e.Netns,
	}
}

func address(b [16]byte, family uint16) netip.Addr {
	if family == afInet {
		return netip.AddrFrom4([4]byte(b[:4]))
	}
	return netip.AddrFrom16(b).Unmap()
}

// text cuts a C string out of its field.
func text(b []byte) string {
	s, _, _ := bytes.Cut(b, []byte{0})
	return string(s)
}
