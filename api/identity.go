package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/midwatch/midwatch/internal/auth"
)

// sessionCookie holds a browser's session. The prefix makes browsers insist on Secure, on this host and on path /.
const sessionCookie = "__Host-midwatch"

type identityKey struct{}

// identity is who sent a request, and the request.
type identity struct {
	auth.Caller
	text    string // the token or session as it came
	request *http.Request
}

func caller(ctx context.Context) auth.Caller { return ctx.Value(identityKey{}).(identity).Caller }

func request(ctx context.Context) *http.Request { return ctx.Value(identityKey{}).(identity).request }

// identify lets only requests with a valid token or session through to next, and says nothing to the others.
func (s *Server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := identity{text: credential(r), request: r}
		var err error
		if id.Caller, err = auth.Authenticate(r.Context(), s.cfg.Metadata, id.text); err != nil {
			s.unknown(w, r, id.text, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), identityKey{}, id)))
	})
}

// anonymous is for the one route that is open to all: signing in.
func anonymous(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), identityKey{}, identity{request: r})))
	})
}

// credential prefers the header, so that a script's token counts even where a cookie is sent along.
func credential(r *http.Request) string {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return token
	}
	if c, err := r.Cookie(sessionCookie); err == nil {
		return c.Value
	}
	return ""
}

// unknown answers a caller who could not be authenticated: 401 and nothing else, or the page to sign in at. One who brought something is audited,
// within a rate, since anybody can do this as often as they like.
func (s *Server) unknown(w http.ResponseWriter, r *http.Request, text string, err error) {
	if !errors.Is(err, auth.ErrUnauthenticated) {
		s.cfg.Log.Error("authenticate", "error", err)
		writeProblem(w, http.StatusServiceUnavailable)
		return
	}
	if text != "" && s.denials.Allow() {
		_ = s.audit(r.Context(), "", "authenticate", object(r), "denied", "from "+r.RemoteAddr)
	}
	if opensPage(r) {
		http.Redirect(w, r, "/sign-in?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		return
	}
	w.Header().Set("WWW-Authenticate", "Bearer")
	writeProblem(w, http.StatusUnauthorized)
}

// opensPage tells that a person's browser wants to show what it asked for, which of all that needs an identity only the
// Temporal UI is.
func opensPage(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, temporalPath) && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// stillValid asks again, for requests that last: a token may have been revoked meanwhile.
func (s *Server) stillValid(ctx context.Context) bool {
	_, err := auth.Authenticate(ctx, s.cfg.Metadata, ctx.Value(identityKey{}).(identity).text)
	return err == nil
}
