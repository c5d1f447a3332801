package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/midwatch/midwatch/internal/llm"
)

// Selector knows who may be asked. It needs no keys, so that others than the model role can have one.
type Selector struct {
	Policies llm.Policies
	Accounts []llm.ProviderConfig
}

// Allowed returns the accounts that may be asked for an environment now, the first first. An error is an *llm.Error of kind
// Off: also when policy cannot be read. A provider's name leaves that one alone, if policy lists it; "" leaves all.
func (s *Selector) Allowed(ctx context.Context, environment, provider string) ([]llm.ProviderConfig, llm.Policy, error) {
	p, err := s.Policies.AIPolicy(ctx, environment)
	if err != nil {
		return nil, llm.Policy{}, off("policy cannot be read: %w", err)
	}
	if !p.Enabled {
		return nil, p, off("AI is switched off for environment %s", environment)
	}
	if provider != "" {
		p.Providers = slices.DeleteFunc(slices.Clone(p.Providers), func(name string) bool { return name != provider })
	}
	var accounts []llm.ProviderConfig
	for _, name := range p.Providers {
		i := slices.IndexFunc(s.Accounts, func(a llm.ProviderConfig) bool { return a.Name == name })
		if i < 0 {
			continue // listed once, configured no more
		}
		a := s.Accounts[i].OrDefault()
		theirs := a.Environment == "" || a.Environment == environment
		// Whoever begins with keys of their own never falls back to another's.
		same := len(accounts) == 0 || a.Environment == accounts[0].Environment
		if theirs && same && confirmed(p, a) {
			accounts = append(accounts, a)
		}
	}
	if len(accounts) == 0 {
		return nil, p, off("no provider is listed for environment %s that is configured for it and whose data-use terms an admin confirmed", environment)
	}
	return accounts, p, nil
}

// allowed is Allowed for one call, whose data must be allowed, too.
func (g *Gate) allowed(ctx context.Context, ask Ask) ([]llm.ProviderConfig, error) {
	accounts, p, err := g.selector.Allowed(ctx, ask.Environment, ask.Provider)
	if err != nil {
		return nil, err
	}
	if !p.Allows(ask.DataTypes...) {
		return nil, off("the request holds data of a type that policy keeps from models: %v of %v", ask.DataTypes, p.DataTypes)
	}
	return accounts, nil
}

// confirmed: for exactly these words, so that changed terms need another look.
func confirmed(p llm.Policy, c llm.ProviderConfig) bool {
	return slices.ContainsFunc(p.Confirmed, func(k llm.Confirmation) bool { return k.Provider == c.Name && k.Terms == c.Terms })
}

func off(format string, args ...any) error {
	return &llm.Error{Kind: llm.Off, Provider: "none", Err: fmt.Errorf(format, args...)}
}

// errSwitchedOff ends a call in flight.
var errSwitchedOff = errors.New("switched off while the call ran; the connection was closed")

// watched makes a call that ends when policy no longer allows it.
func (g *Gate) watched(ctx context.Context, a llm.ProviderConfig, ask Ask, r llm.Request) (llm.Response, error) {
	limited, stop := context.WithTimeout(ctx, a.Timeout)
	defer stop()
	inFlight, cancel := context.WithCancelCause(limited)
	defer cancel(nil)
	go g.watch(inFlight, a, ask, cancel)
	response, err := g.providers[a.Name].Complete(inFlight, r)
	if err == nil {
		return response, nil
	}
	if errors.Is(context.Cause(inFlight), errSwitchedOff) {
		return llm.Response{}, &llm.Error{Kind: llm.Off, Provider: a.Name, Err: errSwitchedOff}
	}
	if llm.KindOf(err) == "" {
		err = &llm.Error{Kind: llm.Unreachable, Provider: a.Name, Err: err}
	}
	return llm.Response{}, err
}

// watch reads policy until ctx ends, and cancels once the account may no longer be asked.
func (g *Gate) watch(ctx context.Context, a llm.ProviderConfig, ask Ask, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(g.cfg.Watch)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		accounts, _, err := g.selector.Allowed(ctx, ask.Environment, ask.Provider)
		if ctx.Err() == nil && (err != nil || !slices.ContainsFunc(accounts, func(b llm.ProviderConfig) bool { return b.Name == a.Name })) {
			cancel(errSwitchedOff)
			return
		}
	}
}
