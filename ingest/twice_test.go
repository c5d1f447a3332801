package ingest

import (
	"context"
	"errors"
	"testing"
	"time"

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
	notServing(t, db).insert(t.Context(), []*write{second})
	<-first.done
	if got := bodies(t, db); got != "a b c" || *err1 != nil || *err2 != nil {
		t.Errorf("stored %s, %v, %v", got, *err1, *err2)
	}
}

// TestWhatNobodyWaitsForIsNotSent lets a sender go while its request waits: it sends it to another ingester, which finds nothing of it in the store.
func TestWhatNobodyWaitsForIsNotSent(t *testing.T) {
	db := storetest.Open(t)
	s := notServing(t, db)
	s.fates.lookAll = time.Time{} // the process before is long gone
	now := time.Now()
	type sent struct {
		leave context.CancelFunc
		ended chan error
	}
	send := func(id, body string) sent {
		ctx, leave := context.WithCancel(t.Context())
		out := sent{leave, make(chan error, 1)}
		before := len(s.batcher.queue)
		go func() {
			_, _, err := s.export(ctx, request{signal: telemetry.Logs, id: id, body: lines(t, now, body), hold: s.memory.hold()})
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
	if err := <-gone.ended; !errors.Is(err, errLeft) || !errors.Is(err, context.Canceled) {
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
	if used := s.memory.used.Load(); used != 0 {
		t.Errorf("%d bytes are still reserved", used)
	}
	if is, wait := s.fates.begin("gone", time.Now()); is != unseen || wait != nil {
		t.Errorf("its fate is %d, want that of a request that never came", is)
	}
}
