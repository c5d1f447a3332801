package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
)

// wantDroppedBefore says since how many days nothing of a table was dropped; negative: nothing ever was.
func wantDroppedBefore(t *testing.T, db *store.DB, table string, ago int) {
	t.Helper()
	var want time.Time
	if ago >= 0 {
		want = time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -ago)
	}
	if got, err := db.DroppedBefore(t.Context(), table); err != nil || !got.Equal(want) {
		t.Errorf("%s were dropped before %s, %v; want %s", table, got, err, want)
	}
}

// TestWhatWasDroppedIsKnown also when a day is dropped again that is older than one that was before, by a process that begins later, and only of tables
// that had it.
func TestWhatWasDroppedIsKnown(t *testing.T) {
	db := storetest.Open(t)
	span := func(ago int) {
		t.Helper()
		if err := db.Exec(t.Context(), fmt.Sprintf("INSERT INTO spans (time, service, kind) SELECT now() - INTERVAL %d DAY, 'cart', 'server'", ago)); err != nil {
			t.Fatal(err)
		}
	}
	wantDroppedBefore(t, db, "spans", -1)
	for _, ago := range []int{0, 8, 9} {
		span(ago)
	}
	const week = 7 * 24 * time.Hour
	if _, err := db.Retain(t.Context(), week); err != nil {
		t.Fatal(err)
	}
	wantDroppedBefore(t, db, "spans", 7)
	span(9) // late
	if dropped, err := storetest.Beside(t, db).Retain(t.Context(), week); err != nil || len(dropped) == 0 {
		t.Fatalf("dropped %v, %v", dropped, err)
	}
	for table, ago := range map[string]int{"spans": 7, "request_minutes": 7, "edge_minutes": -1, "logs": -1} {
		wantDroppedBefore(t, storetest.Beside(t, db), table, ago)
	}
}

// dying is a store whose process dies before, or after, it drops anything.
type dying struct {
	driver.Conn
	after bool
}

func (d dying) Exec(ctx context.Context, query string, args ...any) error {
	if !strings.Contains(query, "DROP PARTITION") {
		return d.Conn.Exec(ctx, query, args...)
	}
	var err error
	if d.after {
		err = d.Conn.Exec(ctx, query, args...)
	}
	return errors.Join(err, errors.New("died"))
}

// TestADayThatWentIsKnown wherever the process that dropped it died.
func TestADayThatWentIsKnown(t *testing.T) {
	for _, after := range []bool{false, true} {
		db := storetest.Open(t)
		if err := db.Exec(t.Context(), "INSERT INTO logs (time, service) SELECT now() - INTERVAL 20 DAY, 'cart'"); err != nil {
			t.Fatal(err)
		}
		other := storetest.Beside(t, db)
		db.Conn = dying{db.Conn, after}
		if _, err := db.Retain(t.Context(), 7*24*time.Hour); err == nil {
			t.Error("nobody died")
		}
		wantDroppedBefore(t, other, "logs", 19)
	}
}

// unnoting is a server whose user may drop partitions and no more, or whose disk has no room for a note.
type unnoting struct{ driver.Conn }

func (u unnoting) Exec(ctx context.Context, query string, args ...any) error {
	if strings.Contains(query, "MODIFY COMMENT") {
		return &clickhouse.Exception{Code: 243, Name: "NOT_ENOUGH_SPACE", Message: "no space left"}
	}
	return u.Conn.Exec(ctx, query, args...)
}

// TestADayGoesThatCannotBeNoted, and that is told.
func TestADayGoesThatCannotBeNoted(t *testing.T) {
	db := storetest.Open(t)
	if err := db.Exec(t.Context(), "INSERT INTO logs (time, service) SELECT now() - INTERVAL 20 DAY, 'cart'"); err != nil {
		t.Fatal(err)
	}
	db.Conn = unnoting{db.Conn}
	dropped, err := db.Retain(t.Context(), 7*24*time.Hour)
	if err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("it is told as %v", err)
	}
	if !slices.ContainsFunc(dropped, func(d store.Dropped) bool { return d.Table == "logs" }) {
		t.Errorf("dropped %v", dropped)
	}
	var rows uint64
	if err := db.QueryRow(t.Context(), "SELECT count() FROM logs").Scan(&rows); err != nil || rows != 0 {
		t.Errorf("%d rows are there, %v", rows, err)
	}
}
