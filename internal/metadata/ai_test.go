package metadata_test

import (
	"encoding/json"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/privacy"
)

func testPolicies(t *testing.T, db *metadata.DB, open func() *metadata.DB) {
	ctx := t.Context()
	equal(t, llm.Policy{Environment: "dev"}, get(db.AIPolicy(ctx, "dev"))(t))
	dev := llm.Policy{
		Environment: "dev", Enabled: true, Providers: []string{"a", "b"}, DataTypes: []investigation.DataType{investigation.Logs},
		Confirmed: []llm.Confirmation{{Provider: "a", Terms: "no training", By: "ada", At: at}}, UpdatedBy: "ada", UpdatedAt: at,
	}
	must(t, db.PutAIPolicy(ctx, dev))
	other := open()
	equal(t, dev, get(other.AIPolicy(ctx, "dev"))(t))
	equal(t, false, get(db.AIPolicy(ctx, "prod"))(t).Enabled)
	dev.Enabled, dev.UpdatedAt = false, time.Time{}
	must(t, other.PutAIPolicy(ctx, dev))
	if p := get(db.AIPolicy(ctx, "dev"))(t); p.Enabled || p.UpdatedAt.IsZero() {
		t.Errorf("policy: %+v", p)
	}
	equal(t, 1, len(get(db.AIPolicies(ctx))(t)))
	if db.PutAIPolicy(ctx, llm.Policy{Enabled: true}) == nil {
		t.Error("a policy for no environment was stored")
	}
}

// begin begins a call whose worst case is 100 tokens and 7 millionths, unless e says otherwise.
func begin(t *testing.T, db *metadata.DB, e llm.Entry) llm.Entry {
	t.Helper()
	if e.Usage == (llm.Usage{}) {
		e.Usage, e.Cost = llm.Usage{Input: 60, Output: 40}, 7
	}
	return get(db.Begin(t.Context(), e))(t)
}

func testLedger(t *testing.T, db *metadata.DB, open func() *metadata.DB) {
	ctx := t.Context()
	call := llm.Call{Investigation: "inv-l", Turn: 1, Ask: 1}
	first := begin(t, db, llm.Entry{
		Call: call, Environment: "dev", Provider: "p", Kind: llm.KindAnthropic, Account: "ours", Model: "m", BegunAt: at,
		Request: json.RawMessage(`{"system":"x"}`), DataTypes: []investigation.DataType{investigation.Logs},
		Redactions: map[string]int{"ip": 3},
	})
	if first.ID == "" || first.Attempt != 1 || first.State != llm.Begun {
		t.Fatalf("begun: %+v", first)
	}
	other := open() // what began is there for another process before anything is sent
	equal(t, []llm.Entry{first}, get(other.Attempts(ctx, call))(t))
	spent(t, db, llm.Usage{Input: 60, Output: 40}, 7)

	second := begin(t, other, llm.Entry{Call: call, Environment: "dev"})
	equal(t, 2, second.Attempt)
	spent(t, db, llm.Usage{Input: 120, Output: 80}, 14)

	answered := second
	answered.State, answered.EndedAt = llm.Answered, at.Truncate(time.Microsecond)
	answered.Usage, answered.Cost = llm.Usage{Input: 5, Output: 2, CacheRead: 3, CacheWrite: 1}, 2
	answered.Response = json.RawMessage(`{"model":"m","message":{"role":"assistant","parts":[{"text":"why"}]},"stop":"end","usage":{"input":5,"output":2}}`)
	must(t, db.End(ctx, answered))
	must(t, db.End(ctx, answered))
	equal(t, answered, get(db.LedgerEntry(ctx, second.ID))(t))
	changed := answered
	changed.Response = json.RawMessage(`{}`)
	is(t, db.End(ctx, changed), metadata.ErrChanged)
	changed.State = llm.FailedAt
	is(t, db.End(ctx, changed), metadata.ErrChanged)
	equal(t, answered, get(db.LedgerEntry(ctx, second.ID))(t))
	spent(t, db, llm.Usage{Input: 65, Output: 42, CacheRead: 3, CacheWrite: 1}, 9) // the first never ended

	exchanges := get(db.Exchanges(ctx, "inv-l"))(t)
	if len(exchanges) != 1 || exchanges[0].Turn != 1 || exchanges[0].Response.Message.Parts[0].Text != "why" {
		t.Errorf("exchanges: %+v", exchanges)
	}
	is(t, db.End(ctx, llm.Entry{ID: "nobody", State: llm.Answered}), llm.ErrNotInLedger)
	_, err := db.LedgerEntry(ctx, "nobody")
	is(t, err, llm.ErrNotInLedger)
	if db.End(ctx, first) == nil {
		t.Error("a call ended as begun")
	}
	if _, err := db.Begin(ctx, llm.Entry{Call: call}); err == nil {
		t.Error("a call without a worst case began")
	}
}

