package kube

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/midwatch/midwatch/collector/kube/bucket"
	"github.com/midwatch/midwatch/collector/kube/index"
)

// ledger is what was published of one resource. It compares what a stream sees with it and publishes what is new.
type ledger struct {
	*desk
	resource string
	custom   bool
	progress *progress
	fresh    bool // no list was ever published whole: what this one finds is no change; only of the stream's goroutine

	mu    sync.Mutex
	known map[string]*known // :: uid → what was published last
	kept  map[string]uint64 // :: uid → revision of the bucket's entry; of the keeper

	listing *step           // the list under way, or nil; only of the stream's goroutine
	list    map[string]bool // uids that it has told
}

// desk is what the ledgers of a leader share.
type desk struct {
	*publisher
	journal *journal
	tail    *tail // nil once everything is loaded
	keeper  *keeper
	scribe  scribe
	bucket  *bucket.Bucket
	codecV  *bucket.Codec
	key     []byte // of tags
	index   *index.Index
	skew    func() time.Duration
	counted *counters
	log     *slog.Logger
}

// known is the version of an object that was published last, or that the journal has to publish next, packed.
type known struct {
	packed  []byte
	version string
	seen    string // the newest version that was looked at; those since version differ in noise alone
	said    time.Time
}

// knownAs is what is known of an object of which v was published last.
func knownAs(v bucket.Version, packed []byte) *known {
	return &known{packed: packed, version: v.ResourceVersion, seen: v.ResourceVersion, said: v.Said}
}

var _ sink = (*ledger)(nil)

func newLedger(d *desk, resource string, custom bool) *ledger {
	return &ledger{
		desk: d, resource: resource, custom: custom, progress: newProgress(d.journal.last.Load),
		known: map[string]*known{}, kept: map[string]uint64{}, list: map[string]bool{},
	}
}

// load reads what was published and how far; from is where the watch goes on. kind is the resource's, as kindOf says it.
func (l *ledger) load(ctx context.Context, kind string) (from string, err error) {
	from = l.keeper.kept.Checkpoints[l.resource]
	l.fresh = from == ""
	err = l.bucket.Load(ctx, l.resource, func(e bucket.Entry) error {
		v, err := l.codecV.Open(e.Packed)
		if err != nil { // of a build that wrote another form: the object is looked at anew
			from = ""
			l.log.Warn("skip what was published of an object", "resource", l.resource, "error", err)
		}
		l.known[e.UID] = knownAs(v, e.Packed)
		l.kept[e.UID] = e.Revision
		return nil
	})
	if err != nil {
		return "", err
	}
	if ends := l.tail.ends[kind]; ends != nil {
		l.progress.follow(l.tail.after)
		l.recover(ends)
	}
	for _, k := range l.known {
		if v := l.last(k); v != nil && !v.Object.Bare() {
			l.index.Apply(index.Seen{Object: v.Object, At: v.At})
		}
	}
	l.progress.resume(from)
	return from, nil
}

// recover takes over what a predecessor published and had no time to keep, and has it kept.
func (l *ledger) recover(ends map[string]*known) {
	for uid, end := range ends {
		k := l.get(uid)
		if k == nil && end == nil || k != nil && end != nil && k.version == end.version && k.said.Equal(end.said) {
			continue // it was kept
		}
		l.set(uid, end)
		var packed []byte
		if end != nil {
			packed = end.packed
		}
		l.keeper.inherit(place{l, uid}, l.progress.begin(""), packed)
	}
}

func (l *ledger) lists() {
	clear(l.list)
	if l.listing == nil {
		l.listing = l.progress.begin("")
	}
}

func (l *ledger) see(ctx context.Context, s sighting) error {
	uid := s.object.UID()
	l.index.Apply(indexSight(s))
	version := s.version
	if s.listed {
		l.list[uid] = true
		version = ""
		if k := l.get(uid); k != nil && k.seen == s.version { // as it was
			return nil
		}
	}
	s.first = l.fresh
	return l.enqueue(ctx, uid, s.size, l.progress.begin(version), func(ctx context.Context, w work) error { return l.settle(ctx, s, w) })
}

// drop ends work that nothing came of.
func (l *ledger) drop(w work) {
	w.release()
	l.progress.finish(w.step)
}

func (l *ledger) reach(version string) { l.progress.finish(l.progress.begin(version)) }

func (l *ledger) caughtUp() { l.progress.caughtUp() }

func (l *ledger) watching() {
	if l.resource == "pods" {
		l.index.Synced()
	}
}

// listed publishes the end of what the list did not tell.
func (l *ledger) listed(ctx context.Context, version string) error {
	if err := l.flush(ctx); err != nil { // what was seen before the list may be gone, too
		return err
	}
	l.mu.Lock()
	var vanished []string
	for uid := range l.known {
		if !l.list[uid] {
			vanished = append(vanished, uid)
		}
	}
	l.mu.Unlock()
	clear(l.list)
	for _, uid := range vanished {
		err := l.enqueue(ctx, uid, 0, l.progress.begin(""), func(ctx context.Context, w work) error { return l.vanish(ctx, uid, w) })
		if err != nil {
			return err
		}
	}
	l.fresh = false
	l.progress.finish(l.listing)
	l.listing = nil
	l.reach(version)
	return nil
}

func (l *ledger) get(uid string) *known {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known[uid]
}

func (l *ledger) set(uid string, k *known) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k == nil {
		delete(l.known, uid)
		return
	}
	l.known[uid] = k
}

// last is the version that was published last, or nil if it cannot be read: another build wrote it. Of one that was too large the bucket and the journal
// have no more than which object it is.
func (l *ledger) last(k *known) *bucket.Version {
	v, err := l.codecV.Open(k.packed)
	if err != nil {
		l.log.Debug("what was published of an object cannot be read", "resource", l.resource, "error", err)
		return nil
	}
	return &v
}
