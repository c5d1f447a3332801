package kube

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/midwatch/midwatch/collector/kube/bucket"
	"github.com/midwatch/midwatch/collector/kube/change"
	"github.com/midwatch/midwatch/collector/kube/index"
	"github.com/midwatch/midwatch/collector/kube/object"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// ledger is what was published of one resource. It compares what a stream sees with it and publishes what is new.
type ledger struct {
	*desk
	resource string
	custom   bool
	progress *progress
	fresh    bool // nothing was ever published: what the first list finds is no change; only of the stream's goroutine

	mu    sync.Mutex
	known map[string]*known // :: uid → what was published last
	list  map[string]bool   // uids that the list under way has told; only of the stream's goroutine
}

// desk is what the ledgers of a leader share.
type desk struct {
	*publisher
	scribe scribe
	bucket *bucket.Bucket
	codecV *bucket.Codec
	key    []byte // of tags
	index  *index.Index
	skew   func() time.Duration
}

// known is the version of an object that was published last, packed.
type known struct {
	packed   []byte
	version  string
	seen     string // the newest version that was looked at; those since version differ in noise alone
	revision uint64 // of the bucket's entry
	said     time.Time
}

var _ sink = (*ledger)(nil)

func newLedger(d *desk, resource string, custom bool) *ledger {
	return &ledger{desk: d, resource: resource, custom: custom, progress: newProgress(), known: map[string]*known{}, list: map[string]bool{}}
}

// load reads what was published and how far; from is where the watch goes on.
func (l *ledger) load(ctx context.Context) (from string, err error) {
	if from, err = l.bucket.Checkpoint(ctx, l.resource); err != nil {
		return "", err
	}
	err = l.bucket.Load(ctx, l.resource, func(e bucket.Entry) error {
		v, err := l.codecV.Open(e.Packed)
		if err != nil { // of a build that wrote another form: the object is looked at anew
			from = ""
			l.log.Warn("skip what was published of an object", "resource", l.resource, "error", err)
			v.Object = object.Object{"metadata": map[string]any{"uid": e.UID}}
		} else {
			l.index.Apply(index.Seen{Object: v.Object, At: v.At})
		}
		l.known[e.UID] = &known{packed: e.Packed, version: v.ResourceVersion, seen: v.ResourceVersion, revision: e.Revision, said: v.Said}
		return nil
	})
	l.fresh = from == "" && len(l.known) == 0
	l.progress.resume(from)
	return from, err
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
	st := l.progress.begin(version)
	return l.enqueue(ctx, uid, s.size, func(ctx context.Context) error {
		if err := l.settle(ctx, s); err != nil {
			return err
		}
		l.progress.finish(st)
		return nil
	})
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
		st := l.progress.begin("")
		err := l.enqueue(ctx, uid, 0, func(ctx context.Context) error {
			if err := l.vanish(ctx, uid); err != nil {
				return err
			}
			l.progress.finish(st)
			return nil
		})
		if err != nil {
			return err
		}
	}
	l.fresh = false
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
	v, err := l.codecV.Open(k.packed)
	if err != nil {
		l.log.Debug("what was published of an object cannot be read", "resource", l.resource, "error", err)
		return nil
	}
	return &v
}

// settle compares one sight with what was published and publishes what is new. It runs in the object's lane.
func (l *ledger) settle(ctx context.Context, s sighting) error {
	uid := s.object.UID()
	k := l.get(uid)
	if l.replayed(s, k) {
		l.counted.replayed.Add(1)
		return nil
	}
	v := l.prepare(s)
	if k != nil {
		v.before = l.last(k)
	}
	if s.deleted {
		return l.end(ctx, k, v)
	}
	if v.before != nil {
		v.diff = v.tags.Changed(v.before.Tags, object.Compare(v.before.Object, v.object))
		if !v.diff.Matters(v.object.Kind()) {
			l.counted.equal.Add(1)
			l.set(uid, &known{k.packed, k.version, s.version, k.revision, k.said})
			return nil
		}
	}
	return l.advance(ctx, k, v)
}

