package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
)

// pausing is a column that is not sent before it may.
type pausing struct {
	proto.ColUInt64
	when <-chan struct{}
}

func (p *pausing) EncodeColumn(b *proto.Buffer) { <-p.when; p.ColUInt64.EncodeColumn(b) }
func (p *pausing) WriteColumn(w *proto.Writer)  { <-p.when; p.ColUInt64.WriteColumn(w) }

// looking is a store that says when it is asked for the second time.
type looking struct {
	driver.Conn
	asked int
	again chan struct{}
}

func (l *looking) QueryRow(ctx context.Context, query string, args ...any) driver.Row {
	if l.asked++; l.asked == 2 {
		close(l.again)
	}
	return l.Conn.QueryRow(ctx, query, args...)
}

// insertUntil begins an insert into a table that ends once the channel is closed, and returns when it is the nth that runs.
func insertUntil(t *testing.T, db *store.DB, table string, n uint64, end <-chan struct{}) <-chan error {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		done <- db.Insert(context.WithoutCancel(t.Context()), table, []string{"n"}, func() []proto.Input {
			return []proto.Input{{{Name: "n", Data: proto.ColUInt64{1}}}, {{Name: "n", Data: &pausing{proto.ColUInt64{2}, end}}}}
		})
	}()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		var running uint64
		err := db.QueryRow(t.Context(), "SELECT count() FROM system.processes WHERE query_kind = 'Insert' AND current_database = currentDatabase()").Scan(&running)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("%d inserts run, want %d: %v", running, n, err)
		}
		if running == n {
			return done
		}
	}
}

// TestQuietWaitsForInsertsThatBeganBefore of other processes; of its own it knows what they are.
func TestQuietWaitsForInsertsThatBeganBefore(t *testing.T) {
	db, elsewhere := storetest.Empty(t), storetest.Empty(t)
	for _, db := range []*store.DB{db, elsewhere} {
		for _, table := range []string{"t", "t2"} {
			if err := db.Exec(t.Context(), "CREATE TABLE "+table+" (n UInt64) ENGINE = MergeTree ORDER BY n"); err != nil {
				t.Fatal(err)
			}
		}
	}
	other := storetest.Beside(t, db)
	if err := other.Quiet(t.Context(), "t"); err != nil {
		t.Error("nothing runs:", err)
	}
	endFirst, endSecond := make(chan struct{}), make(chan struct{})
	first := insertUntil(t, db, "t", 1, endFirst)
	short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := other.Quiet(short, "t"); !errors.Is(err, context.DeadlineExceeded) {
		t.Error("an insert runs:", err)
	}
	if err := errors.Join(db.Quiet(t.Context(), "t"), other.Quiet(t.Context(), "t2"), elsewhere.Quiet(t.Context(), "t")); err != nil {
		t.Error("nothing of others runs there:", err)
	}
	waited, again := make(chan error, 1), make(chan struct{})
	go func() { waited <- (&store.DB{Conn: &looking{Conn: db, again: again}}).Quiet(t.Context(), "t") }()
	<-again
	second := insertUntil(t, db, "t", 2, endSecond)
	close(endFirst)
	if err := errors.Join(<-first, <-waited); err != nil { // though the second still runs
		t.Error(err)
	}
	close(endSecond)
	if err := <-second; err != nil {
		t.Error(err)
	}
}

// TestQuietDoesNotWaitForWhatOthersInsert otherwise than by Insert: a request's rows do not come that way, and it may take hours.
func TestQuietDoesNotWaitForWhatOthersInsert(t *testing.T) {
	db := storetest.Empty(t)
	if err := db.Exec(t.Context(), "CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n"); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	defer end()
	ended := running(ctx, t, db, "INSERT INTO t SELECT number + sleepEachRow(1) FROM numbers(3600) SETTINGS max_block_size = 1")
	if err := storetest.Beside(t, db).Quiet(t.Context(), "t"); err != nil {
		t.Error(err)
	}
	select {
	case err := <-ended:
		t.Errorf("the insert did not run until then: %v", err)
	default:
	}
	end()
	if err := <-ended; err == nil {
		t.Error("it went on to its end")
	}
}
