package kube

import (
	"context"
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/midwatch/midwatch/collector/kube/bucket"
	"github.com/midwatch/midwatch/collector/kube/change"
	"github.com/midwatch/midwatch/collector/kube/index"
	"github.com/midwatch/midwatch/collector/kube/object"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// settle compares one sight with what was published and publishes what is new. It runs in the object's lane.
func (l *ledger) settle(ctx context.Context, s sighting, w work) error {
	uid := s.object.UID()
	k := l.get(uid)
	if l.replayed(s, k) {
		l.counted.replayed.Add(1)
		l.drop(w)
		return nil
	}
	v := l.prepare(s)
	if k != nil {
		if v.before = l.last(k); v.before != nil && v.before.Object.Bare() { // nothing to compare with
			v.before = nil
		}
	}
	if s.deleted {
		return l.end(ctx, k, v, w)
	}
	if v.before != nil {
		v.diff = v.tags.Changed(v.before.Tags, object.Compare(v.before.Object, v.object))
		if !v.diff.Matters(v.object.Kind()) {
			l.counted.equal.Add(1)
			l.set(uid, &known{k.packed, k.version, s.version, k.said})
			l.drop(w)
			return nil
		}
	}
	return l.advance(ctx, k, v, w)
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
func (l *ledger) vanish(ctx context.Context, uid string, w work) error {
	k := l.get(uid)
	if k == nil {
		l.drop(w)
		return nil
	}
	before := l.last(k)
	if before == nil { // gone, and nothing is known of it
		l.set(uid, nil)
		w.release()
		return l.keeper.owe(ctx, place{l, uid}, w.step, nil)
	}
	now := l.index.Now()
	l.index.Apply(index.Seen{Object: before.Object, Deleted: true, At: now})
	at := now
	if t := object.Touched(before.Object).Add(-l.skew()); t.After(before.At) && t.Before(now) { // it was being deleted
		at = t
	}
	return l.end(ctx, k, version{object: before.Object, tags: before.Tags, before: before, at: at, seen: now}, w)
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

// advance publishes a version that is new with what changed by it, and remembers it.
func (l *ledger) advance(ctx context.Context, k *known, v version, w work) error {
	action := telemetry.ObjectAdded
	if k != nil {
		action = telemetry.ObjectModified
	}
	if v.before != nil && v.at.Before(v.before.At) { // of another clock, or in the same second
		v.at = v.before.At
	}
	manager, subresource := v.managed.Actor(v.diff)
	var changes []change.Change
	if action == telemetry.ObjectModified && v.before != nil {
		changes = change.Of(change.Versions{
			Before: v.before.Object, After: v.object, Diff: v.diff, Manager: manager, Subresource: subresource, Since: v.at.Sub(v.before.At),
		}, l.index)
	} else if action == telemetry.ObjectAdded && !v.first {
		changes = change.Of(change.Versions{After: v.object, Manager: manager}, l.index)
	}
	t := telling{id: fmt.Sprintf("%s/%s/%s", v.object.UID(), v.number, action), action: action, number: v.number, manager: manager, changes: changes}
	return l.remember(ctx, t, v, bucket.Version{ResourceVersion: v.number, At: v.at, Said: said(v.at, v.seen), Tags: v.tags, Object: v.object}, w)
}

// said is since when questions about the past find a version: the store takes none as older than a day before it was seen.
func said(at, seen time.Time) time.Time {
	if earliest := seen.Add(-telemetry.SnapshotEvery); at.Before(earliest) {
		return earliest
	}
	return at
}

// remember publishes a version that is to be compared with the next, by whoever comes after if the bucket takes it.
func (l *ledger) remember(ctx context.Context, t telling, v version, kept bucket.Version, w work) error {
	packed, err := l.codecV.Pack(kept)
	if err != nil {
		return err
	}
	keep := packed
	if len(packed) > maxMessage {
		bare := kept
		bare.Object, bare.Tags = identity(kept.Object), nil
		if keep, err = l.codecV.Pack(bare); err != nil {
			return err
		}
	}
	if err := l.tell(ctx, t, v, keep, w); err != nil {
		return err
	}
	l.set(v.object.UID(), knownAs(kept, packed))
	return nil
}

// end publishes that an object is gone, under the version that was published last: whether its end is seen by a watch or found missing in a list, it
// is told under one id.
func (l *ledger) end(ctx context.Context, k *known, v version, w work) error {
	uid := v.object.UID()
	if v.before != nil && v.at.Before(v.before.At) {
		v.at = v.before.At
	}
	t := telling{
		id: fmt.Sprintf("%s/%s/%s", uid, k.version, telemetry.ObjectDeleted), action: telemetry.ObjectDeleted, number: k.version,
		changes: change.Of(change.Versions{Before: v.object}, l.index),
	}
	if err := l.tell(ctx, t, v, nil, w); err != nil {
		return err
	}
	l.set(uid, nil)
	return nil
}

// telling is how a version is told.
type telling struct {
	id, action, number, manager string
	changes                     []change.Change
}

// tell publishes one version and what changed by it, and once that is done has it kept. What is too large for a message is told without its content.
func (l *ledger) tell(ctx context.Context, t telling, v version, packed []byte, w work) error {
	of := l.index.WorkloadOf(v.object)
	for o := v.object; ; o = identity(o) {
		logs, err := l.version(o, of, t, v)
		if err != nil {
			return err
		}
		for _, c := range t.changes {
			l.scribe.change(logs, c, v, t.number)
		}
		err = l.journal.write(ctx, entry{t.id, logs, v.tags, func(ctx context.Context) error {
			l.counted.published.Add(1)
			l.counted.changes.Add(uint64(len(t.changes)))
			w.release()
			return l.keeper.owe(ctx, place{l, v.object.UID()}, w.step, packed)
		}})
		if err == errTooLarge && !o.Bare() { //nolint:errorlint // write returns it bare
			l.counted.cut.Add(1)
			l.log.Warn("an object is told without its content: it is too large for a message", "resource", l.resource, "name", v.object.Name())
			continue
		}
		return err
	}
}

// version writes the record of a version, with as much of the object as o is.
func (l *ledger) version(o object.Object, w index.Workload, t telling, v version) (plog.Logs, error) {
	logs := plog.NewLogs()
	body, err := o.JSON()
	if err != nil {
		return logs, err
	}
	r := l.scribe.record(logs, telemetry.EventObject, subjectOf(o, t.number, w), v.at, v.seen)
	r.Body().SetStr(string(body))
	r.Attributes().PutStr(telemetry.ObjectAction, t.action)
	put(r.Attributes(), telemetry.ObjectActor, t.manager)
	if len(v.diff) > 0 {
		diff, err := v.diff.JSON()
		if err != nil {
			return logs, err
		}
		r.Attributes().PutStr(telemetry.ObjectDiff, diff)
	}
	return logs, nil
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
