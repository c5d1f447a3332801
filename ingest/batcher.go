package ingest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/midwatch/midwatch/ingest/otlp"
	"github.com/midwatch/midwatch/ingest/receive"
)

// A group of requests is inserted together once it is this old or this large. A group that is old enough is still added to while requests keep
// coming: large parts cost the store less.
const (
	groupAge   = 200 * time.Millisecond
	groupQuiet = 10 * time.Millisecond // without a request, after groupAge
	groupOld   = time.Second
	groupRows  = 200_000
	groupBytes = 96 << 20 // in the store's memory, where what an insert brings is collected up to 256 MiB before it is written
)

const (
	maxWaiting     = 4096 // requests
	maxInserting   = 2    // groups at a time: one is sent while the store works on the other
	insertDeadline = time.Minute
	// patience is how long the oldest request may wait for the store before others are told to come back: half of the ten seconds after which
	// senders give a request up by default, and what was done for it is lost.
	patience = 5 * time.Second
)

// write is a request's rows on their way.
type write struct {
	id          string
	batch       uint64 // the id as it is stored
	environment string
	chunks      []*otlp.Chunk
	added       time.Time // to the queue
	bytes       int
	doubtful    bool            // may be in the store already
	ago         time.Duration   // since it may have come first
	sent        bool            // some of it was sent to the store
	refused     map[string]int  // :: table → rows that the store refused
	left        <-chan struct{} // closed when its sender does not wait any more; nil: it always does
	ended       func(error)     // called once, before done is closed
	err         error           // valid once done is closed
	done        chan struct{}
}

func (w *write) rows() int {
	n := 0
	for _, c := range w.chunks {
		n += c.Rows()
	}
	return n
}

// gone says that its sender does not wait any more: it sends the request again, maybe to another ingester, which would store it as well.
func (w *write) gone() bool {
	select {
	case <-w.left:
		return true
	default:
		return false
	}
}

func (w *write) end(err error) {
	w.err = err
	w.ended(err)
	close(w.done)
}

// batcher groups writes and hands each group to insert, which must end every write of it.
type batcher struct {
	queue  chan *write
	insert func(context.Context, []*write)

	groups struct { // that are not stored yet
		sync.Mutex
		since map[int]time.Time // :: which of all groups → when its first write was added
		next  int
	}
}

func newBatcher(insert func(context.Context, []*write)) *batcher {
	b := &batcher{queue: make(chan *write, maxWaiting), insert: insert}
	b.groups.since = map[int]time.Time{}
	return b
}

// late returns receive.ErrOverload while the store does not keep up: what came now would wait for longer than senders do.
func (b *batcher) late(now time.Time) error {
	b.groups.Lock()
	defer b.groups.Unlock()
	for _, since := range b.groups.since {
		if wait := now.Sub(since); wait > patience {
			return fmt.Errorf("%w: requests wait for the store for %s", receive.ErrOverload, wait.Round(time.Second))
		}
	}
	return nil
}

// begin counts a group as not stored yet until done is called.
func (b *batcher) begin(group []*write) (done func()) {
	b.groups.Lock()
	defer b.groups.Unlock()
	n := b.groups.next
	b.groups.next++
	b.groups.since[n] = group[0].added
	return func() {
		b.groups.Lock()
		defer b.groups.Unlock()
		delete(b.groups.since, n)
	}
}

// add queues a write, or returns receive.ErrOverload.
func (b *batcher) add(w *write) error {
	w.added = time.Now()
	select {
	case b.queue <- w:
		return nil
	default:
		return fmt.Errorf("%w: %d requests wait for the store", receive.ErrOverload, maxWaiting)
	}
}

// run groups and inserts until ctx ends; then it inserts what is queued. Nobody may add after ctx ended.
func (b *batcher) run(ctx context.Context) {
	var inserting sync.WaitGroup
	defer inserting.Wait()
	slots := make(chan struct{}, maxInserting)
	for {
		group := b.group(ctx)
		if len(group) == 0 {
			return
		}
		done := b.begin(group)
		slots <- struct{}{}
		inserting.Go(func() {
			defer func() { <-slots }()
			defer done()
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), insertDeadline)
			defer cancel()
			b.insert(ctx, awaited(group))
		})
	}
}

// awaited ends the writes whose senders left, and returns the others.
func awaited(group []*write) []*write {
	return slices.DeleteFunc(group, func(w *write) bool {
		gone := w.gone()
		if gone {
			w.end(receive.ErrLeft)
		}
		return gone
	})
}

// group waits for a write and what comes soon after it. It is empty when ctx ended and the queue is empty.
func (b *batcher) group(ctx context.Context) []*write {
	var group []*write
	rows, bytes := 0, 0
	take := func(w *write) {
		group = append(group, w)
		rows += w.rows()
		bytes += w.bytes
	}
	select {
	case w := <-b.queue:
		take(w)
	case <-ctx.Done():
		select {
		case w := <-b.queue:
			take(w)
		default:
			return nil
		}
	}
	began := time.Now()
	latest, wait := began, time.NewTimer(groupAge)
	defer wait.Stop()
	for rows < groupRows && bytes < groupBytes {
		select {
		case w := <-b.queue:
			take(w)
			latest = time.Now()
		case now := <-wait.C:
			if now.Sub(latest) >= groupQuiet || now.Sub(began) >= groupOld {
				return group
			}
			wait.Reset(groupQuiet)
		case <-ctx.Done():
			return group
		}
	}
	return group
}
