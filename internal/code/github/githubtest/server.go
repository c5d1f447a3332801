// Package githubtest is a GitHub on loopback, for tests: the REST and GraphQL calls that package github makes, over
// repositories in memory whose blobs, trees and commits have git's own names.
package githubtest

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// What the server accepts.
const (
	AppID        = 4711
	Installation = 99
	ReadToken    = "ghp_read"
	WriteToken   = "ghp_write"
)

// Server is the local GitHub.
type Server struct {
	URL string
	t   testing.TB

	mu       sync.Mutex
	key      *rsa.PublicKey
	repos    map[string]*Repository
	tokens   map[string]grant // of installations
	requests []string
	before   func(w http.ResponseWriter, r *http.Request) (done bool)
	life     time.Duration
	graphQL  bool
}

// grant is what an installation's token may do.
type grant struct {
	repository string
	write      bool
	expires    time.Time
}

// Start serves until the test ends.
func Start(t testing.TB) *Server {
	s := &Server{t: t, repos: map[string]*Repository{}, tokens: map[string]grant{}, life: time.Hour, graphQL: true}
	srv := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(srv.Close)
	s.URL = srv.URL
	return s
}

// Trust sets the app's public key.
func (s *Server) Trust(key *rsa.PublicKey) { s.set(func() { s.key = key }) }

// Before is called before each request is answered; it may answer itself and return true.
func (s *Server) Before(f func(w http.ResponseWriter, r *http.Request) bool) {
	s.set(func() { s.before = f })
}

// TokenLife sets how long new installation tokens live.
func (s *Server) TokenLife(d time.Duration) { s.set(func() { s.life = d }) }

// NoGraphQL makes a server without GraphQL.
func (s *Server) NoGraphQL() { s.set(func() { s.graphQL = false }) }

func (s *Server) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// Requests lists the requests so far, "GET /path".
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.requests...)
}

// Count counts the requests so far that contain text.
func (s *Server) Count(text string) int {
	n := 0
	for _, r := range s.Requests() {
		if strings.Contains(r, text) {
			n++
		}
	}
	return n
}

// Repository makes an empty repository, "owner/name".
func (s *Server) Repository(name string) *Repository {
	r := newRepository(name)
	s.set(func() { s.repos[strings.ToLower(name)] = r })
	return r
}

// Handle does what a request asks for and throws the answer away.
func (s *Server) Handle(r *http.Request) { s.answer(httptest.NewRecorder(), r) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, r.Method+" "+r.URL.RequestURI())
	before := s.before
	s.mu.Unlock()
	if before == nil || !before(w, r) {
		s.answer(w, r)
	}
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-RateLimit-Limit", "5000")
	w.Header().Set("X-RateLimit-Remaining", "4999")
	w.Header().Set("X-RateLimit-Reset", fmt.Sprint(time.Now().Add(time.Hour).Unix()))
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	parts := strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/")
	switch {
	case len(parts) == 4 && parts[0] == "app" && parts[3] == "access_tokens":
		s.makeToken(w, r, token)
	case len(parts) == 4 && parts[0] == "repos" && parts[3] == "installation":
		if !s.isApp(token) {
			problem(w, http.StatusUnauthorized, "A JSON web token could not be decoded")
			return
		}
		reply(w, http.StatusOK, map[string]any{"id": Installation})
	case r.URL.Path == "/graphql":
		s.serveGraphQL(w, r, token)
	case len(parts) >= 3 && parts[0] == "repos":
		s.serveRepository(w, r, token, parts)
	default:
		problem(w, http.StatusNotFound, "Not Found")
	}
}

// serveRepository checks what a token may do and hands over.
func (s *Server) serveRepository(w http.ResponseWriter, r *http.Request, token string, parts []string) {
	name := strings.ToLower(parts[1] + "/" + parts[2])
	g, ok := s.granted(token)
	switch {
	case !ok:
		problem(w, http.StatusUnauthorized, "Bad credentials")
		return
	case s.repos[name] == nil || g.repository != "" && g.repository != name:
		problem(w, http.StatusNotFound, "Not Found")
		return
	case r.Method != http.MethodGet && !g.write:
		problem(w, http.StatusForbidden, "Resource not accessible by integration")
		return
	}
	s.repos[name].serve(w, r, strings.Join(parts[3:], "/"))
}

func (s *Server) granted(token string) (grant, bool) {
	switch token {
	case ReadToken:
		return grant{}, true
	case WriteToken:
		return grant{write: true}, true
	}
	g, ok := s.tokens[token]
	return g, ok && time.Now().Before(g.expires)
}

// makeToken answers an app as GitHub does: with a token for the repositories and rights that were asked for.
func (s *Server) makeToken(w http.ResponseWriter, r *http.Request, jwt string) {
	if !s.isApp(jwt) {
		problem(w, http.StatusUnauthorized, "A JSON web token could not be decoded")
		return
	}
	var asked struct {
		Repositories []string          `json:"repositories"`
		Permissions  map[string]string `json:"permissions"`
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || len(asked.Repositories) != 1 {
		problem(w, http.StatusUnprocessableEntity, "repositories")
		return
	}
	g := grant{write: asked.Permissions["contents"] == "write" && asked.Permissions["pull_requests"] == "write", expires: time.Now().Add(s.life)}
	for name := range s.repos {
		if strings.HasSuffix(name, "/"+strings.ToLower(asked.Repositories[0])) {
			g.repository = name
		}
	}
	token := fmt.Sprintf("ghs_%d", len(s.tokens))
	s.tokens[token] = g
	reply(w, http.StatusCreated, map[string]any{"token": token, "expires_at": g.expires.UTC().Format(time.RFC3339), "permissions": asked.Permissions})
}

// isApp verifies a JSON web token as GitHub does: RS256, by the app, not older than ten minutes.
func (s *Server) isApp(jwt string) bool {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 || s.key == nil {
		return false
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return false
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(s.key, crypto.SHA256, sum[:], signature) != nil {
		return false
	}
	var header struct{ Alg string }
	var claims struct {
		Iss      string
		Iat, Exp int64
	}
	if decode(parts[0], &header) != nil || decode(parts[1], &claims) != nil {
		return false
	}
	now := time.Now().Unix()
	return header.Alg == "RS256" && claims.Iss == fmt.Sprint(AppID) && claims.Iat <= now && claims.Exp > now && claims.Exp-claims.Iat <= 600
}

func decode(part string, into any) error {
	b, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

func reply(w http.ResponseWriter, status int, v any) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func problem(w http.ResponseWriter, status int, message string) {
	reply(w, status, map[string]any{"message": message, "documentation_url": "https://docs.github.com/rest"})
}
