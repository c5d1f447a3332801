package node

import (
	"context"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/collector/host"
	"github.com/midwatch/midwatch/collector/probe"
	"github.com/midwatch/midwatch/collector/protocol/span"
	"github.com/midwatch/midwatch/collector/trace"
	"github.com/midwatch/midwatch/internal/telemetry"
)

const (
	maxBatch   = 1000        // spans of one batch
	batchDelay = time.Second // that a span waits for company
)

// spans turns calls into batches of spans and into duration histograms. It belongs to one goroutine.
type spans struct {
	id        host.Identity
	table     *host.Table
	peers     *peers
	meter     *host.Meter
	sink      Sink
	durations *durations
	routes    *routes
	databases *databases
	excluded  map[int]bool
	unknown   atomic.Uint64 // calls of processes that were gone before they were looked at
	lost      atomic.Uint64 // spans the sink refused

	joiner *trace.Joiner[located]

	batch     ptrace.Traces
	resources map[host.ID]ptrace.ResourceSpans
	count     int
	failed    []call // connects that wait for their second chance
}

// located is a call of a process that is known.
type located struct {
	call
	process *host.Process
	service string // at the other end, "" when it is not on this machine or not known
}

// run reads calls until ctx ends, then sends what waits.
func (s *spans) run(ctx context.Context, calls <-chan call) error {
	s.reset()
	s.joiner = trace.NewJoiner(s.write)
	tick := time.NewTicker(batchDelay)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last := context.WithoutCancel(ctx)
			s.judge(time.Time{})
			s.joiner.Close()
			s.flush(last)
			s.durations.flush(last, time.Now())
			return nil
		case c := <-calls:
			if c.connect != nil && len(s.failed) < maxBatch {
				s.failed = append(s.failed, c)
				continue
			}
			if s.add(c); s.count >= maxBatch {
				s.flush(ctx)
			}
		case now := <-tick.C:
			s.judge(now)
			s.joiner.Expire(now)
			s.flush(ctx)
			s.durations.tick(ctx, now)
		}
	}
}

// judge lets those failed connects become spans that were not made good. The zero time judges all.
func (s *spans) judge(now time.Time) {
	rest := s.failed[:0]
	for _, c := range s.failed {
		switch {
		case !now.IsZero() && now.Sub(c.connect.Time) < secondChance:
			rest = append(rest, c)
		case !s.peers.superseded(c.connect):
			s.add(c)
		}
	}
	s.failed = rest
}

// add finds out whose call that is, and has it wait for the one that it is below.
func (s *spans) add(c call) {
	pid := int(c.peer.TGID)
	p := s.table.Get(pid)
	switch {
	case p == nil:
		s.unknown.Add(1)
		return
	case p.Own, p.Shell, s.excluded[pid]:
		return
	}
	var peer string
	switch datagrams := c.peer.Sock == 0; {
	case !datagrams:
		peer = s.peers.service(c.peer.Endpoints, c.peer.Role)
	case c.peer.Role == probe.RoleClient: // a failed connect, too
		peer = s.peers.serving(uint64(c.peer.NetNS), c.peer.Remote)
	}
	if c.connect != nil {
		s.meter.CountFailure(pid, c.connect.Remote, span.ConnectError(c.connect.Errno))
	}
	s.joiner.Add(time.Now(), trace.End{
		Request: c.peer.Request, Server: c.peer.Role == probe.RoleServer, Here: s.peers.asks(c.peer.Request), TraceParent: c.call.TraceParent,
	}, located{c, p, peer})
}

// write makes a call a span.
func (s *spans) write(c located, id trace.Identity) {
	p, peer, said := c.process, c.service, &c.call.call
	sp := s.slice(p).AppendEmpty()
	s.count++
	span.Identify(sp, id)
	if c.connect != nil {
		span.FillConnect(sp, *c.connect)
	} else {
		s.databases.fill(p, c.peer.Role, said)
		said.Resource = s.routes.of(p.Service, c.peer.Role, said)
		span.Fill(sp, c.peer, *said)
		switch {
		case c.peer.Sock == 0:
			sp.Attributes().PutStr(telemetry.NetworkTransport, "udp")
		case probe.IsSecure(c.peer.Sock):
			sp.Attributes().PutBool(telemetry.TLSEstablished, true)
		}
		s.durations.observe(p, sp, said.Duration)
	}
	switch {
	case peer != "":
		sp.Attributes().PutStr(telemetry.PeerService, peer)
	case c.name != "":
		sp.Attributes().PutStr(telemetry.PeerName, c.name)
	}
}

// slice returns the spans of a process in the batch.
func (s *spans) slice(p *host.Process) ptrace.SpanSlice {
	rs, ok := s.resources[p.ID()]
	if !ok {
		rs = s.batch.ResourceSpans().AppendEmpty()
		s.id.Fill(rs.Resource(), p)
		rs.ScopeSpans().AppendEmpty()
		s.resources[p.ID()] = rs
	}
	return rs.ScopeSpans().At(0).Spans()
}

func (s *spans) flush(ctx context.Context) {
	if s.count == 0 {
		return
	}
	for id, rs := range s.resources { // the version of a process that just started may be known by now
		if p := s.table.Get(id.PID); p != nil && p.ID() == id {
			s.id.Fill(rs.Resource(), p)
		}
	}
	if err := s.sink.Traces(ctx, s.batch); err != nil {
		s.lost.Add(uint64(s.count)) //nolint:gosec // a count
	}
	s.reset()
}

func (s *spans) reset() {
	s.batch, s.resources, s.count = ptrace.NewTraces(), map[host.ID]ptrace.ResourceSpans{}, 0
}
