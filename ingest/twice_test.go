package ingest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/midwatch/midwatch/ingest/receive"
	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// TestInsertOfAnotherIngesterThatStillRuns sends a request through two ingesters. The store is slow with the first's rows, and the second looks them
// up before they are there.
func TestInsertOfAnotherIngesterThatStillRuns(t *testing.T) {
	db := storetest.Open(t)
	if err := db.Exec(t.Context(), "ALTER TABLE logs ADD CONSTRAINT slow CHECK sleepEachRow(0.7) = 0"); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	first, err1 := asWrite(t, "id", lines(t, now, "a", "b", "c"))
	second, err2 := asWrite(t, "id", lines(t, now, "a", "b", "c"))
	second.doubtful = true // redelivered
	go notServing(t, db).insert(context.WithoutCancel(t.Context()), []*write{first})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		var running uint64
		err := db.QueryRow(t.Context(), "SELECT count() FROM system.processes WHERE query_kind = 'Insert' AND current_database = currentDatabase()").Scan(&running)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("the insert does not run: %v", err)
		}
		if running == 1 {
			break
		}
	}
	notServing(t, storetest.Beside(t, db)).insert(t.Context(), []*write{second})
	<-first.done
	if got := bodies(t, db); got != "a b c" || *err1 != nil || *err2 != nil {
		t.Errorf("stored %s, %v, %v", got, *err1, *err2)
	}
}

// called is a request of log records with an id.
func called(id string, body []byte) receive.Request {
	q := sent(telemetry.Logs, body)
	q.ID = id
	return q
}

// TestWhatNobodyWaitsForIsNotSent lets a sender go while its request waits: it sends it to another ingester, which finds nothing of it in the store.
func TestWhatNobodyWaitsForIsNotSent(t *testing.T) {
	db := storetest.Open(t)
	s := notServing(t, db)
	s.fates.lookAll = time.Time{} // the process before is long gone
	now := time.Now()
	type sending struct {
		leave context.CancelFunc
		ended chan error
	}
	send := func(id, body string) sending {
		ctx, leave := context.WithCancel(t.Context())
		out := sending{leave, make(chan error, 1)}
		before := len(s.batcher.queue)
		go func() {
			_, err := s.export(ctx, called(id, lines(t, now, body)))
			out.ended <- err
		}()
		for deadline := time.Now().Add(time.Minute); len(s.batcher.queue) == before; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("not queued")
			}
		}
		return out
	}
	gone, stays := send("gone", "a"), send("stays", "b")
	gone.leave()
	if err := <-gone.ended; !errors.Is(err, receive.ErrLeft) || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	defer stays.leave()
	s.startBatcher(t.Context())() // until the queue is empty
	if err := <-stays.ended; err != nil {
		t.Error(err)
	}
	if got := bodies(t, db); got != "b" {
		t.Errorf("stored %s", got)
	}
	if used := s.memory.Used(); used != 0 {
		t.Errorf("%d bytes are still reserved", used)
	}
	if was, wait := s.fates.begin("gone", time.Now(), false); was.is != unseen || wait != nil {
		t.Errorf("its fate is %d, want that of a request that never came", was.is)
	}
}

// leaving is a store at whose nth insert a sender goes away.
type leaving struct {
	*store.DB
	at    int
	leave context.CancelFunc
}

func (l *leaving) Insert(ctx context.Context, table string, columns []string, blocks func() []proto.Input) error {
	if l.at--; l.at == 0 {
		l.leave()
	}
	return l.DB.Insert(ctx, table, columns, blocks)
}

// TestWhoLeavesDuringItsGroup has sent records of two days. What was not sent by then is not sent any more: another ingester finds as much of the
// request as it will ever find, and stores the rest.
func TestWhoLeavesDuringItsGroup(t *testing.T) {
	now := time.Now()
	for at, want := range map[int]struct {
		bodies string
		is     fate
	}{1: {"other other", unseen}, 2: {"a other other", unknown}} {
		db := storetest.Open(t)
		ctx, leave := context.WithCancel(t.Context())
		s := notServing(t, &leaving{db, at, leave})
		s.fates.lookAll = time.Time{} // the process before is long gone
		both := append(lines(t, now.Add(-24*time.Hour), "a"), lines(t, now, "b")...)
		other := append(lines(t, now.Add(-24*time.Hour), "other"), lines(t, now, "other")...)
		ended := make(chan error, 2)
		go func() {
			_, err := s.export(ctx, called("gone", both))
			ended <- err
		}()
		go func() {
			_, err := s.export(t.Context(), called("stays", other))
			ended <- err
		}()
		for deadline := time.Now().Add(time.Minute); len(s.batcher.queue) < 2; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("not queued")
			}
		}
		stop := s.startBatcher(t.Context())
		if first, second := <-ended, <-ended; errors.Is(first, receive.ErrLeft) == errors.Is(second, receive.ErrLeft) {
			t.Errorf("%v, %v; want that one left", first, second)
		}
		stop()
		if got := bodies(t, db); got != want.bodies {
			t.Errorf("left at insert %d: stored %s, want %s", at, got, want.bodies)
		}
		if was, _ := s.fates.begin("gone", time.Now(), false); was.is != want.is {
			t.Errorf("left at insert %d: its fate is %d, want %d", at, was.is, want.is)
		}
		another := notServing(t, storetest.Beside(t, db))
		again := called("gone", both)
		again.Redelivered = true
		stop = another.startBatcher(t.Context())
		if _, err := another.export(t.Context(), again); err != nil {
			t.Error(err)
		}
		stop()
		if got := bodies(t, db); got != "a b other other" {
			t.Errorf("left at insert %d: stored %s", at, got)
		}
	}
}
