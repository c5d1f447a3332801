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
	tail    *tail
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
	packed  []byte // nil: what was published cannot be had any more
	version string
	seen    string // the newest version that was looked at; those since version differ in noise alone
	said    time.Time
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
		l.known[e.UID] = &known{packed: e.Packed, version: v.ResourceVersion, seen: v.ResourceVersion, said: v.Said}
		l.kept[e.UID] = e.Revision
		return nil
	})
	if err != nil {
		return "", err
	}
	if err := l.recover(ctx, l.tail.ends[kind]); err != nil {
		return "", err
	}
	for _, k := range l.known {
		if v := l.last(k); v != nil {
			l.index.Apply(index.Seen{Object: v.Object, At: v.At})
		}
	}
	l.progress.resume(from)
	return from, nil
}

// recover takes over what a predecessor published and had no time to keep, and has it kept.
func (l *ledger) recover(ctx context.Context, ends map[string]*tailEnd) error {
	for uid, end := range ends {
		l.set(uid, nil)
		var packed []byte
		if v := end.version; v != nil {
			if v.Object.Bare() { // it was too large to be told whole: what the bucket has is older
				l.set(uid, &known{version: v.ResourceVersion, seen: v.ResourceVersion, said: v.Said})
				continue
			}
			var err error
			if packed, err = l.codecV.Pack(*v); err != nil {
				return err
			}
			l.set(uid, &known{packed: packed, version: v.ResourceVersion, seen: v.ResourceVersion, said: v.Said})
		}
		if err := l.keeper.owe(ctx, place{l, uid}, l.progress.beginAfter(l.tail.after), packed); err != nil {
			return err
		}
	}
	return nil
}

func (l *ledger) see(ctx context.Context, s sighting) error {
	uid := s.object.UID()
	l.index.Apply(indexSight(s))
	version := s.version
	if s.listed {
		if l.listing == nil {
			l.listing = l.progress.begin("")
		}
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

func (l *ledger) watching() {
	if l.resource == "pods" {
		l.index.Synced()
	}
}

// listed publishes the end of what the list did not tell.
func (l *ledger) listed(ctx context.Context, version string) error {
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
	if l.listing != nil {
		l.progress.finish(l.listing)
		l.listing = nil
	}
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

// last is the version that was published last, or nil if it cannot be read: another build wrote it.
func (l *ledger) last(k *known) *bucket.Version {
	if k.packed == nil {
		return nil
	}
	v, err := l.codecV.Open(k.packed)
	if err != nil {
		l.log.Debug("what was published of an object cannot be read", "resource", l.resource, "error", err)
		return nil
	}
	return &v
}
