package kube

import (
	"context"
	"log/slog"
	"maps"
	"math"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/midwatch/midwatch/collector/kube/bucket"
)

const (
	keepEvery   = time.Second
	keepAfter   = 5 * time.Second  // that an object waits: what changes often is written once
	keepAtEnd   = 10 * time.Second // that a clean stop may take
	keepWriters = 16
	maxOwed     = 100_000 // versions published and not kept
)

// keeper writes to the bucket, a little later, what was published, and how far that is. Until then it is in the journal alone, which whoever comes after
// a kill reads from the sequence that the keeper wrote down.
type keeper struct {
	bucket *bucket.Bucket
	room   *semaphore.Weighted
	log    *slog.Logger

	mu         sync.Mutex
	owed       map[place]*debt
	progresses map[string]*progress // :: resource →

	kept     bucket.Progress // as the bucket has it
	revision uint64          // of that
}

// place is where an object is kept.
type place struct {
	ledger *ledger
	uid    string
}

type debt struct {
	since  time.Time
	steps  []*step
	room   int64  // that it takes
	packed []byte // the version published last, or nil: it is gone
}

// newKeeper reads how far a predecessor was, and by writing it anew tells one that still believes to lead that it does not.
func newKeeper(ctx context.Context, b *bucket.Bucket, log *slog.Logger) (*keeper, error) {
	k := &keeper{bucket: b, room: semaphore.NewWeighted(maxOwed), log: log, owed: map[place]*debt{}, progresses: map[string]*progress{}}
	var err error
	if k.kept, k.revision, err = b.Progress(ctx); err != nil {
		return nil, err
	}
	k.revision, err = b.SetProgress(ctx, k.kept, k.revision)
	return k, err
}

// of adds a resource.
func (k *keeper) of(resource string, p *progress) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.progresses[resource] = p
}

// owe has an object written as it was published last; packed nil forgets it. The step is finished then.
func (k *keeper) owe(ctx context.Context, at place, s *step, packed []byte) error {
	if err := k.room.Acquire(ctx, 1); err != nil {
		return err
	}
	k.add(at, s, packed, 1)
	return nil
}

// inherit is owe for what a predecessor left, before run: as much as there is, without waiting.
func (k *keeper) inherit(at place, s *step, packed []byte) { k.add(at, s, packed, 0) }

func (k *keeper) add(at place, s *step, packed []byte, room int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	d := k.owed[at]
	if d == nil {
		d = &debt{since: time.Now()}
		k.owed[at] = d
	}
	d.steps, d.packed, d.room = append(d.steps, s), packed, d.room+room
}

// run works until ctx ends (nil) or somebody else writes the bucket. What is owed at the end is still written.
func (k *keeper) run(ctx context.Context) error {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := k.keep(ctx, time.Now().Add(-keepAfter)); err != nil && ctx.Err() == nil {
				return err
			}
		case <-ctx.Done():
			ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepAtEnd)
			defer cancel()
			if err := k.keep(ending, time.Now()); err != nil {
				k.log.Debug("what was published is not all kept; the next exporter reads it again", "error", err)
			}
			return nil
		}
	}
}

// keep writes what has been owed since a moment, and how far that is.
func (k *keeper) keep(ctx context.Context, since time.Time) error {
	g, writing := errgroup.WithContext(ctx)
	g.SetLimit(keepWriters)
	for at, d := range k.due(since) {
		g.Go(func() error {
			if err := at.ledger.keep(writing, at.uid, d.packed); err != nil {
				return err
			}
			for _, s := range d.steps {
				at.ledger.progress.finish(s)
			}
			k.room.Release(d.room)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return k.mark(ctx)
}

func (k *keeper) due(since time.Time) map[place]*debt {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := map[place]*debt{}
	for at, d := range k.owed {
		if at.ledger.progress.first() || !d.since.After(since) { // before a first checkpoint a kill costs versions
			out[at] = d
			delete(k.owed, at)
		}
	}
	return out
}

// mark writes down how far every resource was published, and from where on somebody else must read the journal.
func (k *keeper) mark(ctx context.Context) error {
	p := bucket.Progress{Tail: math.MaxUint64, Checkpoints: map[string]string{}}
	for resource, r := range k.progresses {
		version, after := r.state()
		p.Tail = min(p.Tail, after)
		if version != "" {
			p.Checkpoints[resource] = version
		}
	}
	if p.Tail == k.kept.Tail && maps.Equal(p.Checkpoints, k.kept.Checkpoints) {
		return nil
	}
	return insist(ctx, k.log, "write down how far the cluster was published", func(ctx context.Context) error {
		revision, err := k.bucket.SetProgress(ctx, p, k.revision)
		if err == nil {
			k.kept, k.revision = p, revision
		}
		return err
	})
}

// keep writes an object as it was published last, or forgets it. One call at a time for each object.
func (l *ledger) keep(ctx context.Context, uid string, packed []byte) error {
	l.mu.Lock()
	revision := l.kept[uid]
	l.mu.Unlock()
	if packed == nil && revision == 0 {
		return nil
	}
	err := insist(ctx, l.log, "remember a Kubernetes object", func(ctx context.Context) (err error) {
		if packed == nil {
			return l.bucket.Forget(ctx, l.resource, uid, revision)
		}
		revision, err = l.bucket.Put(ctx, l.resource, uid, packed, revision)
		return err
	})
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if packed == nil {
		delete(l.kept, uid)
	} else {
		l.kept[uid] = revision
	}
	return nil
}
