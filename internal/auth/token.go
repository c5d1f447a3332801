package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/metadata"
)

// ErrUnauthenticated means a token is missing, malformed, unknown, revoked or expired; callers are not told which.
var ErrUnauthenticated = errors.New("unauthenticated")

// SessionLife is how long a browser stays signed in.
const SessionLife = 12 * time.Hour

// Tokens is where tokens are kept; *metadata.DB is one.
type Tokens interface {
	PutToken(ctx context.Context, t metadata.Token) error
	TokenByHash(ctx context.Context, hash string) (metadata.Token, error)
}

var _ Tokens = (*metadata.DB)(nil)

// Caller is an authenticated subject.
type Caller struct {
	Subject    string
	Role       Role
	Namespaces []string // empty: all
	Token      string   // id of the token or session
	Session    bool     // it came with a browser's cookie
}

// Grant is what a new token is given.
type Grant struct {
	Subject    string // the person or machine it is for, as the audit log names it
	Role       Role
	Namespaces []string  // empty: all
	ExpiresAt  time.Time // zero: never

	Environment string          // of a Sender, who needs one: where its telemetry goes
	Limits      metadata.Limits // of a Sender

	parent string
}

// CreateToken makes a token without expiry for all namespaces and returns its text, which is kept nowhere.
func CreateToken(ctx context.Context, db Tokens, subject string, role Role) (string, error) {
	text, _, err := Create(ctx, db, Grant{Subject: subject, Role: role})
	return text, err
}

// ErrGrant means that a token cannot be for what was asked; the text says what is wrong.
var ErrGrant = errors.New("create token")

// Create makes a token, "mw_<id>_<secret>". Its text is kept nowhere, only its SHA-256: 256 random bits need no salt.
// What is wrong with the grant is an ErrGrant.
func Create(ctx context.Context, db Tokens, g Grant) (text string, kept metadata.Token, err error) {
	role, err := ParseRole(string(g.Role))
	if err != nil {
		return "", kept, fmt.Errorf("%w: %w", ErrGrant, err)
	}
	if g.Subject = strings.TrimSpace(g.Subject); g.Subject == "" || len(g.Subject) > 200 {
		return "", kept, fmt.Errorf("%w: it needs a subject of 1 to 200 bytes", ErrGrant)
	}
	if err := g.sends(role); err != nil {
		return "", kept, fmt.Errorf("%w: %w", ErrGrant, err)
	}
	id, secret := random(6), random(32)
	text = "mw_" + id + "_" + secret
	kept = metadata.Token{
		ID: id, Parent: g.parent, Hash: hash(text), Subject: g.Subject, Role: string(role),
		Namespaces: g.Namespaces, CreatedAt: time.Now().UTC(), ExpiresAt: g.ExpiresAt, Environment: g.Environment, Limits: g.Limits,
	}
	if err := db.PutToken(ctx, kept); err != nil {
		return "", metadata.Token{}, fmt.Errorf("create token: %w", err)
	}
	return text, kept, nil
}

// Authenticate returns whose token text is, or ErrUnauthenticated. Any other error is the store's.
func Authenticate(ctx context.Context, db Tokens, text string) (Caller, error) {
	t, err := valid(ctx, db, text)
	if err != nil {
		return Caller{}, err
	}
	return Caller{Subject: t.Subject, Role: Role(t.Role), Namespaces: t.Namespaces, Token: t.ID, Session: t.Parent != ""}, nil
}

// OpenSession makes a token of SessionLife for a browser, with the rights of the token in text; it ends when that one
// does. It returns ErrUnauthenticated when text is not a valid token.
func OpenSession(ctx context.Context, db Tokens, text string) (session string, kept metadata.Token, err error) {
	t, err := valid(ctx, db, text)
	if err != nil {
		return "", kept, err
	}
	if t.Parent != "" || !Role(t.Role).Allows(Viewer) {
		return "", kept, ErrUnauthenticated // a session cannot prolong itself, and who cannot read has nothing to look at
	}
	end := time.Now().Add(SessionLife)
	if !t.ExpiresAt.IsZero() && t.ExpiresAt.Before(end) {
		end = t.ExpiresAt
	}
	return Create(ctx, db, Grant{Subject: t.Subject, Role: Role(t.Role), Namespaces: t.Namespaces, ExpiresAt: end, parent: t.ID})
}

func valid(ctx context.Context, db Tokens, text string) (metadata.Token, error) {
	if !strings.HasPrefix(text, "mw_") || len(text) > 200 {
		return metadata.Token{}, ErrUnauthenticated
	}
	t, err := db.TokenByHash(ctx, hash(text))
	switch {
	case errors.Is(err, metadata.ErrNotFound):
		return t, ErrUnauthenticated
	case err != nil:
		return t, fmt.Errorf("authenticate: %w", err)
	case !t.RevokedAt.IsZero(), !t.ExpiresAt.IsZero() && !time.Now().Before(t.ExpiresAt):
		return t, ErrUnauthenticated
	}
	return t, nil
}

// sends checks what only a sender is given.
func (g Grant) sends(role Role) error {
	switch l := g.Limits; {
	case role == Sender && (g.Environment == "" || len(g.Environment) > 200):
		return errors.New("a sender needs the environment that its telemetry goes to, of 1 to 200 bytes")
	case role == Sender && (l.BytesPerSecond < 0 || l.RequestsPerSecond < 0 || l.Series < 0):
		return errors.New("a limit is negative; without one there is no limit")
	case role != Sender && (g.Environment != "" || l != metadata.Limits{}):
		return errors.New("only a sender has an environment and limits")
	}
	return nil
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func random(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b)
	return hex.EncodeToString(b)
}
