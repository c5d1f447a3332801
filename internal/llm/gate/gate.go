package gate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
)

// Errors that are about the call itself, not about a provider.
var (
	// ErrBudget means that the call's worst case does not fit into what is left.
	ErrBudget = errors.New("the budget does not allow another model call")
	// ErrUnanswered means that the call was sent as often as it may be, and no answer is in the ledger.
	ErrUnanswered = errors.New("the model call was sent before and its answer was lost")
)

// maxSent is how often a call whose fate is unknown may be sent: once, and once more.
const maxSent = 2

// bytesPerToken is how a request's tokens are estimated from its JSON: low, so that the estimate is high.
const bytesPerToken = 3

// Account is a configured provider.
type Account struct {
	llm.ProviderConfig
	Provider llm.Provider // nil: this gate knows it and does not ask it
}

// Config is what a gate needs.
type Config struct {
	Policies llm.Policies
	Ledger   llm.Ledger
	Accounts []Account
	// Now is the clock of a provider's rest; nil: time.Now.
	Now func() time.Time
	Log *slog.Logger // nil: none
}

// Gate is safe for concurrent use.
type Gate struct {
	cfg       Config
	selector  Selector
	providers map[string]llm.Provider
	breakers  map[string]*breaker
}

// New validates cfg.
func New(cfg Config) (*Gate, error) {
	if cfg.Policies == nil || cfg.Ledger == nil {
		return nil, errors.New("gate: policies and a ledger are needed")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	g := &Gate{cfg: cfg, selector: Selector{Policies: cfg.Policies}, providers: map[string]llm.Provider{}, breakers: map[string]*breaker{}}
	for _, a := range cfg.Accounts {
		if err := a.Validate(); err != nil {
			return nil, err
		}
		if g.breakers[a.Name] != nil {
			return nil, fmt.Errorf("gate: provider %s is there twice", a.Name)
		}
		g.breakers[a.Name] = &breaker{}
		if a.Provider != nil {
			g.providers[a.Name] = a.Provider
		}
		g.selector.Accounts = append(g.selector.Accounts, a.ProviderConfig)
	}
	return g, nil
}

// Ask is one model call.
type Ask struct {
	Call        llm.Call
	Environment string
	Provider    string      // the one that may be asked; "": any that policy lists
	Request     llm.Request // Model and MaxTokens are the account's
	DataTypes   []investigation.DataType
	Redactions  map[string]int // already done to Request
	Tokens      int64          // budget of the whole investigation or question; 0: none
	Cost        int64          // the same, in millionths of a US dollar
}

// Complete returns the answer of a call: the one in the ledger, if there is one, else that of the first listed provider that
// gives one. Its errors are ErrBudget, ErrUnanswered, an *llm.Error, or of the ledger.
func (g *Gate) Complete(ctx context.Context, ask Ask) (llm.Entry, error) {
	before, err := g.cfg.Ledger.Attempts(ctx, ask.Call)
	if err != nil {
		return llm.Entry{}, fmt.Errorf("read the ledger: %w", err)
	}
	lost := 0
	for _, e := range before {
		switch e.State {
		case llm.Answered:
			return e, nil
		case llm.Begun:
			lost++
		}
	}
	if lost >= maxSent {
		return llm.Entry{}, ErrUnanswered
	}
	var last error
	tried := map[string]bool{}
	for {
		// Read anew for each: what an admin changes while one provider fails counts for the next.
		accounts, err := g.allowed(ctx, ask)
		if err != nil {
			return llm.Entry{}, err
		}
		i := slices.IndexFunc(accounts, func(a llm.ProviderConfig) bool { return !tried[a.Name] })
		if i < 0 {
			return llm.Entry{}, last
		}
		a := accounts[i]
		tried[a.Name] = true
		if !g.breakers[a.Name].allows(g.cfg.Now()) {
			last = also(last, g.breakers[a.Name].resting(a.Name))
			continue
		}
		entry, err := g.send(ctx, a, ask)
		g.breakers[a.Name].note(err, g.cfg.Now())
		if err == nil {
			return entry, nil
		}
		if kind := llm.KindOf(err); kind == "" || kind == llm.Off || ctx.Err() != nil {
			return llm.Entry{}, err
		}
		g.cfg.Log.WarnContext(ctx, "model provider failed", "provider", a.Name, "kind", llm.KindOf(err), "error", err)
		last = also(last, err)
	}
}

// also adds what came of another provider, on the same line: people read it in reports.
func also(before, err error) error {
	if before == nil {
		return err
	}
	return fmt.Errorf("%w; %w", before, err)
}

// send makes one attempt at one account, with the ledger before and after it.
func (g *Gate) send(ctx context.Context, a llm.ProviderConfig, ask Ask) (llm.Entry, error) {
	request := ask.Request
	request.Model, request.MaxTokens = a.Model, a.MaxTokens
	body, err := json.Marshal(request)
	if err != nil {
		return llm.Entry{}, fmt.Errorf("encode the model request: %w", err)
	}
	if err := g.affordable(ctx, a, ask, len(body)); err != nil {
		return llm.Entry{}, err
	}
	worst := WorstCase(len(body), a.MaxTokens)
	entry, err := g.cfg.Ledger.Begin(ctx, llm.Entry{
		Call: ask.Call, Environment: ask.Environment, Provider: a.Name, Kind: a.Kind, Account: a.Account, Model: a.Model,
		State: llm.Begun, BegunAt: time.Now().UTC(), Request: body, DataTypes: ask.DataTypes, Redactions: ask.Redactions,
		Usage: worst, Cost: a.Price.Worst(worst), // until it has ended: what it may take
	})
	if err != nil {
		return llm.Entry{}, fmt.Errorf("write the ledger: %w", err)
	}
	response, failed := g.watched(ctx, a, ask, request)
	entry = ended(entry, a, response, failed)
	// What came of it must be kept, also when the caller has gone.
	keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := g.cfg.Ledger.End(keep, entry); err != nil {
		return llm.Entry{}, fmt.Errorf("write the ledger: %w", err)
	}
	return entry, failed
}

// ended is an entry with what came of its call. Its worst case stands wherever an answer may have been given, and charged; what an
// answer that broke off had counted by then counts instead, as far as it cannot grow.
func ended(e llm.Entry, a llm.ProviderConfig, r llm.Response, failed error) llm.Entry {
	e.EndedAt, e.State = time.Now().UTC(), llm.Answered
	if failed != nil {
		e.State, e.Error = llm.FailedAt, failed.Error()
	}
	if llm.KindOf(failed) == llm.Off {
		e.State = llm.Closed
	}
	if failed != nil && !r.Begun() {
		if free(llm.KindOf(failed)) || unconnected(failed) {
			e.Usage, e.Cost = llm.Usage{}, 0
		}
		return e
	}
	body, err := json.Marshal(r)
	if err != nil {
		e.State, e.Error = llm.FailedAt, err.Error()
		return e
	}
	e.Response = body
	if failed == nil {
		e.Usage, e.Cost = r.Usage, a.Price.Cost(r.Usage)
		return e
	}
	worst := max(r.Usage.Output, e.Usage.Output) // it may have gone on
	if r.Usage.Input+r.Usage.CacheRead+r.Usage.CacheWrite > 0 {
		e.Usage = llm.Usage{Input: r.Usage.Input, Output: worst, CacheRead: r.Usage.CacheRead, CacheWrite: r.Usage.CacheWrite}
		e.Cost = a.Price.Cost(e.Usage)
		return e
	}
	e.Usage.Output = worst
	e.Cost = a.Price.Worst(e.Usage)
	return e
}

// free tells whether a provider that said no before it answered charges nothing.
func free(k llm.Kind) bool {
	return k == llm.Throttled || k == llm.Overloaded || k == llm.Denied || k == llm.Invalid
}

// unconnected tells that nothing was sent, for want of a name or a connection.
func unconnected(err error) bool {
	var dial *net.OpError
	var name *net.DNSError
	return errors.As(err, &name) || errors.As(err, &dial) && dial.Op == "dial"
}

// WorstCase is the most that a request of so many bytes of JSON is taken to use.
func WorstCase(bytes, maxTokens int) llm.Usage {
	return llm.Usage{Input: int64(bytes/bytesPerToken + 1), Output: int64(maxTokens)}
}

func (g *Gate) affordable(ctx context.Context, a llm.ProviderConfig, ask Ask, bytes int) error {
	usage, cost, err := g.cfg.Ledger.Spent(ctx, ask.Call)
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	worst := WorstCase(bytes, a.MaxTokens)
	tokens := usage.Input + usage.Output + usage.CacheRead + usage.CacheWrite + worst.Input + worst.Output
	if ask.Tokens > 0 && tokens > ask.Tokens {
		return fmt.Errorf("%w: %d tokens with it, at most %d", ErrBudget, tokens, ask.Tokens)
	}
	if with := cost + a.Price.Worst(worst); ask.Cost > 0 && with > ask.Cost {
		return fmt.Errorf("%w: $%.4f with it, at most $%.4f", ErrBudget, float64(with)/1e6, float64(ask.Cost)/1e6)
	}
	return nil
}
