package ingest

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/midwatch/midwatch/ingest/block"
)

// hanging is a store that answers an insert when its sender does not wait any more.
type hanging struct{ Store }

func (hanging) Insert(ctx context.Context, _ string, _ []string, _ func() []proto.Input) error {
	<-ctx.Done()
	return ctx.Err()
}

// TestARepairWaitsForNoInsertForLong has one that is not answered in time, and others that come behind the repair.
func TestARepairWaitsForNoInsertForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := notServing(t, hanging{})
		began := time.Now()
		insert := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), insertDeadline)
			defer cancel()
			return s.put(ctx, "logs", []block.Block{{}}, func(int) bool { return true })
		}
		first, behind := make(chan error, 1), make(chan time.Duration, 1)
		go func() { first <- insert() }()
		synctest.Wait()
		go func() {
			time.Sleep(time.Second)
			_ = s.inserting.Acquire(t.Context(), 1)
			defer s.inserting.Release(1)
			behind <- time.Since(began)
		}()
		err := s.alone(t.Context(), func(context.Context) error {
			t.Error("something is repaired while something is inserted")
			return nil
		})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != maxTurn {
			t.Errorf("the repair gave up after %s: %v", time.Since(began), err)
		}
		if waited := <-behind; waited != maxTurn {
			t.Errorf("an insert that came behind waited until %s", waited)
		}
		if err := <-first; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the insert that the repair waited for: %v", err)
		}
		if err := s.alone(t.Context(), func(context.Context) error { return insertWhile(t, s) }); err != nil {
			t.Errorf("a repair while nothing is inserted: %v", err)
		}
	})
}

// insertWhile inserts while a repair is at work, which is not done until its time is over.
func insertWhile(t *testing.T, s *Server) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := s.put(ctx, "logs", []block.Block{{}}, func(int) bool { return true }); !errors.Is(err, context.DeadlineExceeded) || s.inserts.since("logs", time.Time{}) {
		t.Errorf("inserted while something is repaired: %v", err)
	}
	return nil
}

// TestARepairThatGivesUpComesAgain because what it was of is still dirty.
func TestARepairThatGivesUpComesAgain(t *testing.T) {
	w := watch(t)
	now := time.Now()
	w.served(t, now.Add(-10*time.Minute))
	w.empty(t, "log_minutes")
	if err := w.s.inserting.Acquire(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	ctx, giveUp := context.WithCancel(t.Context())
	go func() {
		for !w.locked() { // nor is it while a repair waits for it
			time.Sleep(time.Millisecond)
		}
		giveUp()
	}()
	w.s.dirty.mark(now.Add(-time.Hour), now)
	if err := w.s.reconcileOnce(ctx, now); !errors.Is(err, context.Canceled) || w.changes > 0 {
		t.Errorf("%d changes while something is inserted; %v", w.changes, err)
	}
	w.s.inserting.Release(1)
	if err := w.s.reconcileOnce(t.Context(), now); err != nil {
		t.Error(err)
	}
	if n := counted(t, w.DB, "SELECT sum(lines) FROM log_minutes"); n != 1 {
		t.Errorf("%d lines, want the one that was missing", n)
	}
}
