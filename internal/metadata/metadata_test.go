package metadata_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/metadata/metadatatest"
	"github.com/midwatch/midwatch/internal/seal"
)

var at = time.Date(2026, 3, 4, 1, 2, 3, 456789123, time.UTC)

// TestStore runs one suite on both databases. open opens the same store once more, as another process would.
func TestStore(t *testing.T) {
	suite := map[string]func(t *testing.T, db *metadata.DB, open func() *metadata.DB){
		"incidents":      testIncidents,
		"investigations": testInvestigations,
		"evidence":       testEvidence,
		"concurrency":    testConcurrentEvidence,
		"fixes":          testFixes,
		"nonces":         testNonces,
		"tokens":         testTokens,
		"settings":       testSettings,
		"audit":          testAudit,
		"updates":        testConcurrentUpdates,
		"policies":       testPolicies,
		"ledger":         testLedger,
		"ledger_pages":   testLedgerPages,
		"ledger_days":    testLedgerDays,
		"attempts":       testConcurrentAttempts,
		"asks":           testAsks,
		"pseudonyms":     testPseudonyms,
		"questions":      testQuestions,
		"rules":          testRuleStates,
		"asked_evidence": testQuestionEvidence,
		"budgets":        testBudgets,
		"known":          testKnownNames,
		"dropped":        testDrop,
		"dropped_by_age": testDropByAge,
		"dropped_many":   testDropMany,
	}
	run := func(t *testing.T, empty func(t *testing.T, name string) string) {
		for name, test := range suite {
			t.Run(name, func(t *testing.T) {
				dsn, ring := empty(t, name), metadatatest.Ring(t)
				open := func() *metadata.DB { return metadatatest.OpenDSN(t, dsn, ring) }
				test(t, open(), open)
			})
		}
	}
	t.Run("sqlite", func(t *testing.T) {
		run(t, func(t *testing.T, _ string) string { return "sqlite:" + filepath.Join(t.TempDir(), "metadata.db") })
	})
	t.Run("postgres", func(t *testing.T) {
		server := metadatatest.Postgres(t)
		run(t, func(t *testing.T, name string) string { return database(t, server, name) })
	})
}

// database makes an empty database and returns its DSN.
func database(t *testing.T, server, name string) string {
	t.Helper()
	db := get(sql.Open("pgx", server))(t)
	defer func() { _ = db.Close() }()
	get(db.ExecContext(t.Context(), "CREATE DATABASE "+name))(t)
	return strings.Replace(server, "/postgres?", "/"+name+"?", 1)
}

func testIncidents(t *testing.T, db *metadata.DB, open func() *metadata.DB) {
	first := investigation.Incident{
		ID: "incident/dev/a", Environment: "dev", Title: "checkout fails", Status: "investigating", OpenedAt: at,
		Triggers: []investigation.Trigger{{ID: "alert-a", Summary: "error ratio 20%"}},
	}
	second := investigation.Incident{ID: "incident/dev/b", Environment: "dev", Status: "resolved", OpenedAt: at.Add(time.Second)}
	must(t, db.PutIncident(t.Context(), first))
	must(t, db.PutIncident(t.Context(), second))
	must(t, open().UpdateIncident(t.Context(), first.ID, func(i *investigation.Incident) { i.Status = "resolved" }))
	first.Status = "resolved"
	equal(t, first, get(db.Incident(t.Context(), first.ID))(t))
	equal(t, []investigation.Incident{second, first}, get(db.ListIncidents(t.Context(), 10))(t))
	equal(t, 1, len(get(db.ListIncidents(t.Context(), 1))(t)))
	_, err := db.Incident(t.Context(), "nobody")
	is(t, err, metadata.ErrNotFound)
	is(t, db.UpdateIncident(t.Context(), "nobody", func(*investigation.Incident) {}), metadata.ErrNotFound)
}

