package github

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-github/v60/github"

	"github.com/midwatch/midwatch/internal/code"
)

const fixtureOrg = "octokit-fixture-org/"

// recorded is one answer of the real GitHub, as the npm package @octokit/fixtures keeps it.
type recorded struct {
	Scope    string          `json:"scope"`
	Method   string          `json:"method"`
	Path     string          `json:"path"`
	Body     json.RawMessage `json:"body"`
	Status   int             `json:"status"`
	Response json.RawMessage `json:"response"`
	Headers  map[string]any  `json:"headers"`
}

// replay serves a scenario on loopback, each answer once, in order for its method and path. Addresses of GitHub's API become
// the server's; every other host stays what it was.
type replay struct {
	URL    string
	mu     sync.Mutex
	left   []recorded
	bodies map[string]string // "post /path" → body that came
}

func scenario(t *testing.T, name string) *replay {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(fixtures(t), name, "normalized-fixture.json"))
	if err != nil {
		t.Fatal(err)
	}
	r := &replay{bodies: map[string]string{}}
	if err := json.Unmarshal(b, &r.left); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(r)
	t.Cleanup(srv.Close)
	r.URL = srv.URL
	return r
}

// fixtures finds the recordings where `make deps-test` put them.
func fixtures(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil && dir != "/" {
		found := filepath.Join(dir, ".cache/fixtures/node_modules/@octokit/fixtures/scenarios/api.github.com")
		if _, err := os.Stat(found); err == nil {
			return found
		}
		dir = filepath.Dir(dir)
	}
	t.Skip("the recorded answers of GitHub are not here: `make deps-test` fetches the npm package @octokit/fixtures into .cache")
	return ""
}

func (r *replay) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, _ := io.ReadAll(q.Body)
	for i, a := range r.left {
		if !strings.EqualFold(a.Method, q.Method) || a.Path != q.URL.RequestURI() || !strings.Contains(a.Scope, "api.github.com") {
			continue
		}
		r.left = append(r.left[:i:i], r.left[i+1:]...)
		r.bodies[a.Method+" "+a.Path] = string(body)
		for name, value := range a.Headers {
			switch name {
			case "content-length", "transfer-encoding", "connection", "content-encoding", "x-ratelimit-remaining", "x-ratelimit-reset":
				continue // of the connection, or of 2017
			}
			w.Header().Set(name, strings.ReplaceAll(fmt.Sprint(value), "https://api.github.com", r.URL))
		}
		w.WriteHeader(a.Status)
		_, _ = w.Write(a.Response)
		return
	}
	http.Error(w, `{"message":"not recorded: `+q.Method+" "+q.URL.RequestURI()+`"}`, http.StatusTeapot)
}

// client reads, or writes, what was recorded.
func (r *replay) client(t *testing.T, write bool) *Client {
	t.Helper()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("0000000000000000000000000000000000000001"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := New(Config{URL: r.URL, TokenFile: token, WriteTokenFile: token, Repositories: code.Allowed{fixtureOrg + "*"}, Write: write})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *Client) mustSession(t *testing.T, repo code.Repository) *github.Client {
	t.Helper()
	g, err := c.session(repo)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestRecordedRepository(t *testing.T) {
	base, err := scenario(t, "get-repository").client(t, false).Base(t.Context(), fixtureOrg+"hello-world")
	if err != nil || base != "main" && base != "master" {
		t.Errorf("%q, %v", base, err)
	}
}

// TestRecordedRename follows a recorded redirect of reading, and refuses one of writing.
func TestRecordedRename(t *testing.T) {
	r := scenario(t, "rename-repository")
	g := r.client(t, true).mustSession(t, fixtureOrg+"rename-repository")
	patch := func() error {
		_, _, err := g.Repositories.Edit(t.Context(), "octokit-fixture-org", "rename-repository", &github.Repository{Name: github.String("x")})
		return err
	}
	if err := patch(); err != nil {
		t.Fatal(err)
	}
	got, _, err := g.Repositories.Get(t.Context(), "octokit-fixture-org", "rename-repository")
	if err != nil || got.GetName() != "rename-repository-newname" {
		t.Errorf("%s, %v", got.GetName(), err)
	}
	if err := patch(); !errors.Is(err, code.ErrUnsafe) {
		t.Errorf("a redirect of writing: %v, want ErrUnsafe", err)
	}
}

// TestRecordedArchive is the real redirect to another host.
func TestRecordedArchive(t *testing.T) {
	g := scenario(t, "get-archive").client(t, false).mustSession(t, fixtureOrg+"get-archive")
	req, err := g.NewRequest(http.MethodGet, "repos/octokit-fixture-org/get-archive/tarball/main", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Do(t.Context(), req, io.Discard); !errors.Is(err, code.ErrUnsafe) {
		t.Errorf("%v, want ErrUnsafe", err)
	}
}

func TestRecordedReference(t *testing.T) {
	r := scenario(t, "git-refs")
	var want struct{ Ref, SHA string }
	for _, a := range r.left {
		if strings.EqualFold(a.Method, http.MethodPost) {
			if err := json.Unmarshal(a.Body, &want); err != nil {
				t.Fatal(err)
			}
		}
	}
	c := r.client(t, true)
	repo := code.Repository(fixtureOrg + "git-refs")
	if err := c.branch(t.Context(), c.mustSession(t, repo), repo, strings.TrimPrefix(want.Ref, "refs/heads/"), want.SHA); err != nil {
		t.Error(err)
	}
	var sent struct{ Ref, SHA string }
	if err := json.Unmarshal([]byte(r.bodies["post /repos/octokit-fixture-org/git-refs/git/refs"]), &sent); err != nil || sent != want {
		t.Errorf("sent %+v, %v; recorded was %+v", sent, err, want)
	}
}

func TestRecordedRefusal(t *testing.T) {
	c := scenario(t, "errors").client(t, true)
	g := c.mustSession(t, fixtureOrg+"errors")
	err := c.polite(t.Context(), "make a label", func() error {
		_, _, err := g.Issues.CreateLabel(t.Context(), "octokit-fixture-org", "errors", &github.Label{Name: github.String("foo"), Color: github.String("invalid")})
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "422") || !strings.Contains(err.Error(), "Validation Failed") {
		t.Errorf("%v", err)
	}
}

// TestRecordedPages reads the links between pages as GitHub writes them.
func TestRecordedPages(t *testing.T) {
	g := scenario(t, "paginate-issues").client(t, false).mustSession(t, fixtureOrg+"paginate-issues")
	next, pages := "repos/octokit-fixture-org/paginate-issues/issues?per_page=3", 0
	for page := 1; page != 0; pages++ {
		req, err := g.NewRequest(http.MethodGet, next, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := g.Do(t.Context(), req, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		page = resp.NextPage
		next = "repositories/1000/issues?per_page=3&page=" + string(rune('0'+page))
	}
	if pages != 5 {
		t.Errorf("%d pages, want 5", pages)
	}
}