func spent(t *testing.T, db *metadata.DB, usage llm.Usage, cost int64) {
	t.Helper()
	u, c, err := db.Spent(t.Context(), llm.Call{Investigation: "inv-l"})
	must(t, err)
	equal(t, usage, u)
	equal(t, cost, c)
}

func testLedgerPages(t *testing.T, db *metadata.DB, _ func() *metadata.DB) {
	ctx := t.Context()
	for i := range 7 {
		begin(t, db, llm.Entry{
			Call: llm.Call{Investigation: "inv-" + strconv.Itoa(i%2), Turn: i}, Environment: "dev", Provider: []string{"a", "b", "c"}[i%3],
			BegunAt: at.Add(time.Duration(i) * time.Hour), Request: json.RawMessage(`"body"`),
		})
	}
	var turns []int
	cursor := ""
	for pages := 0; ; pages++ {
		list, next, err := db.Ledger(ctx, metadata.LedgerFilter{Cursor: cursor, Limit: 3})
		must(t, err)
		for _, e := range list {
			turns = append(turns, e.Call.Turn)
			if e.Request != nil {
				t.Error("a list holds a request")
			}
		}
		if cursor = next; next == "" || pages > 5 {
			break
		}
	}
	equal(t, []int{6, 5, 4, 3, 2, 1, 0}, turns)
	count := func(f metadata.LedgerFilter) int {
		t.Helper()
		list, _, err := db.Ledger(ctx, f)
		must(t, err)
		return len(list)
	}
	equal(t, 4, count(metadata.LedgerFilter{Investigation: "inv-0"}))
	equal(t, 3, count(metadata.LedgerFilter{Provider: "a"}))
	equal(t, 0, count(metadata.LedgerFilter{Environment: "prod"}))
	equal(t, 2, count(metadata.LedgerFilter{From: at.Add(2 * time.Hour), To: at.Add(4 * time.Hour)}))
	must(t, db.PutAsk(ctx, llm.Call{Investigation: "inv-0"}, llm.StoredAsk{}))
	equal(t, 3, get(db.DropLedger(ctx, at.Add(3*time.Hour)))(t))
	equal(t, 4, count(metadata.LedgerFilter{}))
	get(db.Ask(ctx, llm.Call{Investigation: "inv-0"}))(t) // put just now: it stays
	equal(t, 4, get(db.DropLedger(ctx, time.Now().Add(time.Minute)))(t))
	_, err := db.Ask(ctx, llm.Call{Investigation: "inv-0"})
	is(t, err, metadata.ErrNotFound)
}

// testConcurrentAttempts begins one call from two processes at once: each attempt number is given once.
func testConcurrentAttempts(t *testing.T, db *metadata.DB, open func() *metadata.DB) {
	stores := []*metadata.DB{db, open()}
	call := llm.Call{Investigation: "inv-c", Turn: 1, Ask: 1}
	var wg sync.WaitGroup
	var mu sync.Mutex
	begun := map[int]int{}
	for i := range 20 {
		wg.Go(func() {
			e, err := stores[i%2].Begin(t.Context(), llm.Entry{Call: call, Usage: llm.Usage{Input: 1}})
			if err != nil {
				return // it lost the race, and sends nothing
			}
			mu.Lock()
			begun[e.Attempt]++
			mu.Unlock()
		})
	}
	wg.Wait()
	equal(t, len(begun), len(get(db.Attempts(t.Context(), call))(t)))
	if len(begun) == 0 || begun[1] != 1 {
		t.Errorf("attempts: %v", begun)
	}
}

func testAsks(t *testing.T, db *metadata.DB, open func() *metadata.DB) {
	ctx := t.Context()
	call := llm.Call{Investigation: "inv", Turn: 2, Ask: 1}
	_, err := db.Ask(ctx, call)
	is(t, err, metadata.ErrNotFound)
	must(t, db.PutAsk(ctx, call, llm.StoredAsk{Request: llm.Request{System: "first"}}))
	want := llm.StoredAsk{Request: llm.Request{System: "second"}, DataTypes: []investigation.DataType{investigation.Traces}}
	must(t, db.PutAsk(ctx, call, want))
	equal(t, want, get(open().Ask(ctx, call))(t))
}

func pseudonyms(t *testing.T, text string) *privacy.Map {
	t.Helper()
	m := privacy.NewMap()
	r := get(privacy.New(privacy.Config{Key: []byte("0123456789abcdef"), Map: m}))(t)
	r.Text(text)
	return m
}

