package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/auth"
)

type openSessionInput struct {
	Body wire.OpenSession
}

type cookieOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

// openSession exchanges a token for a cookie that scripts cannot read and other sites cannot send.
func (s *Server) openSession(ctx context.Context, in *openSessionInput) (*cookieOutput, error) {
	if err := s.cfg.Metadata.DropSessions(ctx, time.Now()); err != nil {
		return nil, s.problem(ctx, err)
	}
	session, kept, err := auth.OpenSession(ctx, s.cfg.Metadata, in.Body.Token)
	if errors.Is(err, auth.ErrUnauthenticated) {
		if s.denials.Allow() {
			_ = s.audit(ctx, "", "session.open", "session", "denied", "from "+request(ctx).RemoteAddr)
		}
		return nil, huma.NewError(http.StatusUnauthorized, "")
	}
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	if err := s.audit(ctx, kept.Subject, "session.open", "session", "allowed", ""); err != nil {
		return nil, s.problem(ctx, err)
	}
	return &cookieOutput{SetCookie: newCookie(session, kept.ExpiresAt)}, nil
}

// closeSession ends the session for good, here and wherever its cookie was copied to. With a token it does nothing.
func (s *Server) closeSession(ctx context.Context, _ *struct{}) (*cookieOutput, error) {
	who := caller(ctx)
	if who.Session {
		if err := s.cfg.Metadata.RevokeToken(ctx, who.Token); err != nil {
			return nil, s.problem(ctx, err)
		}
		_ = s.audit(ctx, who.Subject, "session.close", "session", "allowed", "")
	}
	return &cookieOutput{SetCookie: newCookie("", time.Unix(0, 0))}, nil
}

func newCookie(value string, expires time.Time) http.Cookie {
	return http.Cookie{
		Name: sessionCookie, Value: value, Path: "/", Expires: expires,
		HttpOnly: true, Secure: true, SameSite: http.SameSiteStrictMode,
	}
}
