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
// Off: also when policy cannot be read. A provider's name leaves that one alone, if it is among them; "" leaves all.
func (s *Selector) Allowed(ctx context.Context, environment, provider string) ([]llm.ProviderConfig, llm.Policy, error) {
	p, err := s.Policies.AIPolicy(ctx, environment)
	if err != nil {
		return nil, llm.Policy{}, off("policy cannot be read: %w", err)
	}
	if !p.Enabled {
		return nil, p, off("AI is switched off for environment %s", environment)
	}
	accounts := slices.DeleteFunc(s.listed(p, environment), func(a llm.ProviderConfig) bool {
		return !confirmed(p, a) || provider != "" && a.Name != provider
	})
	if len(accounts) == 0 {
		return nil, p, off("no provider is listed for environment %s that is configured for it and whose data-use terms an admin confirmed", environment)
	}
	return accounts, p, nil
}

// listed are the accounts of a policy's list that are configured for the environment. Whose keys they are is decided by the first
// name on the list alone, whether or not that one may be asked: who begins with keys of their own never falls back to another's,
// and a first name that is configured no more could have been such keys.
func (s *Selector) listed(p llm.Policy, environment string) []llm.ProviderConfig {
	var accounts []llm.ProviderConfig
	owner := ""
	for n, name := range p.Providers {
		i := slices.IndexFunc(s.Accounts, func(a llm.ProviderConfig) bool { return a.Name == name })
		switch {
		case i < 0 && n == 0:
			return nil
		case i < 0:
			continue // listed once, configured no more
		case n == 0:
			owner = s.Accounts[i].Environment
		}
		a := s.Accounts[i].OrDefault()
		if a.Environment == owner && (owner == "" || owner == environment) {
			accounts = append(accounts, a)
		}
	}
	return accounts
}

// allowed is Allowed for one call, whose data must be allowed, too.
func (g *Gate) allowed(ctx context.Context, ask Ask) ([]llm.ProviderConfig, error) {
	accounts, p, err := g.selector.Allowed(ctx, ask.Environment, ask.Provider)
	if err != nil {
		return nil, err
	}
	accounts = slices.DeleteFunc(accounts, func(a llm.ProviderConfig) bool { return g.providers[a.Name] == nil })
	if len(accounts) == 0 {
		return nil, off("none of the providers that may be asked for environment %s is asked by this process", ask.Environment)
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
	return &llm.Error{Kind: llm.Off, Err: fmt.Errorf(format, args...)}
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
		return response, &llm.Error{Kind: llm.Off, Provider: a.Name, Err: errSwitchedOff}
	}
	if llm.KindOf(err) == "" {
		err = &llm.Error{Kind: llm.Unreachable, Provider: a.Name, Err: err}
	}
	return response, err
}

const (
	// watchEvery is how often policy is read while a call is in flight: switching off works within a second.
	watchEvery = 200 * time.Millisecond
	// watchWait is how long that may take: more means that policy cannot be read.
	watchWait = 5 * time.Second
)

// watch reads policy until ctx ends, and cancels once the account may no longer be asked, or not with this data.
func (g *Gate) watch(ctx context.Context, a llm.ProviderConfig, ask Ask, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		reading, stop := context.WithTimeout(ctx, watchWait)
		accounts, err := g.allowed(reading, ask)
		stop()
		if ctx.Err() == nil && (err != nil || !slices.ContainsFunc(accounts, func(b llm.ProviderConfig) bool { return b.Name == a.Name })) {
			cancel(errSwitchedOff)
			return
		}
	}
}
