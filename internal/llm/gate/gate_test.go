package gate_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/gate"
	"github.com/midwatch/midwatch/internal/llm/llmtest"
	"github.com/midwatch/midwatch/internal/llm/provider"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/seal"
)

// post is a gate on the real metadata store and the vendors' SDKs; only the vendors are not themselves.
type post struct {
	t  *testing.T
	db *metadata.DB
	*gate.Gate
	policy llm.Policy
}

// newPost configures a provider per entry and lists and confirms them all, in order.
func newPost(t *testing.T, entries ...llm.ProviderConfig) *post {
	t.Helper()
	ring, err := seal.LoadRing(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	p := &post{t: t}
	if p.db, err = metadata.Open(t.Context(), metadata.Config{DSN: "sqlite:" + filepath.Join(t.TempDir(), "m.db"), Ring: ring}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.db.Close() })
	cfg := gate.Config{Policies: p.db, Ledger: p.db, Watch: 50 * time.Millisecond}
	p.policy = llm.Policy{Environment: "prod", Enabled: true, DataTypes: []investigation.DataType{investigation.Metrics}}
	for _, e := range entries {
		made, err := provider.New(e)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Accounts = append(cfg.Accounts, gate.Account{ProviderConfig: e, Provider: made})
		p.policy.Providers = append(p.policy.Providers, e.Name)
		p.policy.Confirmed = append(p.policy.Confirmed, llm.Confirmation{Provider: e.Name, Terms: e.Terms, By: "ann"})
	}
	if p.Gate, err = gate.New(cfg); err != nil {
		t.Fatal(err)
	}
	p.set(func(*llm.Policy) {})
	return p
}

func (p *post) set(change func(*llm.Policy)) {
	p.t.Helper()
	change(&p.policy)
	if err := p.db.PutAIPolicy(p.t.Context(), p.policy); err != nil {
		p.t.Fatal(err)
	}
}

// scripted is a vendor's server and its entry under a name.
func scripted(t *testing.T, kind, name string, s llmtest.Script) (*llmtest.Server, llm.ProviderConfig) {
	t.Helper()
	server, err := llmtest.Listen(kind, "127.0.0.1:0", s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	entry, err := server.Entry(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	entry.Name = name
	return server, entry
}

func ask(turn int) gate.Ask {
	return gate.Ask{
		Call: llm.Call{Investigation: "inv-1", Turn: turn, Ask: 1}, Environment: "prod", DataTypes: []investigation.DataType{investigation.Metrics},
		Request: llm.Request{System: "You are", Messages: []llm.Message{{Role: llm.User, Parts: []llm.Part{{Text: "hello"}}}}},
	}
}

func (p *post) attempts(turn int) []llm.Entry {
	p.t.Helper()
	list, err := p.db.Attempts(p.t.Context(), llm.Call{Investigation: "inv-1", Turn: turn, Ask: 1})
	if err != nil {
		p.t.Fatal(err)
	}
	return list
}

func TestAnAnswerIsAskedForOnce(t *testing.T) {
	server, entry := scripted(t, llm.KindAnthropic, "one", llmtest.Sequence(llmtest.Say("hi")))
	p := newPost(t, entry)
	for range 2 {
		e, err := p.Complete(t.Context(), ask(1))
		if err != nil {
			t.Fatal(err)
		}
		if e.State != llm.Answered || e.Account != entry.Account || e.Cost == 0 || !strings.Contains(string(e.Response), "hi") || !strings.Contains(string(e.Request), "hello") {
			t.Errorf("%+v", e)
		}
	}
	if server.Count() != 1 {
		t.Errorf("asked %d times", server.Count())
	}
}

func TestNobodyIsAskedUnlessPolicySaysSo(t *testing.T) {
	cases := map[string]func(*llm.Policy){
		"off":                  func(p *llm.Policy) { p.Enabled = false },
		"nobody listed":        func(p *llm.Policy) { p.Providers = nil },
		"somebody else listed": func(p *llm.Policy) { p.Providers = []string{"another"} },
		"terms not confirmed":  func(p *llm.Policy) { p.Confirmed = nil },
		"other terms":          func(p *llm.Policy) { p.Confirmed[0].Terms = "we train on everything" },
		"data not allowed":     func(p *llm.Policy) { p.DataTypes = []investigation.DataType{investigation.Logs} },
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			server, entry := scripted(t, llm.KindAnthropic, "one", llmtest.Sequence(llmtest.Say("hi")))
			p := newPost(t, entry)
			p.set(change)
			if _, err := p.Complete(t.Context(), ask(1)); llm.KindOf(err) != llm.Off {
				t.Errorf("got %v", err)
			}
			if ever, _ := server.Connections(); ever != 0 || len(p.attempts(1)) != 0 {
				t.Errorf("%d connections, ledger %v", ever, p.attempts(1))
			}
		})
	}
}

type brokenPolicies struct{}

func (brokenPolicies) AIPolicy(context.Context, string) (llm.Policy, error) {
	return llm.Policy{Environment: "prod", Enabled: true}, errors.New("the store is away")
}

func TestAPolicyThatCannotBeReadMeansOff(t *testing.T) {
	s := gate.Selector{Policies: brokenPolicies{}, Accounts: []llm.ProviderConfig{{Name: "one"}}}
	if accounts, _, err := s.Allowed(t.Context(), "prod", ""); llm.KindOf(err) != llm.Off || len(accounts) != 0 {
		t.Errorf("%v %v", accounts, err)
	}
}

