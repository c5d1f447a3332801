package gate

import (
	"errors"
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
		if b.failed++; b.failed >= trips {
			b.until = now.Add(max(rest, min(e.RetryAfter, 10*rest)))
		}
	}
}
