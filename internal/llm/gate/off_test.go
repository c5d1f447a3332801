package gate_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/gate"
)

// desk is policy and ledger in memory, and a provider that never answers: nothing of it takes time, so that a test's clock
// shows the gate's own.
type desk struct {
	mu     sync.Mutex
	policy llm.Policy
	stuck  bool // policy is not answered any more
}

func (d *desk) AIPolicy(ctx context.Context, _ string) (llm.Policy, error) {
	d.mu.Lock()
	policy, stuck := d.policy, d.stuck
	d.mu.Unlock()
	if stuck {
		<-ctx.Done()
		return llm.Policy{}, ctx.Err()
	}
	return policy, nil
}

func (d *desk) change(how func(*desk)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	how(d)
}

func (d *desk) Begin(_ context.Context, e llm.Entry) (llm.Entry, error)   { return e, nil }
func (d *desk) End(context.Context, llm.Entry) error                      { return nil }
func (d *desk) Attempts(context.Context, llm.Call) ([]llm.Entry, error)   { return nil, nil }
func (d *desk) Spent(context.Context, llm.Call) (llm.Usage, int64, error) { return llm.Usage{}, 0, nil }

func (d *desk) Complete(ctx context.Context, _ llm.Request) (llm.Response, error) {
	<-ctx.Done()
	return llm.Response{}, ctx.Err()
}

// TestACallInFlightEndsWithinASecond has a clock of its own: it measures what a gate as it is configured anywhere waits, and not
// the machine.
func TestACallInFlightEndsWithinASecond(t *testing.T) {
	entry := func(name, environment string) llm.ProviderConfig {
		return llm.ProviderConfig{
			Name: name, Kind: llm.KindBedrock, Environment: environment, Account: name, Model: "m", Region: "eu-central-1", Terms: "none",
			Price: llm.Price{Input: 3, Output: 15}, Timeout: time.Hour,
		}
	}
	for name, c := range map[string]struct {
		change func(*desk)
		within time.Duration
	}{
		"switched off":              {func(d *desk) { d.policy.Enabled = false }, time.Second},
		"listed no more":            {func(d *desk) { d.policy.Providers = nil }, time.Second},
		"confirmed no more":         {func(d *desk) { d.policy.Confirmed = nil }, time.Second},
		"data allowed no more":      {func(d *desk) { d.policy.DataTypes = []investigation.DataType{investigation.Traces} }, time.Second},
		"own keys listed before it": {func(d *desk) { d.policy.Providers = []string{"own", "shared"} }, time.Second},
		"policy that never comes":   {func(d *desk) { d.stuck = true }, 6 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &desk{policy: llm.Policy{
					Environment: "prod", Enabled: true, Providers: []string{"shared"}, DataTypes: []investigation.DataType{investigation.Metrics},
					Confirmed: []llm.Confirmation{{Provider: "shared", Terms: "none"}, {Provider: "own", Terms: "none"}},
				}}
				g, err := gate.New(gate.Config{Policies: d, Ledger: d, Accounts: []gate.Account{
					{ProviderConfig: entry("shared", ""), Provider: d}, {ProviderConfig: entry("own", "prod"), Provider: d},
				}})
				if err != nil {
					t.Fatal(err)
				}
				ended := make(chan error, 1)
				go func() {
					_, err := g.Complete(t.Context(), ask(1))
					ended <- err
				}()
				time.Sleep(10*time.Second + time.Millisecond) // just after a look at policy: the longest until the next
				select {
				case err := <-ended:
					t.Fatalf("ended by itself: %v", err)
				default:
				}
				d.change(c.change)
				changed := time.Now()
				if err := <-ended; llm.KindOf(err) != llm.Off {
					t.Errorf("got %v", err)
				}
				if took := time.Since(changed); took > c.within {
					t.Errorf("closed after %s", took)
				}
			})
		})
	}
}