func TestOwnKeysNeverFallBackToAnothersAccount(t *testing.T) {
	down, own := scripted(t, llm.KindBedrock, "own", llmtest.Sequence(llmtest.Overload()))
	other, shared := scripted(t, llm.KindAnthropic, "shared", llmtest.Sequence(llmtest.Say("hi")))
	own.Environment = "prod"
	p := newPost(t, own, shared)
	if _, err := p.Complete(t.Context(), ask(1)); llm.KindOf(err) != llm.Overloaded {
		t.Errorf("got %v", err)
	}
	if ever, _ := other.Connections(); ever != 0 || down.Count() != 1 {
		t.Errorf("own asked %d times, the installation's has %d connections", down.Count(), ever)
	}
}

func TestFallbackGoesDownTheList(t *testing.T) {
	first, one := scripted(t, llm.KindAnthropic, "one", llmtest.Sequence(llmtest.Overload()))
	second, two := scripted(t, llm.KindOpenAI, "two", llmtest.Sequence(llmtest.Say("hi")))
	p := newPost(t, one, two)
	for turn := 1; turn <= 4; turn++ {
		e, err := p.Complete(t.Context(), ask(turn))
		if err != nil || e.Provider != "two" {
			t.Fatalf("%+v %v", e, err)
		}
	}
	if first.Count() != 3 || second.Count() != 4 {
		t.Errorf("the one in trouble was asked %d times, want 3 before it may rest; the other %d times", first.Count(), second.Count())
	}
	if list := p.attempts(1); len(list) != 2 || list[0].State != llm.FailedAt || list[1].State != llm.Answered {
		t.Errorf("ledger: %+v", list)
	}
}

func TestSwitchingOffClosesACallInFlight(t *testing.T) {
	hangs := make(chan struct{}, 1)
	server, entry := scripted(t, llm.KindAnthropic, "one", func(llmtest.Call) llmtest.Answer {
		hangs <- struct{}{}
		return llmtest.Answer{Hang: true}
	})
	p := newPost(t, entry)
	done := make(chan error, 1)
	go func() {
		_, err := p.Complete(t.Context(), ask(1))
		done <- err
	}()
	<-hangs
	p.set(func(q *llm.Policy) { q.Enabled = false })
	off := time.Now()
	if err := <-done; llm.KindOf(err) != llm.Off {
		t.Errorf("got %v", err)
	}
	for server.Closed() == 0 {
		if time.Since(off) > 10*time.Second {
			t.Fatal("the connection is still open")
		}
		time.Sleep(time.Millisecond)
	}
	t.Logf("closed %s after it was switched off", time.Since(off))
	if list := p.attempts(1); len(list) != 1 || list[0].State != llm.Closed || list[0].Cost == 0 {
		t.Errorf("ledger: %+v", list)
	}
}

func TestACallOfUnknownFateIsSentOnceMore(t *testing.T) {
	server, entry := scripted(t, llm.KindAnthropic, "one", llmtest.Sequence(llmtest.Say("hi")))
	p := newPost(t, entry)
	for range 2 { // killed after they were sent
		if _, err := p.db.Begin(t.Context(), llm.Entry{Call: ask(2).Call, Environment: "prod", Provider: "one", State: llm.Begun, BegunAt: time.Now(), Usage: gate.WorstCase(30, 10)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Complete(t.Context(), ask(2)); !errors.Is(err, gate.ErrUnanswered) {
		t.Errorf("got %v", err)
	}
	if _, err := p.db.Begin(t.Context(), llm.Entry{Call: ask(3).Call, Environment: "prod", Provider: "one", State: llm.Begun, BegunAt: time.Now(), Usage: gate.WorstCase(30, 10)}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Complete(t.Context(), ask(3)); err != nil {
		t.Error(err)
	}
	if server.Count() != 1 {
		t.Errorf("sent %d times", server.Count())
	}
}

func TestTheBudgetHoldsForTheWorstCase(t *testing.T) {
	var answered atomic.Int64
	server, entry := scripted(t, llm.KindAnthropic, "one", func(llmtest.Call) llmtest.Answer {
		answered.Add(1)
		return llmtest.Answer{Text: "hi", Usage: llm.Usage{Input: 100, Output: 900}}
	})
	entry.MaxTokens = 1000
	p := newPost(t, entry)
	spend := func(turn int, tokens, cost int64) error {
		a := ask(turn)
		a.Tokens, a.Cost = tokens, cost
		_, err := p.Complete(t.Context(), a)
		return err
	}
	if err := spend(1, 900, 0); !errors.Is(err, gate.ErrBudget) {
		t.Errorf("a call that may take 1000 tokens of 900: %v", err)
	}
	if err := spend(1, 1500, 0); err != nil {
		t.Error(err)
	}
	if err := spend(2, 1500, 0); !errors.Is(err, gate.ErrBudget) {
		t.Errorf("1000 spent, 1500 allowed: %v", err)
	}
	spent := entry.Price.Cost(llm.Usage{Input: 100, Output: 900})
	if err := spend(3, 0, spent+1000); !errors.Is(err, gate.ErrBudget) {
		t.Errorf("by cost: %v", err)
	}
	if server.Count() != 1 {
		t.Errorf("asked %d times", server.Count())
	}
}
