package exporter

import (
	"sync"
	"time"
)

const (
	clockWindow  = 2 * time.Minute
	clockTrusted = 20 * time.Second // a difference below that is the way of a batch, not the clock
	maxClocks    = 1 << 14
)

// clocks estimates how far each node's clock is ahead of the cluster's: by the smallest time that its batches took from the newest record to
// JetStream, which is a moment when clocks agree. Safe for concurrent use.
type clocks struct {
	mu    sync.Mutex
	nodes map[string]*clock // :: subject → its window
}

// clock keeps the smallest delay of this window and of the one before.
type clock struct {
	since     time.Time
	now, last time.Duration
	hasLast   bool
}

func newClocks() *clocks { return &clocks{nodes: map[string]*clock{}} }

// ahead notes one batch and returns the estimate; negative when the clock is behind.
func (c *clocks) ahead(subject string, newest, stored time.Time) time.Duration {
	if newest.IsZero() {
		return 0
	}
	delay := stored.Sub(newest)
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.nodes[subject]
	switch {
	case k == nil:
		if len(c.nodes) >= maxClocks {
			clear(c.nodes)
		}
		k = &clock{since: stored, now: delay}
		c.nodes[subject] = k
	case stored.Sub(k.since) > clockWindow:
		k.last, k.hasLast, k.now, k.since = k.now, true, delay, stored
	default:
		k.now = min(k.now, delay)
	}
	smallest := k.now
	if k.hasLast {
		smallest = min(smallest, k.last)
	}
	if smallest.Abs() < clockTrusted || smallest > 0 && !k.hasLast { // batches that waited on the node look like a clock that is behind, for a while
		return 0
	}
	return -smallest
}