// replayed says that a sight is of before the watch was taken up again and was dealt with then. What is told as changed and is not known
// was forgotten because its end was published.
func (l *ledger) replayed(s sighting, k *known) bool {
	if k == nil {
		return s.deleted || s.changed && !s.live
	}
	return s.version == k.seen || !s.listed && olderOrSame(s.version, k.seen)
}

// vanish publishes the end of an object that a list did not tell any more.
func (l *ledger) vanish(ctx context.Context, uid string) error {
	k := l.get(uid)
	if k == nil {
		return nil
	}
	before := l.last(k)
	if before == nil { // gone, and nothing is known of it
		return l.forget(ctx, uid, k)
	}
	now := l.index.Now()
	l.index.Apply(index.Seen{Object: before.Object, Deleted: true, At: now})
	at := now
	if t := object.Touched(before.Object).Add(-l.skew()); t.After(before.At) && t.Before(now) { // it was being deleted
		at = t
	}
	return l.end(ctx, k, version{object: before.Object, tags: before.Tags, before: before, at: at, seen: now})
}

// version is a version on its way.
type version struct {
	object  object.Object // normalized, masked
	tags    object.Tags
	managed object.Managed
	number  string
	at      time.Time // of the version
	seen    time.Time
	first   bool // of the first list ever
	diff    object.Diff
	before  *bucket.Version
}

func (l *ledger) prepare(s sighting) version {
	v := version{object: s.object, managed: object.ManagedBy(s.object), number: s.version, at: s.seen, seen: s.seen, first: s.first}
	if !s.live {
		if t := object.Touched(s.object).Add(-l.skew()); t.Before(s.seen) {
			v.at = t
		}
	}
	object.Normalize(v.object)
	v.tags = object.Mask(v.object, l.key, l.custom)
	return v
}

// advance publishes a version that is new, and remembers it.
func (l *ledger) advance(ctx context.Context, k *known, v version) error {
	action := telemetry.ObjectAdded
	if k != nil {
		action = telemetry.ObjectModified
	}
	if v.before != nil && v.at.Before(v.before.At) { // of another clock, or in the same second
		v.at = v.before.At
	}
	manager, subresource := v.managed.Actor(v.diff)
	w := l.index.WorkloadOf(v.object)
	uid := v.object.UID()
	if err := l.tell(ctx, fmt.Sprintf("%s/%s/%s", uid, v.number, action), action, v.number, manager, w, v); err != nil {
		return err
	}
	if action == telemetry.ObjectModified && v.before != nil {
		changes := change.Versions{Before: v.before.Object, After: v.object, Diff: v.diff, Manager: manager, Subresource: subresource, Since: v.at.Sub(v.before.At)}
		if err := l.tellChanges(ctx, changes, v.number, v); err != nil {
			return err
		}
	} else if action == telemetry.ObjectAdded && !v.first {
		if err := l.tellChanges(ctx, change.Versions{After: v.object, Manager: manager}, v.number, v); err != nil {
			return err
		}
	}
	kept := bucket.Version{ResourceVersion: v.number, At: v.at, Said: said(v.at, v.seen), Tags: v.tags, Object: v.object}
	return l.remember(ctx, uid, k, kept)
}

// said is since when questions about the past find a version: the store takes none as older than a day before it was seen.
func said(at, seen time.Time) time.Time {
	if earliest := seen.Add(-telemetry.SnapshotEvery); at.Before(earliest) {
		return earliest
	}
	return at
}

func (l *ledger) remember(ctx context.Context, uid string, k *known, v bucket.Version) error {
	packed, err := l.codecV.Pack(v)
	if err != nil {
		return err
	}
	var revision uint64
	if k != nil {
		revision = k.revision
	}
	err = l.insist(ctx, "remember a Kubernetes object", func(ctx context.Context) (err error) {
		revision, err = l.bucket.Put(ctx, l.resource, uid, packed, revision)
		return err
	})
	if err != nil {
		return err
	}
	l.set(uid, &known{packed, v.ResourceVersion, v.ResourceVersion, revision, v.Said})
	return nil
}