func testInvestigations(t *testing.T, db *metadata.DB, _ func() *metadata.DB) {
	ctx := t.Context()
	req := investigation.Request{ID: "inv-1", Incident: "i", Environment: "dev", Question: "why?", Budget: investigation.Budget{Turns: 8}}
	must(t, db.CreateInvestigation(ctx, req))
	changed := req
	changed.Question = "another"
	must(t, db.CreateInvestigation(ctx, changed)) // the first one stays
	rev := get(db.Revision(ctx, "inv-1"))(t)

	turn2 := investigation.Turn{Number: 2, Say: "then this", At: at}
	turn1 := investigation.Turn{Number: 1, Say: "first this", At: at, Calls: []investigation.ToolCall{{ID: "t1c1", Tool: "list_services", Arguments: json.RawMessage(`{"a":1}`)}}}
	must(t, db.PutTurn(ctx, "inv-1", turn2))
	must(t, db.PutTurn(ctx, "inv-1", turn1))
	must(t, db.PutTurn(ctx, "inv-1", turn1))
	report := investigation.Report{Verdict: investigation.RootCause, Title: "payment is broken", Culprit: "service/payment", Confidence: 0.9}
	must(t, db.PutReport(ctx, "inv-1", report))
	must(t, db.SetInvestigationStatus(ctx, "inv-1", metadata.Concluded))

	inv := get(db.Investigation(ctx, "inv-1"))(t)
	equal(t, req, inv.Request)
	equal(t, []investigation.Turn{turn1, turn2}, inv.Turns)
	equal(t, &report, inv.Report)
	equal(t, metadata.Concluded, inv.Status)
	if inv.EndedAt.Before(inv.StartedAt) || inv.StartedAt.IsZero() {
		t.Errorf("started %v, ended %v", inv.StartedAt, inv.EndedAt)
	}
	if now := get(db.Revision(ctx, "inv-1"))(t); now <= rev {
		t.Errorf("revision went from %d to %d", rev, now)
	}
	list := get(db.ListInvestigations(ctx, 10))(t)
	if len(list) != 1 || list[0].Title != report.Title || list[0].Question != "why?" || list[0].Verdict != investigation.RootCause {
		t.Errorf("list: %+v", list)
	}
	_, err := db.Investigation(ctx, "nobody")
	is(t, err, metadata.ErrNotFound)
	is(t, db.PutTurn(ctx, "nobody", turn1), metadata.ErrNotFound)
	is(t, db.PutReport(ctx, "nobody", report), metadata.ErrNotFound)
	is(t, db.SetInvestigationStatus(ctx, "nobody", metadata.Concluded), metadata.ErrNotFound)
}

func testEvidence(t *testing.T, db *metadata.DB, _ func() *metadata.DB) {
	ctx := t.Context()
	must(t, db.CreateInvestigation(ctx, investigation.Request{ID: "inv-2"}))
	e := investigation.Evidence{
		Investigation: "inv-2", Call: "t1c1", Tool: "list_services", Arguments: json.RawMessage(`{}`), Summary: "five",
		Result: json.RawMessage(`{"services":["a"]}`), At: at, Window: investigation.Window{From: at, To: at.Add(time.Minute)},
	}
	first := get(db.PutEvidence(ctx, e))(t)
	equal(t, "e1", first.ID)
	again := e
	again.Summary = "a repeated activity"
	equal(t, first, get(db.PutEvidence(ctx, again))(t))
	e.Call = "t1c2"
	second := get(db.PutEvidence(ctx, e))(t)
	equal(t, "e2", second.ID)
	equal(t, second, get(db.Evidence(ctx, "inv-2", "e2"))(t))
	equal(t, []investigation.Evidence{first, second}, get(db.EvidenceList(ctx, "inv-2"))(t))
	_, err := db.Evidence(ctx, "inv-2", "e3")
	is(t, err, metadata.ErrNotFound)
	e.Investigation = "nobody"
	_, err = db.PutEvidence(ctx, e)
	is(t, err, metadata.ErrNotFound)
}

