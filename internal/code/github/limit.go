package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/google/go-github/v60/github"

	"github.com/midwatch/midwatch/internal/code"
)

const (
	// patience is how long one call waits for rate limits, all waits together; past it the caller is told when to come back.
	patience = 15 * time.Second
	// unsaid is what a secondary limit without a time means, as GitHub's guide says.
	unsaid = time.Minute
)

// polite makes a call, waits a little when GitHub wants it, and names what went wrong in the words of package code.
func (c *Client) polite(ctx context.Context, what string, call func() error) error {
	for waited := time.Duration(0); ; {
		err := call()
		if err == nil {
			return nil
		}
		until, limited := limit(err, c.now())
		if !limited {
			return fmt.Errorf("%s: %w", what, named(err))
		}
		wait := max(until.Sub(c.now()), 0) + 500*time.Millisecond
		if waited += wait; waited > patience {
			return fmt.Errorf("%s: %w", what, &code.RateLimited{Until: until})
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// limit tells whether an error is a rate limit, primary or secondary, and until when.
func limit(err error, now time.Time) (until time.Time, ok bool) {
	var primary *github.RateLimitError
	if errors.As(err, &primary) {
		return primary.Rate.Reset.Time, true
	}
	var secondary *github.AbuseRateLimitError
	if errors.As(err, &secondary) {
		if secondary.RetryAfter != nil {
			return now.Add(*secondary.RetryAfter), true
		}
		return now.Add(unsaid), true
	}
	var plain *github.ErrorResponse
	if !errors.As(err, &plain) || plain.Response == nil {
		return time.Time{}, false
	}
	status, after := plain.Response.StatusCode, plain.Response.Header.Get("Retry-After")
	if status != http.StatusTooManyRequests && (status != http.StatusForbidden || after == "") {
		return time.Time{}, false
	}
	if seconds, err := strconv.Atoi(after); err == nil && seconds >= 0 {
		return now.Add(time.Duration(seconds) * time.Second), true
	}
	return now.Add(unsaid), true
}

// named gives the errors that callers branch on their names.
func named(err error) error {
	var plain *github.ErrorResponse
	if !errors.As(err, &plain) || plain.Response == nil {
		return err
	}
	switch plain.Response.StatusCode {
	case http.StatusNotFound, http.StatusGone:
		return fmt.Errorf("%w (%s)", code.ErrNotFound, code.Cut(plain.Message, 300))
	case http.StatusUnauthorized:
		return fmt.Errorf("GitHub does not accept the token or key: %s", code.Cut(plain.Message, 300))
	case http.StatusForbidden:
		return fmt.Errorf("GitHub does not allow it: %s; see docs/github.md for the rights that are needed", code.Cut(plain.Message, 300))
	case http.StatusConflict: // an empty repository
		return fmt.Errorf("%w (%s)", code.ErrNotFound, code.Cut(plain.Message, 300))
	}
	return fmt.Errorf("GitHub answers %d: %s", plain.Response.StatusCode, code.Cut(plain.Message, 300))
}