func testPseudonyms(t *testing.T, db *metadata.DB, open func() *metadata.DB) {
	ctx := t.Context()
	equal(t, 0, get(db.Pseudonyms(ctx, "inv-p"))(t).Len())
	is(t, db.PutPseudonyms(ctx, "inv-p", privacy.NewMap()), metadata.ErrNotFound)
	must(t, db.CreateInvestigation(ctx, investigation.Request{ID: "inv-p"}))
	one, two := pseudonyms(t, "from 10.1.2.3"), pseudonyms(t, "from 10.1.2.4")
	must(t, db.PutPseudonyms(ctx, "inv-p", one))
	must(t, open().PutPseudonyms(ctx, "inv-p", two)) // read before the first was stored
	stored := get(db.Pseudonyms(ctx, "inv-p"))(t)
	equal(t, 2, stored.Len())
	b := get(json.Marshal(one))(t)
	var names map[string]string
	must(t, json.Unmarshal(b, &names))
	for name := range names {
		equal(t, "10.1.2.3", stored.Resolve(name))
		other := privacy.NewMap()
		must(t, json.Unmarshal([]byte(`{"`+name+`":"10.9.9.9"}`), other))
		is(t, db.PutPseudonyms(ctx, "inv-p", other), metadata.ErrChanged)
	}
}

// testKnownNames: whatever process stored a name, all know it from then on, until the investigations that met it are gone.
func testKnownNames(t *testing.T, db *metadata.DB, open func() *metadata.DB) {
	ctx, other := t.Context(), open()
	for id, environment := range map[string]string{"inv-1": "env-p", "inv-2": "env-p", "inv-3": "env-q"} {
		must(t, db.CreateInvestigation(ctx, investigation.Request{ID: id, Incident: "inc" + id[3:], Environment: environment}))
		must(t, db.PutPseudonyms(ctx, id, pseudonyms(t, "from 10.1.2.3, user=someone"+id[len(id)-1:])))
	}
	known := func(want int) {
		t.Helper()
		equal(t, want, get(db.KnownNames(ctx, "env-p"))(t).Len())
		equal(t, want, get(other.KnownNames(ctx, "env-p"))(t).Len())
	}
	known(3)
	equal(t, 2, get(db.KnownNames(ctx, "env-q"))(t).Len())
	equal(t, 0, get(db.KnownNames(ctx, "env-r"))(t).Len())

	must(t, other.PutPseudonyms(ctx, "inv-2", pseudonyms(t, "user=newcomer"))) // into a map that both have read
	known(4)
	must(t, db.CreateInvestigation(ctx, investigation.Request{ID: "inv-4", Environment: "env-p"}))
	must(t, db.PutPseudonyms(ctx, "inv-4", pseudonyms(t, "user=fourth")))
	known(5)
	shared := get(db.KnownNames(ctx, "env-p"))(t)
	if shared != get(db.KnownNames(ctx, "env-p"))(t) {
		t.Error("the names are read anew, though nothing changed")
	}

	must(t, db.PutIncident(ctx, investigation.Incident{ID: "inc-1", OpenedAt: at, ClosedAt: at}))
	must(t, db.SetInvestigationStatus(ctx, "inv-1", metadata.Failed))
	equal(t, 1, get(db.DropInvestigations(ctx, time.Now().Add(time.Second)))(t))
	known(4) // without someone1; the address was met elsewhere, too
}

func testLedgerDays(t *testing.T, db *metadata.DB, _ func() *metadata.DB) {
	ctx := t.Context()
	midnight := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for i, begun := range []time.Time{midnight.Add(-time.Microsecond), midnight, midnight.Add(time.Hour)} {
		begin(t, db, llm.Entry{Call: llm.Call{Investigation: "inv-d", Turn: i}, Environment: "dev", Provider: []string{"a", "b"}[i%2], BegunAt: begun})
	}
	equal(t, []metadata.LedgerDay{
		{Day: midnight, Calls: 2, Usage: llm.Usage{Input: 120, Output: 80}, Cost: 14},
		{Day: midnight.AddDate(0, 0, -1), Calls: 1, Usage: llm.Usage{Input: 60, Output: 40}, Cost: 7},
	}, get(db.LedgerDays(ctx, metadata.LedgerFilter{Investigation: "inv-d", Cursor: "0"}))(t))
	equal(t, 2, len(get(db.LedgerDays(ctx, metadata.LedgerFilter{Provider: "a", Limit: 1}))(t)))
	equal(t, 0, len(get(db.LedgerDays(ctx, metadata.LedgerFilter{State: llm.Answered}))(t)))
	list, _, err := db.Ledger(ctx, metadata.LedgerFilter{Investigation: "inv-d", State: llm.Begun})
	must(t, err)
	equal(t, 3, len(list))
}