func testConcurrentEvidence(t *testing.T, db *metadata.DB, open func() *metadata.DB) {
	must(t, db.CreateInvestigation(t.Context(), investigation.Request{ID: "inv-3"}))
	stores := []*metadata.DB{db, open()}
	const calls = 24
	var wg sync.WaitGroup
	for i := range 2 * calls { // every call twice, from two processes
		wg.Go(func() {
			_, err := stores[i%2].PutEvidence(t.Context(), investigation.Evidence{Investigation: "inv-3", Call: "c" + string(rune('a'+i/2))})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	ids := map[string]bool{}
	for _, e := range get(db.EvidenceList(t.Context(), "inv-3"))(t) {
		ids[e.ID] = true
	}
	equal(t, calls, len(ids))
}

func testConcurrentUpdates(t *testing.T, db *metadata.DB, open func() *metadata.DB) {
	must(t, db.PutIncident(t.Context(), investigation.Incident{ID: "counted"}))
	stores := []*metadata.DB{db, open()}
	const updates = 20
	var wg sync.WaitGroup
	for i := range updates {
		wg.Go(func() {
			err := stores[i%2].UpdateIncident(t.Context(), "counted", func(i *investigation.Incident) { i.Title += "x" })
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	equal(t, strings.Repeat("x", updates), get(db.Incident(t.Context(), "counted"))(t).Title)
}

func testFixes(t *testing.T, db *metadata.DB, _ func() *metadata.DB) {
	ctx := t.Context()
	fix := investigation.Fix{
		ID: "fix-1", Incident: "i-1", Investigation: "inv-f", Action: "restart", Content: "systemctl restart cart",
		Parameters: map[string]string{"service": "cart"}, CreatedAt: at, Status: "awaiting_approval",
	}
	fix.Digest = fix.ContentDigest()
	must(t, db.PutFix(ctx, fix))
	must(t, db.PutFix(ctx, fix))
	changed := fix
	changed.Content = "rm -rf /"
	changed.Digest = changed.ContentDigest()
	is(t, db.PutFix(ctx, changed), metadata.ErrChanged)

	must(t, db.SetFixStatus(ctx, "fix-1", "applied", "done"))
	must(t, db.SetFixStatus(ctx, "fix-1", "verified", ""))
	got := get(db.Fix(ctx, "fix-1"))(t)
	equal(t, fix.Digest, got.ContentDigest())
	given := []investigation.Given{{Approver: "ann", At: got.CreatedAt, ExpiresAt: got.CreatedAt.Add(time.Hour)}}
	must(t, db.SetFixApproved(ctx, "fix-1", given))
	approved := get(db.Fix(ctx, "fix-1"))(t)
	equal(t, given, approved.Approved)
	equal(t, fix.Digest, approved.ContentDigest())
	if got.Status != "verified" || got.Result != "done" || got.UpdatedAt.IsZero() {
		t.Errorf("fix: %+v", got)
	}
	equal(t, 1, len(get(db.FixesOf(ctx, "i-1"))(t)))
	equal(t, 1, len(get(db.FixesOfInvestigation(ctx, "inv-f"))(t)))
	equal(t, 0, len(get(db.FixesOf(ctx, "i-2"))(t)))
	equal(t, 1, len(get(db.ListFixes(ctx, 5))(t)))
	_, err := db.Fix(ctx, "nobody")
	is(t, err, metadata.ErrNotFound)
	is(t, db.SetFixStatus(ctx, "nobody", "applied", ""), metadata.ErrNotFound)
}

func testNonces(t *testing.T, db *metadata.DB, open func() *metadata.DB) {
	ctx := t.Context()
	must(t, db.SpendNonces(ctx, "fix-1", "n1"))
	is(t, open().SpendNonces(ctx, "fix-2", "n1"), metadata.ErrSpent)
	must(t, db.SpendNonces(ctx, "fix-1", "n2", "n3"))
	is(t, db.SpendNonces(ctx, "fix-1", "n4", "n3", "n5"), metadata.ErrSpent)
	is(t, db.SpendNonces(ctx, "fix-1", "n6", "n6"), metadata.ErrSpent)
	for nonce, want := range map[string]string{"n1": "fix-1", "n2": "fix-1", "n3": "fix-1", "n4": "", "n5": "", "n6": ""} {
		equal(t, want, get(open().NonceSpent(ctx, nonce))(t)) // all or none
	}
	if db.SpendNonces(ctx, "fix-1", "n7", "") == nil || db.SpendNonces(ctx, "fix-1") == nil {
		t.Error("an empty nonce was spent")
	}
}

func testTokens(t *testing.T, db *metadata.DB, _ func() *metadata.DB) {
	ctx := t.Context()
	token := metadata.Token{ID: "t1", Hash: "abc", Subject: "ada", Role: "admin", Namespaces: []string{"shop"}, CreatedAt: at.Truncate(time.Microsecond)}
	must(t, db.PutToken(ctx, token))
	equal(t, token, get(db.TokenByHash(ctx, "abc"))(t))
	_, err := db.TokenByHash(ctx, "abd")
	is(t, err, metadata.ErrNotFound)
	session := metadata.Token{ID: "s1", Parent: "t1", Hash: "abe", Subject: "ada", Role: "admin", Namespaces: []string{"shop"}, CreatedAt: token.CreatedAt}
	must(t, db.PutToken(ctx, session))
	equal(t, session, get(db.TokenByHash(ctx, "abe"))(t))
	must(t, db.RevokeToken(ctx, "t1"))
	if get(db.TokenByHash(ctx, "abe"))(t).RevokedAt.IsZero() {
		t.Error("a session outlived its token")
	}
	must(t, db.DropSessions(ctx, time.Now().Add(time.Second)))
	_, err = db.TokenByHash(ctx, "abe")
	is(t, err, metadata.ErrNotFound)
	if list := get(db.ListTokens(ctx))(t); len(list) != 1 || list[0].RevokedAt.IsZero() {
		t.Errorf("tokens: %+v", list)
	}
	sender := metadata.Token{
		ID: "t3", Hash: "abf", Subject: "shop", Role: "sender", CreatedAt: token.CreatedAt, Environment: "prod",
		Limits: metadata.Limits{BytesPerSecond: 1 << 40, RequestsPerSecond: 2, Series: 3},
	}
	must(t, db.PutToken(ctx, sender))
	equal(t, sender, get(db.TokenByHash(ctx, "abf"))(t))
	equal(t, []metadata.Token{sender}, get(db.TokensOf(ctx, "sender"))(t))
	must(t, db.RevokeToken(ctx, "t3"))
	equal(t, []metadata.Token{}, get(db.TokensOf(ctx, "sender"))(t))
	is(t, db.RevokeToken(ctx, "t2"), metadata.ErrNotFound)
}

func testSettings(t *testing.T, db *metadata.DB, open func() *metadata.DB) {
	ctx := t.Context()
	want := metadata.Settings{
		RetentionDays: metadata.DefaultRetentionDays, LedgerDays: metadata.DefaultLedgerDays, InvestigationDays: metadata.DefaultInvestigationDays,
	}
	equal(t, want, get(db.Settings(ctx))(t))
	want.RetentionDays = 9
	equal(t, want, get(db.UpdateSettings(ctx, func(s *metadata.Settings) { s.RetentionDays, s.AIEnabled = 9, true }))(t))
	want.LedgerDays, want.InvestigationDays = 3, 4
	get(db.UpdateSettings(ctx, func(s *metadata.Settings) { s.LedgerDays, s.InvestigationDays = 3, 4 }))(t)
	equal(t, want, get(open().Settings(ctx))(t))
	_, err := db.UpdateSettings(ctx, func(s *metadata.Settings) { s.LedgerDays = 5 })
	is(t, err, metadata.ErrSettings)
	equal(t, want, get(db.Settings(ctx))(t))
	get(db.UpdateSettings(ctx, func(s *metadata.Settings) { s.LedgerDays, s.InvestigationDays = 400, 0 }))(t)
	equal(t, 400, get(db.Settings(ctx))(t).InvestigationDays)
}

func testAudit(t *testing.T, db *metadata.DB, _ func() *metadata.DB) {
	must(t, db.Audit(t.Context(), "ada", "fix.approve", "fix-1", "allowed", ""))
	must(t, db.Audit(t.Context(), "", "session.create", "\x00\xff", "denied", strings.Repeat("x", 5000)))
	log := get(db.AuditLog(t.Context(), 10))(t)
	if len(log) != 2 || log[0].Action != "session.create" || len(log[0].Detail) > 2048 || log[1].Subject != "ada" || log[1].At.IsZero() {
		t.Errorf("audit log: %+v", log)
	}
}

// TestSealed looks for what must not be readable in the bytes of the files.
func TestSealed(t *testing.T) {
	dir := t.TempDir()
	db := metadatatest.OpenDSN(t, "sqlite:"+filepath.Join(dir, "metadata.db"), metadatatest.Ring(t))
	ctx := t.Context()
	const secret = "plain-as-day"
	must(t, db.PutIncident(ctx, investigation.Incident{ID: "i", Title: secret}))
	must(t, db.CreateInvestigation(ctx, investigation.Request{ID: "inv", Question: secret}))
	must(t, db.PutTurn(ctx, "inv", investigation.Turn{Number: 1, Say: secret}))
	must(t, db.PutReport(ctx, "inv", investigation.Report{Summary: secret}))
	get(db.PutEvidence(ctx, investigation.Evidence{Investigation: "inv", Call: "c", Summary: secret, Result: json.RawMessage(`"` + secret + `"`)}))(t)
	must(t, db.PutFix(ctx, investigation.Fix{ID: "f", Content: secret}))
	get(added(db.AddQuestion(ctx, investigation.Question{ID: "q", Investigation: "inv", Text: secret}, few)))(t)
	must(t, db.PutAsk(ctx, llm.Call{Investigation: "inv"}, llm.StoredAsk{Request: llm.Request{System: secret}}))
	must(t, db.PutAIPolicy(ctx, llm.Policy{Environment: "dev", UpdatedBy: secret}))
	call := begin(t, db, llm.Entry{Call: llm.Call{Investigation: "inv"}, Request: json.RawMessage(`"` + secret + `"`)})
	call.State, call.Error, call.Response = llm.FailedAt, secret, json.RawMessage(`"`+secret+`"`)
	must(t, db.End(ctx, call))
	must(t, db.PutPseudonyms(ctx, "inv", pseudonyms(t, secret+"@example.com")))
	must(t, db.Close())
	files := get(filepath.Glob(filepath.Join(dir, "*")))(t)
	for _, file := range files {
		if strings.Contains(string(get(os.ReadFile(file))(t)), secret) {
			t.Errorf("%s holds what should be sealed", filepath.Base(file))
		}
		if mode := get(os.Stat(file))(t).Mode().Perm(); mode&0o077 != 0 {
			t.Errorf("%s has mode %v", filepath.Base(file), mode)
		}
	}
}

// TestOtherKey opens a store with the wrong key.
func TestOtherKey(t *testing.T) {
	dsn := "sqlite:" + filepath.Join(t.TempDir(), "metadata.db")
	must(t, metadatatest.OpenDSN(t, dsn, metadatatest.Ring(t)).PutIncident(t.Context(), investigation.Incident{ID: "i"}))
	_, err := metadatatest.OpenDSN(t, dsn, metadatatest.Ring(t)).Incident(t.Context(), "i")
	is(t, err, seal.ErrOpen)
}

// TestOpenAtOnce starts several processes' worth of stores on a file that does not exist yet.
func TestOpenAtOnce(t *testing.T) {
	dsn, ring := "sqlite:"+filepath.Join(t.TempDir(), "a b%c.db"), metadatatest.Ring(t)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			db, err := metadata.Open(t.Context(), metadata.Config{DSN: dsn, Ring: ring})
			if err != nil {
				t.Error(err)
				return
			}
			if err := errors.Join(db.Audit(t.Context(), "s", "a", "o", "done", ""), db.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	equal(t, 6, len(get(metadatatest.OpenDSN(t, dsn, ring).AuditLog(t.Context(), 10))(t)))
}

func TestOpenRefuses(t *testing.T) {
	for name, cfg := range map[string]metadata.Config{
		"no ring":     {DSN: "sqlite:" + filepath.Join(t.TempDir(), "x.db")},
		"no scheme":   {DSN: "metadata.db", Ring: metadatatest.Ring(t)},
		"no such dir": {DSN: "sqlite:" + filepath.Join(t.TempDir(), "none", "x.db"), Ring: metadatatest.Ring(t)},
	} {
		if _, err := metadata.Open(t.Context(), cfg); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// get passes a value on, or fails the test: get(db.Fix(ctx, id))(t).
func get[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		must(t, err)
		return v
	}
}

func is(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want %v", err, want)
	}
}

func equal[T any](t *testing.T, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
