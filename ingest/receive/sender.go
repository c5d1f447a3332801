package receive

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// Senders says whose token a text is; *auth.Senders does. Its errors wrap auth.ErrUnauthenticated, or are worth another try.
type Senders interface {
	Authenticate(text string) (metadata.Token, error)
}

var _ Senders = (*auth.Senders)(nil)

// Sender is whoever sends a request: a part of the installation by its certificate, or the holder of a token.
type Sender struct {
	Token       string // id; empty: by certificate
	Environment string // where its telemetry goes, whatever it says; empty: where it says
	Series      int64  // that it may have; 0: its environment's limit
	pace        *pace  // nil: no limit
}

// part says whether it is a part of the installation, which may ask and not only send.
func (f *Sender) part() bool { return f.Token == "" }

// id makes a request's id the sender's own, and one of its signal's: nobody can claim, or guess, that of another, and an id that a sender gives to all
// it sends does not hide its traces behind its logs.
func (f *Sender) id(signal telemetry.Signal, id string) string {
	if f.part() {
		return id
	}
	return f.Token + "-" + string(signal) + "-" + id
}

// Sent counts the bytes of a request that was admitted. A nil sender has no limit.
func (f *Sender) Sent(bytes int, now time.Time) {
	if f != nil {
		f.pace.read(bytes, now)
	}
}

// senders knows who sends, and how fast each may.
type senders struct {
	tokens Senders // nil: certificates alone
	mu     sync.Mutex
	paces  map[string]*pace // :: id of a token → how fast it goes
}

// who returns the sender of a request from its connection and its Authorization header. One that brings a token is the token's, with a
// certificate or without. The error wraps auth.ErrUnauthenticated, or is worth another try.
func (s *senders) who(conn *tls.ConnectionState, authorization string) (*Sender, error) {
	if authorization == "" {
		if conn == nil || len(conn.VerifiedChains) == 0 {
			return nil, fmt.Errorf("%w: neither a certificate of the installation nor a token: want Authorization: Bearer", auth.ErrUnauthenticated)
		}
		return &Sender{}, nil
	}
	scheme, text, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "bearer") || s.tokens == nil {
		return nil, fmt.Errorf("%w: want Authorization: Bearer and a sender's token", auth.ErrUnauthenticated)
	}
	t, err := s.tokens.Authenticate(strings.TrimSpace(text))
	switch {
	case errors.Is(err, auth.ErrUnauthenticated):
		return nil, fmt.Errorf("%w: no valid token of a sender", err)
	case err != nil:
		return nil, err
	}
	return &Sender{Token: t.ID, Environment: t.Environment, Series: t.Limits.Series, pace: s.paceOf(t)}, nil
}

func (s *senders) paceOf(t metadata.Token) *pace {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.paces[t.ID]
	if p == nil {
		p = newPace(t.Limits)
		s.paces[t.ID] = p
	}
	return p
}
