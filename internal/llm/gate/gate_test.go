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
	cfg := gate.Config{Policies: p.db, Ledger: p.db}
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

// TestWhoHasOwnKeysIsNeverAskedElsewhere: whose keys an environment begins with follows from its list alone, also where that account
// cannot be asked, and where somebody asks for another one by name.
func TestWhoHasOwnKeysIsNeverAskedElsewhere(t *testing.T) {
	cases := map[string]func(*post, *gate.Ask){
		"the other one is asked for": func(_ *post, a *gate.Ask) { a.Provider = "shared" },
		"its terms changed":          func(p *post, _ *gate.Ask) { p.set(func(q *llm.Policy) { q.Confirmed[0].Terms = "other words" }) },
		"it is configured no more": func(p *post, _ *gate.Ask) {
			p.set(func(q *llm.Policy) { q.Providers = []string{"gone", "shared"} })
		},
		"configured no more, asked for": func(p *post, a *gate.Ask) {
			p.set(func(q *llm.Policy) { q.Providers = []string{"gone", "shared"} })
			a.Provider = "shared"
		},
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			_, own := scripted(t, llm.KindBedrock, "own", llmtest.Sequence(llmtest.Say("own")))
			other, shared := scripted(t, llm.KindAnthropic, "shared", llmtest.Sequence(llmtest.Say("hi")))
			own.Environment = "prod"
			p, a := newPost(t, own, shared), ask(1)
			change(p, &a)
			if e, err := p.Complete(t.Context(), a); llm.KindOf(err) != llm.Off {
				t.Errorf("asked %q: %v", e.Provider, err)
			}
			if ever, _ := other.Connections(); ever != 0 {
				t.Errorf("the installation's account has %d connections", ever)
			}
		})
	}
}

func TestTheOneAskedForByNameIsAsked(t *testing.T) {
	first, one := scripted(t, llm.KindBedrock, "one", llmtest.Sequence(llmtest.Say("one")))
	_, two := scripted(t, llm.KindAnthropic, "two", llmtest.Sequence(llmtest.Say("two")))
	p, a := newPost(t, one, two), ask(1)
	a.Provider = "two"
	if e, err := p.Complete(t.Context(), a); err != nil || e.Provider != "two" || first.Count() != 0 {
		t.Errorf("asked %q: %v", e.Provider, err)
	}
}

// TestPolicyIsReadBeforeEachProvider: what changes while one provider fails counts for the next.
func TestPolicyIsReadBeforeEachProvider(t *testing.T) {
	cases := map[string]func(*llm.Policy){
		"switched off":     func(q *llm.Policy) { q.Enabled = false },
		"not listed":       func(q *llm.Policy) { q.Providers = []string{"one"} },
		"data not allowed": func(q *llm.Policy) { q.DataTypes = []investigation.DataType{investigation.Traces} },
		"not confirmed":    func(q *llm.Policy) { q.Confirmed = q.Confirmed[:1] },
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			var p *post
			_, one := scripted(t, llm.KindAnthropic, "one", func(llmtest.Call) llmtest.Answer {
				p.set(change)
				return llmtest.Overload()
			})
			second, two := scripted(t, llm.KindOpenAI, "two", llmtest.Sequence(llmtest.Say("hi")))
			p = newPost(t, one, two)
			if e, err := p.Complete(t.Context(), ask(1)); err == nil {
				t.Errorf("%s answered", e.Provider)
			}
			if ever, _ := second.Connections(); ever != 0 {
				t.Errorf("the second has %d connections", ever)
			}
		})
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

// TestSwitchingOffClosesACallInFlight at a server; how soon is asserted by TestACallInFlightEndsWithinASecond.
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

