package ingest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/midwatch/midwatch/ingest/otlp"
	"github.com/midwatch/midwatch/ingest/receive"
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
	return asWriteAt(t, time.Now(), id, body)
}

// asWriteAt is a request that came at a moment.
func asWriteAt(t *testing.T, now time.Time, id string, body []byte) (*write, *error) {
	t.Helper()
	r := otlp.New(otlp.Config{ID: id, Batch: batchOf(id), Environment: "test", Now: now})
	if err := r.Decode(otlp.Request{Signal: telemetry.Logs, Body: body}); err != nil {
		t.Fatal(err)
	}
	var result error
	w := &write{id: id, batch: r.Batch, environment: "test", chunks: r.Chunks(), bytes: r.Bytes(), done: make(chan struct{})}
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
		if *err1 != nil || *err2 != nil || *err3 != nil || len(first.refused)+len(third.refused) != 0 || second.refused["logs"] != 2 {
			t.Fatalf("%v, %v, %v; refused %v, %v, %v", *err1, *err2, *err3, first.refused, second.refused, third.refused)
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
	if s.insert(t.Context(), []*write{w}); *err == nil || len(w.refused) != 0 || letters() != 0 {
		t.Errorf("%v, %v rows set aside", *err, w.refused)
	}
	good, _ := asWrite(t, "good", lines(t, now, "good"))
	s.insert(t.Context(), []*write{good})
	w, err = asWrite(t, "id", lines(t, now, many...))
	if s.insert(t.Context(), []*write{w}); *err != nil || w.refused["logs"] != 2*maxRefused || letters() != 2*maxRefused {
		t.Errorf("%v, %v rows set aside, %d dead letters", *err, w.refused, letters())
	}
}

// TestRowsOfATableThatNobodyElseWrites are given up in the end: nothing will ever show that the store takes others.
func TestRowsOfATableThatNobodyElseWrites(t *testing.T) {
	db := storetest.Open(t)
	if err := db.Exec(t.Context(), "ALTER TABLE logs ADD CONSTRAINT few CHECK body = 'good'"); err != nil {
		t.Fatal(err)
	}
	now, s := time.Now(), notServing(t, db)
	w, err := asWrite(t, "id", lines(t, now, "a", "b"))
	if s.insert(t.Context(), []*write{w}); *err == nil || len(w.refused) != 0 {
		t.Fatalf("%v, %v rows set aside at once", *err, w.refused)
	}
	for of, is := range s.suspects.of {
		is.since = is.since.Add(-maxSuspicion)
		s.suspects.of[of] = is
	}
	w, err = asWrite(t, "id", lines(t, now, "a", "b"))
	if s.insert(t.Context(), []*write{w}); *err != nil || w.refused["logs"] != 2 {
		t.Errorf("%v, %v rows set aside after %s", *err, w.refused, maxSuspicion)
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
	if *err != nil || !strings.HasPrefix(bodies(t, db), "first") || w.refused["logs"] < 3*maxRefused || w.refused["logs"] > 3*maxRefused+1 {
		t.Errorf("%v, %v rows set aside, stored %s", *err, w.refused, bodies(t, db))
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
	if from, _, ok := s.dirty.take(now.Add(time.Hour)); !ok || from.After(now) {
		t.Error("the rollups of its minute are not looked at")
	}
}

// TestStoreThatIsOutOfSomething is none of the rows' business.
func TestStoreThatIsOutOfSomething(t *testing.T) {
	db := storetest.Open(t)
	for _, code := range []proto.Error{
		proto.ErrTooManyParts, proto.ErrMemoryLimitExceeded, proto.ErrNotEnoughSpace, proto.ErrStdException, proto.ErrPocoException, proto.ErrUnknownException,
		proto.ErrLogicalError, proto.ErrServerOverloaded, proto.ErrQuotaExceeded, proto.ErrNoZookeeper, proto.ErrDeadlockAvoided, proto.ErrCannotReadAllData,
	} {
		s := notServing(t, &ailing{Store: db, code: code, left: 2}) // it recovers before anything could be set aside
		w, err := asWrite(t, "id", lines(t, time.Now(), "a", "b"))
		s.insert(t.Context(), []*write{w})
		if *err == nil || len(w.refused) != 0 || !w.doubtful {
			t.Errorf("%s: %v, %v refused", code, *err, w.refused)
		}
	}
}

// ailing is a store that refuses as many inserts of log records as are left, and says why.
type ailing struct {
	Store
	code    proto.Error
	left    int
	inserts int // so far
	quiets  int
	gone    int // the insert from which on it does not answer; 0: none
	leaving int // the insert at which leaves is closed; 0: none
	leaves  chan struct{}
}

func (a *ailing) Insert(ctx context.Context, table string, columns []string, blocks func() []proto.Input) error {
	a.inserts++
	if a.leaving > 0 && a.inserts == a.leaving {
		close(a.leaves)
	}
	if a.gone > 0 && a.inserts >= a.gone {
		return context.DeadlineExceeded
	}
	if table == "logs" && a.left > 0 {
		a.left--
		return &store.ServerError{Code: int(a.code), Name: a.code.String(), Table: table}
	}
	return a.Store.Insert(ctx, table, columns, blocks)
}

func (a *ailing) Quiet(ctx context.Context, table string) error {
	a.quiets++
	return a.Store.Quiet(ctx, table)
}

// TestStoreThatRecovers refuses rows for a reason nobody has heard of, until it does not: at any moment of the search none of them is the rows' fault.
func TestStoreThatRecovers(t *testing.T) {
	now := time.Now()
	own := storetest.Open(t)
	for left := 1; left <= 12; left++ {
		db := &ailing{Store: own, code: 12345, left: left}
		s := notServing(t, db)
		for attempt := 0; ; attempt++ {
			w, err := asWrite(t, fmt.Sprint(left), lines(t, now, "a", "b", "c", "d"))
			w.doubtful = attempt > 0
			s.insert(t.Context(), []*write{w})
			if len(w.refused) > 0 || attempt > left {
				t.Fatalf("refuses %d times: %v rows set aside in attempt %d", left, w.refused, attempt)
			}
			if *err == nil {
				break
			}
		}
		if n := counted(t, db, fmt.Sprintf("SELECT 10 * count() + uniqExact(body) FROM logs WHERE batch_id = %d", batchOf(fmt.Sprint(left)))); n != 44 {
			t.Errorf("refuses %d times: %d, want 4 rows, each once", left, n)
		}
	}
}

// TestSearchThatIsInterrupted goes on where it was, and waits for nobody's inserts at each step.
func TestSearchThatIsInterrupted(t *testing.T) {
	db := &ailing{Store: storetest.Open(t)}
	if err := db.Exec(t.Context(), "ALTER TABLE logs ADD CONSTRAINT harmless CHECK NOT startsWith(body, 'poison')"); err != nil {
		t.Fatal(err)
	}
	var texts []string
	for i := range 64 {
		texts = append(texts, fmt.Sprintf("row %02d", i))
	}
	texts[7], texts[40] = "poison 1", "poison 2"
	now := time.Now()
	s := notServing(t, db)
	db.gone = 2 + 12 // the group, the whole, then to the first row and to half of the rest
	w, err := asWrite(t, "id", lines(t, now, texts...))
	if s.insert(t.Context(), []*write{w}); *err == nil {
		t.Fatal("it was not interrupted")
	}
	first := db.inserts
	db.gone = 0
	w, err = asWrite(t, "id", lines(t, now, texts...))
	w.doubtful = true
	s.insert(t.Context(), []*write{w})
	if *err != nil || w.refused["logs"] != 2 {
		t.Fatalf("%v, %v rows set aside", *err, w.refused)
	}
	if n := counted(t, db, "SELECT count() FROM logs"); n != 62 {
		t.Errorf("%d rows are stored, want 62", n)
	}
	if n := counted(t, db, "SELECT count() FROM dead_letters FINAL"); n != 2 {
		t.Errorf("%d dead letters, want 2", n)
	}
	if again := db.inserts - first; again > 2+2*6+2+1 { // as for one row alone, and both once more
		t.Errorf("%d inserts in the second attempt, %d in the first", again, first)
	}
	if db.quiets > 3 {
		t.Errorf("waited %d times for others' inserts", db.quiets)
	}
}

// TestSearchEndsWhenItsSenderLeaves: another ingester may have the request by then, which waits for no insert that is still to come.
func TestSearchEndsWhenItsSenderLeaves(t *testing.T) {
	leave := make(chan struct{})
	db := &ailing{Store: storetest.Open(t), leaves: leave, leaving: 2 + 12}
	if err := db.Exec(t.Context(), "ALTER TABLE logs ADD CONSTRAINT harmless CHECK NOT startsWith(body, 'poison')"); err != nil {
		t.Fatal(err)
	}
	var texts []string
	for i := range 64 {
		texts = append(texts, fmt.Sprintf("row %02d", i))
	}
	texts[7], texts[40] = "poison 1", "poison 2"
	now := time.Now()
	s := notServing(t, db)
	w, err := asWrite(t, "id", lines(t, now, texts...))
	w.left = leave
	if s.insert(t.Context(), []*write{w}); !errors.Is(*err, receive.ErrLeft) {
		t.Fatalf("%v, want ErrLeft", *err)
	}
	const stored = "SELECT count() FROM logs"
	there := counted(t, db, stored)
	if there == 0 || there >= 62 {
		t.Fatalf("%d rows are stored: the test looks at the wrong moment", there)
	}
	w, err = asWrite(t, "id", lines(t, now, texts...))
	w.doubtful = true
	if s.insert(t.Context(), []*write{w}); *err != nil || w.refused["logs"] != 2 {
		t.Fatalf("%v, %v rows set aside", *err, w.refused)
	}
	if n := counted(t, db, stored); n != 62 {
		t.Errorf("%d rows are stored, want 62", n)
	}
}

// TestWhatCannotBeLookedUpFailsAlone: the others of its group are stored, and need no look-up themselves.
func TestWhatCannotBeLookedUpFailsAlone(t *testing.T) {
	db := storetest.Open(t)
	s := notServing(t, blind{db})
	doubtful, err1 := asWrite(t, "doubtful", lines(t, time.Now(), "a"))
	doubtful.doubtful = true
	sure, err2 := asWrite(t, "sure", lines(t, time.Now(), "b"))
	s.insert(t.Context(), []*write{doubtful, sure})
	if *err1 == nil || *err2 != nil || sure.doubtful {
		t.Errorf("%v, %v, doubtful %v", *err1, *err2, sure.doubtful)
	}
	if got := bodies(t, db); got != "b" {
		t.Errorf("stored %s", got)
	}
}

// blind cannot tell whether an insert still runs.
type blind struct{ Store }

func (blind) Quiet(context.Context, string) error { return context.DeadlineExceeded }

func TestRowsThatAreNotKnownToBeRefused(t *testing.T) {
	var texts []string
	for i := range 8 {
		texts = append(texts, fmt.Sprint(i))
	}
	w, _ := asWrite(t, "id", lines(t, time.Now(), texts...))
	b := bisection{part: part{w.chunks[0], w}}
	for _, r := range []stretch{{2, 3}, {6, 8}, {3, 4}} {
		b.refuse(r)
	}
	for _, c := range []struct {
		from, to int
		want     string
	}{{0, 8, "2+2"}, {0, 2, "2"}, {2, 4, ""}, {3, 5, "1"}, {4, 8, "2"}, {7, 8, ""}, {0, 3, "2"}} {
		var got []string
		for _, rest := range b.unknown(c.from, c.to) {
			got = append(got, fmt.Sprint(rest.Rows()))
		}
		if strings.Join(got, "+") != c.want {
			t.Errorf("of %d to %d: %s rows, want %s", c.from, c.to, strings.Join(got, "+"), c.want)
		}
	}
	if b.refuse(stretch{2, 6}); len(b.refused) != 2 || b.refused[0] != (stretch{2, 6}) {
		t.Errorf("%v are refused", b.refused)
	}
}
