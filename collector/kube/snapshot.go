package kube

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/midwatch/midwatch/internal/telemetry"
)

const (
	snapshotSpread = 55 * time.Minute      // over which those that are due at once are said; within the hour that questions look back further
	snapshotPause  = 10 * time.Millisecond // between two
)

// repeat says again, until ctx ends, what has not been said for SnapshotEvery.
func (l *ledger) repeat(ctx context.Context, look time.Duration) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		for _, uid := range l.due(l.index.Now()) {
			if err := l.enqueue(ctx, uid, 0, l.progress.begin(""), func(ctx context.Context, w work) error { return l.again(ctx, uid, w) }); err != nil {
				return nil // ctx ended
			}
			select {
			case <-time.After(snapshotPause):
			case <-ctx.Done():
				return nil
			}
		}
	}
}

func (l *ledger) due(now time.Time) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for uid, k := range l.known {
		if !now.Before(dueAt(uid, k.said)) {
			out = append(out, uid)
		}
	}
	return out
}

func dueAt(uid string, said time.Time) time.Time {
	h := fnv.New32a()
	_, _ = h.Write([]byte(uid)) // never fails
	return said.Add(telemetry.SnapshotEvery).Add(time.Duration(h.Sum32()) % snapshotSpread)
}

func (l *ledger) again(ctx context.Context, uid string, w work) error {
	k, now := l.get(uid), l.index.Now()
	if k == nil || now.Before(dueAt(uid, k.said)) { // it changed meanwhile
		l.drop(w)
		return nil
	}
	last := l.last(k)
	if last == nil { // it is looked at anew when it changes
		l.drop(w)
		return nil
	}
	l.counted.snapshots.Add(1)
	t := telling{
		id: fmt.Sprintf("%s/%s/%s/%d", uid, k.version, telemetry.ObjectSnapshot, k.said.Unix()), action: telemetry.ObjectSnapshot, number: k.version,
	}
	kept := *last
	kept.Said = now
	return l.remember(ctx, t, version{object: last.Object, tags: last.Tags, at: now, seen: now}, kept, w)
}