// end publishes that an object is gone, under the version that was published last: whether its end is seen by a watch or found missing in a list, it
// is told under one id.
func (l *ledger) end(ctx context.Context, k *known, v version) error {
	uid := v.object.UID()
	manager := ""
	if v.before != nil && v.at.Before(v.before.At) {
		v.at = v.before.At
	}
	err := l.tell(ctx, fmt.Sprintf("%s/%s/%s", uid, k.version, telemetry.ObjectDeleted), telemetry.ObjectDeleted, k.version, manager, l.index.WorkloadOf(v.object), v)
	if err != nil {
		return err
	}
	if err := l.tellChanges(ctx, change.Versions{Before: v.object}, k.version, v); err != nil {
		return err
	}
	return l.forget(ctx, uid, k)
}

func (l *ledger) forget(ctx context.Context, uid string, k *known) error {
	err := l.insist(ctx, "forget a Kubernetes object", func(ctx context.Context) error {
		return l.bucket.Forget(ctx, l.resource, uid, k.revision)
	})
	if err != nil {
		return err
	}
	l.set(uid, nil)
	return nil
}

// tell publishes one version. What is too large for a message is told without its content.
func (l *ledger) tell(ctx context.Context, id, action, number, manager string, w index.Workload, v version) error {
	o := v.object
	for {
		body, err := o.JSON()
		if err != nil {
			return err
		}
		logs := plog.NewLogs()
		r := l.scribe.record(logs, telemetry.EventObject, subjectOf(o, number, w), v.at, v.seen)
		r.Body().SetStr(string(body))
		r.Attributes().PutStr(telemetry.ObjectAction, action)
		put(r.Attributes(), telemetry.ObjectActor, manager)
		if len(v.diff) > 0 {
			diff, err := v.diff.JSON()
			if err != nil {
				return err
			}
			r.Attributes().PutStr(telemetry.ObjectDiff, diff)
		}
		err = l.publish(ctx, id, logs)
		if err == errTooLarge && len(o) > 0 { //nolint:errorlint // publish returns it bare
			l.counted.cut.Add(1)
			l.log.Warn("an object is told without its content: it is too large for a message", "resource", l.resource, "name", v.object.Name(), "bytes", len(body))
			o = identity(o)
			continue
		}
		if err == nil {
			l.counted.published.Add(1)
		}
		return err
	}
}

// tellChanges publishes what the difference means, all of a version in one message.
func (l *ledger) tellChanges(ctx context.Context, versions change.Versions, number string, v version) error {
	changes := change.Of(versions, l.index)
	if len(changes) == 0 {
		return nil
	}
	logs := plog.NewLogs()
	for _, c := range changes {
		l.scribe.change(logs, c, v, number)
	}
	if err := l.publish(ctx, v.object.UID()+"/"+number+"/changes", logs); err != nil {
		return err
	}
	l.counted.changes.Add(uint64(len(changes)))
	return nil
}

// change writes a change as docs/telemetry.md says.
func (w scribe) change(logs plog.Logs, c change.Change, v version, number string) {
	r := w.record(logs, c.Event, subjectOf(v.object, number, c.Workload), v.at, v.seen)
	r.Body().SetStr(c.Summary)
	a := r.Attributes()
	a.PutStr(telemetry.ChangeKind, c.Kind)
	a.PutStr(telemetry.ChangeBefore, c.Before)
	a.PutStr(telemetry.ChangeAfter, c.After)
	a.PutStr(telemetry.ChangeDetail, c.Detail)
	a.PutStr(telemetry.ChangeFile, c.File)
	put(a, telemetry.ObjectActor, c.Actor)
	a.PutStr(telemetry.ChangeID, strings.Join([]string{v.object.UID(), number, c.Kind}, "/"))
}
