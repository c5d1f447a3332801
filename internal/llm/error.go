package llm

import (
	"errors"
	"fmt"
	"time"
)

// Kind sorts what can go wrong by what to do about it.
type Kind string

// The kinds.
const (
	Off         Kind = "off"         // policy says no, or could not be read: nothing was sent, or the call was closed
	Throttled   Kind = "throttled"   // too many requests or tokens: later, after RetryAfter if that is set
	Overloaded  Kind = "overloaded"  // the provider is in trouble (5xx, 529): later, or another provider
	Unreachable Kind = "unreachable" // no connection, no TLS, a cut stream, no answer in time: later, or another provider
	Denied      Kind = "denied"      // credentials, account or model access: an admin must act
	Invalid     Kind = "invalid"     // the request does not fit (too long, unknown model): the same again fails again
	Malformed   Kind = "malformed"   // an answer that is not what the vendor documents
)

// Error is a failed call.
type Error struct {
	Kind       Kind
	Provider   string        // as configured
	Status     int           // HTTP status; 0 when there was none
	RetryAfter time.Duration // as the provider asks; 0 when it does not say
	Err        error         // what the SDK or the network said, without credentials
}

func (e *Error) Error() string {
	if e.Provider == "" { // nobody was asked
		return e.Err.Error()
	}
	if e.Status != 0 {
		return fmt.Sprintf("model provider %s: %s (HTTP %d): %v", e.Provider, e.Kind, e.Status, e.Err)
	}
	return fmt.Sprintf("model provider %s: %s: %v", e.Provider, e.Kind, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Passing tells whether another attempt, or another provider, may succeed with the same request.
func (e *Error) Passing() bool {
	return e.Kind == Throttled || e.Kind == Overloaded || e.Kind == Unreachable
}

// KindOf is the kind of an error of this package, "" for any other.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}
