package metadata

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Token is what is kept of an access token: never the token itself.
type Token struct {
	ID         string    `json:"id"`
	Parent     string    `json:"-"` // of a browser session: the token it was opened with, and with which it ends
	Hash       string    `json:"-"` // hex SHA-256 of the whole token
	Subject    string    `json:"subject"`
	Role       string    `json:"role"`
	Namespaces []string  `json:"namespaces,omitempty"` // empty: all
	CreatedAt  time.Time `json:"created_at"`
	ExpiresAt  time.Time `json:"expires_at,omitzero"` // zero: never
	RevokedAt  time.Time `json:"revoked_at,omitzero"`

	Environment string `json:"environment,omitempty"` // of a sender of telemetry: where what it sends goes
	Limits      Limits `json:"limits,omitzero"`       // of a sender
}

// Limits bound what a sender of telemetry may bring. Zero of each: no limit.
type Limits struct {
	BytesPerSecond    int64 `json:"bytes_per_second,omitempty" minimum:"0" doc:"of requests, decompressed"`
	RequestsPerSecond int64 `json:"requests_per_second,omitempty" minimum:"0"`
	Series            int64 `json:"series,omitempty" minimum:"0" doc:"of metrics"`
}

const tokenColumns = `id, parent, hash, subject, role, namespaces, created_at, expires_at, revoked_at, environment, bytes_per_second, requests_per_second, series`

// PutToken stores a new token.
func (d *DB) PutToken(ctx context.Context, t Token) error {
	namespaces, err := json.Marshal(t.Namespaces)
	if err == nil {
		_, err = d.exec(ctx, d.sql, `INSERT INTO tokens (`+tokenColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, t.ID, t.Parent, t.Hash,
			t.Subject, t.Role, string(namespaces), micros(t.CreatedAt), micros(t.ExpiresAt), micros(t.RevokedAt),
			t.Environment, t.Limits.BytesPerSecond, t.Limits.RequestsPerSecond, t.Limits.Series)
	}
	if err != nil {
		return fmt.Errorf("store token %s: %w", t.ID, err)
	}
	return nil
}

// TokenByHash returns the token of a hash, revoked and expired ones too, or ErrNotFound.
func (d *DB) TokenByHash(ctx context.Context, hash string) (Token, error) {
	row := d.sql.QueryRowContext(ctx, d.bind(`SELECT `+tokenColumns+` FROM tokens WHERE hash = ?`), hash)
	t, err := scanToken(row.Scan)
	if err != nil {
		return Token{}, fmt.Errorf("read token: %w", notFound(err))
	}
	return t, nil
}

// ListTokens returns every token, newest first. Browser sessions are left out.
func (d *DB) ListTokens(ctx context.Context) ([]Token, error) {
	return d.tokens(ctx, `parent = '' ORDER BY created_at DESC, id`)
}

// TokensOf returns the tokens of a role that are not revoked; expired ones too.
func (d *DB) TokensOf(ctx context.Context, role string) ([]Token, error) {
	return d.tokens(ctx, `role = ? AND revoked_at = 0`, role)
}

func (d *DB) tokens(ctx context.Context, where string, args ...any) ([]Token, error) {
	list := []Token{}
	err := d.rows(ctx, d.sql, `SELECT `+tokenColumns+` FROM tokens WHERE `+where, args, func(scan func(...any) error) error {
		t, err := scanToken(scan)
		list = append(list, t)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return list, nil
}

// RevokeToken makes a token, and the sessions opened with it, worthless from now on. It returns ErrNotFound when there is none of that id; revoking twice
// is fine.
func (d *DB) RevokeToken(ctx context.Context, id string) error {
	err := d.one(ctx, d.sql, `UPDATE tokens SET revoked_at = CASE WHEN revoked_at = 0 THEN CAST(? AS BIGINT) ELSE revoked_at END
		WHERE id = ? OR parent = ?`, micros(time.Now()), id, id)
	if err != nil {
		return fmt.Errorf("revoke token %s: %w", id, err)
	}
	return nil
}

// DropSessions forgets browser sessions that ended before a time.
func (d *DB) DropSessions(ctx context.Context, before time.Time) error {
	_, err := d.exec(ctx, d.sql, `DELETE FROM tokens WHERE parent <> '' AND
		(expires_at BETWEEN 1 AND ? OR revoked_at BETWEEN 1 AND ?)`, micros(before), micros(before))
	if err != nil {
		return fmt.Errorf("drop ended sessions: %w", err)
	}
	return nil
}

func scanToken(scan func(...any) error) (t Token, err error) {
	var namespaces string
	var created, expires, revoked int64
	err = scan(&t.ID, &t.Parent, &t.Hash, &t.Subject, &t.Role, &namespaces, &created, &expires, &revoked,
		&t.Environment, &t.Limits.BytesPerSecond, &t.Limits.RequestsPerSecond, &t.Limits.Series)
	if err != nil {
		return t, err
	}
	t.CreatedAt, t.ExpiresAt, t.RevokedAt = fromMicros(created), fromMicros(expires), fromMicros(revoked)
	return t, json.Unmarshal([]byte(namespaces), &t.Namespaces)
}
