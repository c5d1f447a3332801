package capture

import (
	"net/netip"
	"syscall"
	"time"

	"github.com/midwatch/midwatch/collector/probe"
)

// flow is one connection.
type flow struct {
	of     *flows
	sock   uint64 // 0 until bytes came
	server netip.AddrPort
	client netip.AddrPort
	role   probe.Role // of the server's end; unknown: who is the server is a guess
	first  uint32     // number of the client's SYN, where the beginning is known
	asked  half       // what the client says
	told   half       // what the server says
	over   bool
}

func newFlow(of *flows, s segment) *flow {
	k := &flow{of: of, server: s.to, client: s.from}
	switch {
	case s.syn && s.ack:
		k.server, k.client, k.role, k.first = s.from, s.to, probe.RoleServer, s.acked-1
	case s.syn:
		k.role, k.first = probe.RoleServer, s.seq
	}
	return k
}

// begunAnew says that a segment is the beginning of another connection than this one.
func (k *flow) begunAnew(s segment) bool {
	again := !k.over && k.role == probe.RoleServer && s.from == k.client && s.seq == k.first
	return s.syn && !s.ack && !again
}

func (k *flow) take(s segment) {
	own, other, d := &k.asked, &k.told, probe.Receive
	if s.from == k.server {
		own, other, d = &k.told, &k.asked, probe.Send
	}
	if s.ack { // whoever answers has what it answers to, though the capture may lack it
		other.reached(s.acked, s.at, k.deliver(opposite(d)))
	}
	own.take(s, k.deliver(d))
	switch {
	case s.rst:
		k.end(s.at, syscall.ECONNRESET)
	case k.asked.fin && k.told.fin:
		k.end(s.at, 0)
	}
}

func opposite(d probe.Direction) probe.Direction {
	if d == probe.Receive {
		return probe.Send
	}
	return probe.Receive
}

// deliver hands on bytes of a direction: those that the capture has, of a stretch of so many.
func (k *flow) deliver(d probe.Direction) func(at time.Time, data []byte, size uint32) {
	return func(at time.Time, data []byte, size uint32) {
		if k.over {
			return
		}
		stats := &k.of.stats
		if k.sock == 0 {
			stats.Connections++
			k.sock = uint64(stats.Connections)
		}
		stats.Bytes += int64(size)
		stats.Missing += int64(size) - int64(len(data))
		k.of.to.Chunk(&probe.Chunk{
			Sock: k.sock, Endpoints: probe.Endpoints{Local: k.server, Remote: k.client}, Direction: d, Role: k.role, Time: at, Size: int(size), Data: data,
		})
	}
}

// flush hands on what waits for bytes that never came.
func (k *flow) flush() {
	k.asked.flush(k.deliver(probe.Receive))
	k.told.flush(k.deliver(probe.Send))
}

func (k *flow) end(at time.Time, errno syscall.Errno) {
	if k.over {
		return
	}
	k.flush()
	k.over = true
	if k.sock != 0 {
		k.of.to.Closed(probe.Closed{Sock: k.sock, Time: at, Errno: errno})
	}
}
