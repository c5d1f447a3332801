package exporter

import (
	"sync/atomic"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/midwatch/midwatch/collector/exporter/filter"
)

// Stats counts since the start.
type Stats struct {
	Sent     uint64 // messages the ingester stored
	Retried  uint64 // attempts it did not
	Poison   uint64 // messages given up as unreadable
	Lost     uint64 // messages the stream discarded before anyone read them
	Dropped  uint64 // records a drop rule removed
	Rejected uint64 // records the ingester rejected
	Waited   uint64 // times a message was put off because its container was not known yet
	Redacted uint64 // texts of which a redaction rule replaced a part
	Withheld uint64 // texts that were too much to look through, replaced as a whole
	Held     uint64 // attempts that waited for rules to be known
}

type counters struct {
	sent, retried, poison, lost, dropped, rejected, waited atomic.Uint64

	redacted, withheld, held atomic.Uint64
}

// took counts what filters took out.
func (c *counters) took(n filter.Counts) {
	c.dropped.Add(n.Dropped)
	c.redacted.Add(n.Redacted)
	c.withheld.Add(n.Withheld)
}

func (c *counters) snapshot() Stats {
	return Stats{
		Sent: c.sent.Load(), Retried: c.retried.Load(), Poison: c.poison.Load(),
		Lost: c.lost.Load(), Dropped: c.dropped.Load(), Rejected: c.rejected.Load(), Waited: c.waited.Load(),
		Redacted: c.redacted.Load(), Withheld: c.withheld.Load(), Held: c.held.Load(),
	}
}

// gaps notices messages that the stream discarded unread: their sequence numbers are missing between two first deliveries.
// It sees only what this exporter gets, and says nothing where another one may have got what is missing.
type gaps struct {
	consumer uint64 // last delivery's number
	stream   uint64 // highest message delivered for the first time; 0 when others may have got some since
}

func (g *gaps) lostBefore(md *jetstream.MsgMetadata) (lost uint64) {
	if md.Sequence.Consumer != g.consumer+1 {
		g.stream = 0
	}
	g.consumer = md.Sequence.Consumer
	if md.NumDelivered > 1 {
		return 0
	}
	if g.stream > 0 && md.Sequence.Stream > g.stream+1 {
		lost = md.Sequence.Stream - g.stream - 1
	}
	g.stream = md.Sequence.Stream
	return lost
}