// TestTheCacheIsInTheBudget: what a provider keeps in its cache is charged like input, or dearer.
func TestTheCacheIsInTheBudget(t *testing.T) {
	written := func(llmtest.Call) llmtest.Answer {
		return llmtest.Answer{Text: "x", Usage: llm.Usage{Output: 1, CacheWrite: 30}}
	}
	t.Run("without a price of its own", func(t *testing.T) {
		_, entry := scripted(t, llm.KindAnthropic, "one", written)
		entry.Price, entry.MaxTokens = llm.Price{Input: 3, Output: 15}, 1
		p := newPost(t, entry)
		if e, err := p.Complete(t.Context(), ask(1)); err != nil || e.Cost != 30*3+15 {
			t.Errorf("cost %d, %v", e.Cost, err)
		}
	})
	t.Run("dearer than input", func(t *testing.T) {
		server, entry := scripted(t, llm.KindAnthropic, "one", written)
		entry.Price, entry.MaxTokens = llm.Price{Input: 3, Output: 15, CacheRead: 0.3, CacheWrite: 30}, 1
		p, a := newPost(t, entry), ask(1)
		a.Cost = 30*30 + 15 - 1
		if e, err := p.Complete(t.Context(), a); !errors.Is(err, gate.ErrBudget) || server.Count() != 0 {
			t.Errorf("a budget of %d was spent with %d: %v", a.Cost, e.Cost, err)
		}
	})
}

// TestWhatWasAnsweredIsNotFree: once an answer has begun, the vendor may charge for it, whatever became of it.
func TestWhatWasAnsweredIsNotFree(t *testing.T) {
	long := strings.Repeat("It is the database. ", 20)
	usage := llm.Usage{Input: 40, Output: 30}
	for name, c := range map[string]struct {
		answer        llmtest.Answer
		charged, body bool
	}{
		"cut":                  {llmtest.Answer{Text: long, Usage: usage, Cut: true}, true, true},
		"failed in the stream": {llmtest.Answer{Text: long, Usage: usage, Failure: &llmtest.Failure{Kind: llm.Overloaded, InStream: true}}, true, true},
		"no event stream":      {llmtest.Answer{Raw: []byte("<html>"), Type: "text/html"}, true, false},
		"refused before it":    {llmtest.Overload(), false, false},
		"throttled before it":  {llmtest.Throttle(time.Second), false, false},
	} {
		for _, kind := range []string{llm.KindAnthropic, llm.KindOpenAI, llm.KindBedrock} {
			t.Run(kind+" "+name, func(t *testing.T) {
				_, entry := scripted(t, kind, "one", llmtest.Sequence(c.answer))
				p := newPost(t, entry)
				_, err := p.Complete(t.Context(), ask(1))
				list := p.attempts(1)
				if err == nil || len(list) != 1 || list[0].State != llm.FailedAt {
					t.Fatalf("%v, ledger %+v", err, list)
				}
				e := list[0]
				if kind == llm.KindAnthropic && c.body && (e.Usage.Input != usage.Input || e.Cost != entry.Price.Cost(e.Usage)) {
					t.Errorf("cost %d, usage %+v: the input was counted before it broke off", e.Cost, e.Usage)
				}
				if charged := e.Cost > 0 && e.Usage.Output == 4096; charged != c.charged || !c.charged && e.Cost != 0 {
					t.Errorf("cost %d, usage %+v", e.Cost, e.Usage)
				}
				if body := strings.Contains(string(e.Response), "It is the"); body != c.body {
					t.Errorf("received: %s", e.Response)
				}
			})
		}
	}
}

// TestAnAnswerWithoutUsageIsNotFree: an endpoint that does not count has answered.
func TestAnAnswerWithoutUsageIsNotFree(t *testing.T) {
	_, entry := scripted(t, llm.KindOpenAI, "one", llmtest.Sequence(llmtest.Answer{Raw: []byte(
		"data: {\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"It is full.\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")}))
	p := newPost(t, entry)
	_, err := p.Complete(t.Context(), ask(1))
	if list := p.attempts(1); llm.KindOf(err) != llm.Malformed || len(list) != 1 || list[0].Cost == 0 || !strings.Contains(string(list[0].Response), "It is full.") {
		t.Errorf("%v, ledger %+v", err, list)
	}
}
