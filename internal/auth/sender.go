package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/midwatch/midwatch/internal/metadata"
)

// ErrNotKnown means that the tokens could not be read for too long to say whose one is; the caller should come back later.
var ErrNotKnown = errors.New("the tokens of senders cannot be read")

const (
	sendersEvery = time.Second     // a token works, and a revoked one no longer works, after so long at most
	sendersStale = 5 * time.Minute // telemetry goes on for so long while the metadata store is away
)

// SenderTokens is where the tokens of senders are kept; *metadata.DB is one.
type SenderTokens interface {
	TokensOf(ctx context.Context, role string) ([]metadata.Token, error)
}

var _ SenderTokens = (*metadata.DB)(nil)

// Senders knows the tokens of role Sender without asking the metadata store for each request. Make it with NewSenders, start it with Run.
// It is safe for concurrent use.
type Senders struct {
	db    SenderTokens
	log   *slog.Logger
	known atomic.Pointer[senderList]
}

// senderList is what was read last.
type senderList struct {
	at   time.Time
	byID map[string]metadata.Token // :: id → token
}

// NewSenders knows no token before Run has read them. The log may be nil.
func NewSenders(db SenderTokens, log *slog.Logger) *Senders {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Senders{db: db, log: log}
}

// Run reads the tokens every second until ctx ends. A clean stop returns nil.
func (s *Senders) Run(ctx context.Context) error {
	tick := time.NewTicker(sendersEvery)
	defer tick.Stop()
	wasRead := true
	for {
		err := s.read(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && wasRead:
			s.log.Warn("cannot read the tokens of senders; those known so far count meanwhile", "for", sendersStale, "error", err)
		}
		wasRead = err == nil
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *Senders) read(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sendersStale/10)
	defer cancel()
	at := time.Now()
	list, err := s.db.TokensOf(ctx, string(Sender))
	if err != nil {
		return err
	}
	known := &senderList{at: at, byID: make(map[string]metadata.Token, len(list))}
	for _, t := range list {
		known.byID[t.ID] = t
	}
	s.known.Store(known)
	return nil
}

// Authenticate returns the sender's token of which text is the text, ErrUnauthenticated, or an error that wraps ErrNotKnown.
func (s *Senders) Authenticate(text string) (metadata.Token, error) {
	known, now := s.known.Load(), time.Now()
	if known == nil || now.Sub(known.at) > sendersStale {
		return metadata.Token{}, fmt.Errorf("authenticate: %w", ErrNotKnown)
	}
	id, _, found := strings.Cut(strings.TrimPrefix(text, "mw_"), "_")
	if !found || len(text) > 200 {
		return metadata.Token{}, ErrUnauthenticated
	}
	t := known.byID[id] // an unknown one has no hash, which nothing equals
	if subtle.ConstantTimeCompare([]byte(hash(text)), []byte(t.Hash)) != 1 || !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt) {
		return metadata.Token{}, ErrUnauthenticated
	}
	return t, nil
}
