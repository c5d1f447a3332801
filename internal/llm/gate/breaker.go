package gate

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/midwatch/midwatch/internal/llm"
)

const (
	// trips is how many failures in a row, which another attempt might have mended, make a provider rest.
	trips = 3
	rest  = 30 * time.Second
)

// breaker keeps a provider in trouble from costing every call its time.
type breaker struct {
	mu     sync.Mutex
	failed int
	until  time.Time
	last   *llm.Error // of the failures
}

// allows tells whether the provider may be asked. After its rest one call finds out how it is.
func (b *breaker) allows(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Before(b.until) {
		return false
	}
	if b.failed >= trips {
		b.until = now.Add(rest) // the others wait for that one call
	}
	return true
}

// note takes what came of a call.
func (b *breaker) note(err error, now time.Time) {
	var e *llm.Error
	failed := errors.As(err, &e) && e.Passing()
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !failed && err != nil: // says nothing about the provider's health
		return
	case !failed:
		b.failed, b.until = 0, time.Time{}
	default:
		b.last = e
		if b.failed++; b.failed >= trips {
			b.until = now.Add(max(rest, min(e.RetryAfter, 10*rest)))
		}
	}
}

// resting is the answer in place of a provider that rests: what it failed with.
func (b *breaker) resting(provider string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.last == nil { // one call finds out how it is
		return &llm.Error{Kind: llm.Overloaded, Provider: provider, Err: errors.New("it is being tried by another call")}
	}
	return &llm.Error{Kind: b.last.Kind, Provider: provider, Err: fmt.Errorf("not asked now: it failed %d times in a row, last with: %w", b.failed, b.last.Err)}
}
