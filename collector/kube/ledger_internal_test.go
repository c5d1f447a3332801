package kube

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/midwatch/midwatch/collector/kube/bucket"
	"github.com/midwatch/midwatch/collector/kube/index"
	"github.com/midwatch/midwatch/collector/kube/object"
)

// newDesk is a desk without JetStream: what is published stays in the journal's channel, what is to be kept with the keeper.
func newDesk(t *testing.T) *desk {
	t.Helper()
	j, err := newJournal(nil, "c", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	codec, err := bucket.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	return &desk{
		publisher: newPublisher(), journal: j, tail: &tail{}, codecV: codec, index: index.New(index.Config{}), skew: func() time.Duration { return 0 },
		keeper:  &keeper{room: semaphore.NewWeighted(maxOwed), log: j.log, owed: map[place]*debt{}, progresses: map[string]*progress{}},
		counted: &counters{}, log: j.log,
	}
}

// goes runs fn, which must return soon.
func goes(t *testing.T, what string, fn func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := fn(ctx); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// told waits until an entry is told.
func (d *desk) told(t *testing.T, id string) pending {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		select {
		case p := <-d.journal.entries:
			if p.id == id {
				return p
			}
		case <-ctx.Done():
			t.Fatalf("%s is not told", id)
			return pending{}
		}
	}
}

func sightOf(uid, version string) sighting {
	return sighting{
		object:  object.Object{"kind": "ConfigMap", "apiVersion": "v1", "metadata": map[string]any{"name": uid, "namespace": "default", "uid": uid, "resourceVersion": version}},
		version: version, seen: time.Now(),
	}
}

// TestWhatComesAndGoesBehindALanesBack: the watch tells of an object, expires while that waits in a lane, and the list does not tell of it any more.
func TestWhatComesAndGoesBehindALanesBack(t *testing.T) {
	d := newDesk(t)
	l := newLedger(d, "configmaps", false)
	goes(t, "see", func(ctx context.Context) error { s := sightOf("a", "5"); s.live = true; return l.see(ctx, s) })
	l.lists()
	listed := make(chan error, 1)
	go func() { listed <- l.listed(t.Context(), "7") }()
	go func() { _ = d.run(t.Context()) }()
	d.told(t, "a/5/deleted")
	if err := <-listed; err != nil {
		t.Error(err)
	}
}

// TestAListThatFailsCountsForNothing: what it told may be gone when the next one is complete.
func TestAListThatFailsCountsForNothing(t *testing.T) {
	d := newDesk(t)
	l := newLedger(d, "configmaps", false)
	s := sightOf("a", "5")
	s.listed = true
	l.lists()
	goes(t, "see", func(ctx context.Context) error { return l.see(ctx, s) })
	l.lists()
	go func() { _ = d.run(t.Context()) }()
	go func() { _ = l.listed(t.Context(), "7") }()
	d.told(t, "a/5/deleted")
}

// TestALongTailIsTakenOver: nothing writes the bucket before everything is loaded.
func TestALongTailIsTakenOver(t *testing.T) {
	d := newDesk(t)
	d.keeper.room = semaphore.NewWeighted(1)
	l := newLedger(d, "configmaps", false)
	ends := map[string]*known{}
	for _, uid := range []string{"a", "b", "c"} {
		s := sightOf(uid, "5")
		packed, err := d.codecV.Pack(bucket.Version{ResourceVersion: "5", Object: s.object})
		if err != nil {
			t.Fatal(err)
		}
		ends[uid] = &known{packed: packed, version: "5", seen: "5"}
	}
	goes(t, "recover", func(context.Context) error {
		done := make(chan struct{})
		go func() { defer close(done); l.recover(ends) }()
		select {
		case <-done:
			return nil
		case <-time.After(5 * time.Second):
			return errors.New("it waits for room that nobody makes")
		}
	})
	if len(d.keeper.owed) != 3 || len(l.known) != 3 {
		t.Errorf("%d owed, %d known", len(d.keeper.owed), len(l.known))
	}
}

// TestWhatTheBucketCannotTake is kept as which object it is: another try would never succeed, and nothing else would be kept behind it.
func TestWhatTheBucketCannotTake(t *testing.T) {
	d := newDesk(t)
	l := newLedger(d, "configmaps", false)
	s := sightOf("a", "5")
	noise, text := rand.NewChaCha8([32]byte{}), make([]byte, 1400<<10)
	for i := range text {
		text[i] = byte('!' + noise.Uint64()%90)
		if i%16 == 0 {
			text[i] = ' '
		}
	}
	s.object["spec"] = map[string]any{"text": string(text)}
	go func() { _ = d.run(t.Context()) }()
	goes(t, "enqueue", func(ctx context.Context) error {
		return l.enqueue(ctx, "a", s.size, l.progress.begin("5"), func(ctx context.Context, w work) error {
			return l.advance(ctx, nil, version{object: s.object, number: "5", at: s.seen, seen: s.seen}, w)
		})
	})
	goes(t, "done", d.told(t, "a/5/added").done)
	goes(t, "flush", d.flush)
	kept := d.keeper.owed[place{l, "a"}].packed
	v, err := d.codecV.Open(kept)
	if err != nil || len(kept) > 1<<10 || v.ResourceVersion != "5" || !v.Object.Bare() || v.Object.Name() != "a" {
		t.Errorf("%d bytes, %s, %v", len(kept), v.ResourceVersion, err)
	}
	if now := l.last(l.get("a")); now.Object.Bare() {
		t.Error("the next version is compared with nothing")
	}

	next := newLedger(d, "configmaps", false)
	next.set("a", knownAs(v, kept))
	next.lists()
	go func() { _ = next.listed(t.Context(), "9") }()
	d.told(t, "a/5/deleted")
}

// TestProgressBehindATail: what a predecessor told is known as such by whoever comes next, too.
func TestProgressBehindATail(t *testing.T) {
	p := newProgress(func() uint64 { return 10 })
	p.resume("5")
	p.follow(3)
	want := func(what, version string, after uint64) {
		t.Helper()
		if v, a := p.state(); v != version || a != after {
			t.Errorf("%s: version %s, after %d", what, v, a)
		}
	}
	want("nothing was told again", "5", 3)
	first, second := p.begin("6"), p.begin("7")
	p.finish(first)
	want("one was told again", "6", 3)
	p.caughtUp()
	want("another is under way", "6", 3)
	p.begin("8")
	p.finish(second)
	want("what is new is under way", "7", 10)
}
