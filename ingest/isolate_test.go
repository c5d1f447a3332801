package ingest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// lines is a request of log records with these bodies, of one moment.
func lines(t *testing.T, at time.Time, texts ...string) []byte {
	t.Helper()
	ld := plog.NewLogs()
	list := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for _, body := range texts {
		l := list.AppendEmpty()
		l.SetTimestamp(pcommon.NewTimestampFromTime(at))
		l.Body().SetStr(body)
		l.SetEventName("test")
	}
	b, err := plogotlp.NewExportRequestFromLogs(ld).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// asWrite is a request on its way into the store, and what became of it.
func asWrite(t *testing.T, id string, body []byte) (*write, *error) {
	t.Helper()
	r := &rows{id: id, batch: batchOf(id), environment: "test", now: time.Now()}
	if err := r.decode(request{signal: telemetry.Logs, body: body}); err != nil {
		t.Fatal(err)
	}
	var result error
	w := &write{id: id, batch: r.batch, environment: "test", chunks: r.chunks(), bytes: r.expanded, done: make(chan struct{})}
	w.ended = func(err error) { result = err }
	return w, &result
}

// bodies is the bodies of logs in order, of each how often.
func bodies(t *testing.T, db *store.DB) string {
	t.Helper()
	var got []string
	if err := db.QueryRow(t.Context(), "SELECT arraySort(groupArray(body)) FROM logs").Scan(&got); err != nil {
		t.Fatal(err)
	}
	return strings.Join(got, " ")
}

// TestRowsThatTheStoreRefuses sends three requests together; the store refuses two rows of the second. It is the same after the sender, who may
// not have heard the answer, sends it again.
func TestRowsThatTheStoreRefuses(t *testing.T) {
	db := storetest.Open(t)
	if err := db.Exec(t.Context(), "ALTER TABLE logs ADD CONSTRAINT harmless CHECK NOT startsWith(body, 'poison')"); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for range 2 {
		s := notServing(t, db)
		first, err1 := asWrite(t, "first", lines(t, now, "a", "b"))
		second, err2 := asWrite(t, "second", lines(t, now, "c", "poison 1", "d", "e", "poison 2"))
		third, err3 := asWrite(t, "third", lines(t, now, "f"))
		group := []*write{first, second, third}
		for _, w := range group {
			w.doubtful = true // as after a restart
		}
		s.insert(t.Context(), group)
		if *err1 != nil || *err2 != nil || *err3 != nil || first.refused+third.refused != 0 || second.refused != 2 {
			t.Fatalf("%v, %v, %v; refused %d, %d, %d", *err1, *err2, *err3, first.refused, second.refused, third.refused)
		}
		if got := bodies(t, db); got != "a b c d e f" {
			t.Errorf("stored %s", got)
		}
	}
	var letters string
	if err := db.QueryRow(t.Context(), `SELECT toString(arraySort(groupArray((environment, target, reason, request, bitAnd(row_number, 0xffffffff), JSONExtractString(content, 'body'))))) FROM dead_letters FINAL`).
		Scan(&letters); err != nil {
		t.Fatal(err)
	}
	want := `[('test','logs','VIOLATED_CONSTRAINT','second',1,'poison 1'),('test','logs','VIOLATED_CONSTRAINT','second',4,'poison 2')]`
	if diff := cmp.Diff(want, letters); diff != "" {
		t.Error(diff)
	}
}

// TestStoreThatRefusesEverything does not set aside what is as good as any: its sender comes back. Once it takes other rows it is these that it does
// not want, and nobody has to come for ever.
func TestStoreThatRefusesEverything(t *testing.T) {
	db := storetest.Open(t)
	if err := db.Exec(t.Context(), "ALTER TABLE logs ADD CONSTRAINT few CHECK body = 'good'"); err != nil {
		t.Fatal(err)
	}
	var many []string
	for i := range 2 * maxRefused {
		many = append(many, fmt.Sprint("line ", i))
	}
	now := time.Now()
	s := notServing(t, db)
	letters := func() (n uint64) {
		if err := db.QueryRow(t.Context(), "SELECT count() FROM dead_letters FINAL").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	w, err := asWrite(t, "id", lines(t, now, many...))
	if s.insert(t.Context(), []*write{w}); *err == nil || w.refused != 0 || letters() != 0 {
		t.Errorf("%v, %d rows set aside", *err, w.refused)
	}
	good, _ := asWrite(t, "good", lines(t, now, "good"))
	s.insert(t.Context(), []*write{good})
	w, err = asWrite(t, "id", lines(t, now, many...))
	if s.insert(t.Context(), []*write{w}); *err != nil || w.refused != 2*maxRefused || letters() != 2*maxRefused {
		t.Errorf("%v, %d rows set aside, %d dead letters", *err, w.refused, letters())
	}
}

// TestManyRowsThatTheStoreRefuses ends, and of what is not looked at row by row the ranges that are taken are stored.
func TestManyRowsThatTheStoreRefuses(t *testing.T) {
	db := storetest.Open(t)
	if err := db.Exec(t.Context(), "ALTER TABLE logs ADD CONSTRAINT harmless CHECK NOT startsWith(body, 'poison')"); err != nil {
		t.Fatal(err)
	}
	many := []string{"first"}
	for i := range 3 * maxRefused {
		many = append(many, fmt.Sprint("poison ", i))
	}
	s := notServing(t, db)
	w, err := asWrite(t, "id", lines(t, time.Now(), append(many, "last")...))
	s.insert(t.Context(), []*write{w})
	if *err != nil || !strings.HasPrefix(bodies(t, db), "first") || w.refused < 3*maxRefused || w.refused > 3*maxRefused+1 {
		t.Errorf("%v, %d rows set aside, stored %s", *err, w.refused, bodies(t, db))
	}
	var n uint64
	if err := db.QueryRow(t.Context(), "SELECT (SELECT count() FROM dead_letters FINAL) + (SELECT count() FROM logs)").Scan(&n); err != nil || n != uint64(len(many)+1) {
		t.Errorf("%d of %d rows are somewhere, %v", n, len(many)+1, err)
	}
}

// TestViewThatFails after the rows were stored does not make them stored again.
func TestViewThatFails(t *testing.T) {
	db := storetest.Open(t)
	for _, q := range []string{
		"CREATE TABLE seen (body String) ENGINE = MergeTree ORDER BY body",
		"CREATE MATERIALIZED VIEW seen_mv TO seen AS SELECT throwIf(body = 'b', 'no')::String AS body FROM logs",
	} {
		if err := db.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	s := notServing(t, db)
	w, err := asWrite(t, "id", lines(t, time.Now(), "a", "b", "c"))
	s.insert(t.Context(), []*write{w})
	if *err != nil {
		t.Fatal(*err)
	}
	var somewhere []string
	if err := db.QueryRow(t.Context(), `SELECT arraySort(groupArray(b)) FROM (SELECT body AS b FROM logs UNION ALL SELECT JSONExtractString(content, 'body') FROM dead_letters)`).
		Scan(&somewhere); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, somewhere); diff != "" {
		t.Errorf("each row once, wherever (-want +got):\n%s", diff)
	}
}

// TestHalfARequestIsMadeWhole finds a part of a request's rows: whoever stored them one by one died.
func TestHalfARequestIsMadeWhole(t *testing.T) {
	db := storetest.Open(t)
	now := time.Now()
	s := notServing(t, db)
	half, _ := asWrite(t, "id", lines(t, now, "a", "b"))
	other, _ := asWrite(t, "other", lines(t, now, "x"))
	s.insert(t.Context(), []*write{half, other})
	whole, err := asWrite(t, "id", lines(t, now, "a", "b", "c"))
	whole.doubtful = true
	s.insert(t.Context(), []*write{whole})
	if got := bodies(t, db); got != "a b c x" || *err != nil {
		t.Errorf("stored %s, %v", got, *err)
	}
	var events uint64
	if err := db.QueryRow(t.Context(), "SELECT count() FROM events").Scan(&events); err != nil || events != 4 {
		t.Errorf("%d events, %v; want one of each record", events, err)
	}
	if from, _, ok := s.dirty.closed(now.Add(time.Hour)); !ok || from.After(now) {
		t.Error("the rollups of its minute are not looked at")
	}
}

// TestStoreThatIsOutOfSomething is none of the rows' business.
func TestStoreThatIsOutOfSomething(t *testing.T) {
	db := storetest.Open(t)
	for _, code := range []proto.Error{proto.ErrTooManyParts, proto.ErrMemoryLimitExceeded, proto.ErrNotEnoughSpace} {
		s := notServing(t, exhausted{db, code})
		w, err := asWrite(t, "id", lines(t, time.Now(), "a", "b"))
		s.insert(t.Context(), []*write{w})
		if *err == nil || w.refused != 0 || !w.doubtful {
			t.Errorf("%s: %v, %d refused", code, *err, w.refused)
		}
	}
}

// exhausted is a store that takes nothing and says why; how often it is asked does not matter.
type exhausted struct {
	Store
	code proto.Error
}

func (r exhausted) Insert(context.Context, string, []proto.Input) error {
	return &store.ServerError{Code: int(r.code), Name: r.code.String(), Table: "logs"}
}
