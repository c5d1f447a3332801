package github_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/code/github"
	"github.com/midwatch/midwatch/internal/code/github/githubtest"
	"github.com/midwatch/midwatch/internal/investigation"
)

func writer(cfg *github.Config) { cfg.Write = true }

func proposal(commit string) investigation.PullRequest {
	return investigation.PullRequest{
		Repository: string(repo), Base: "main", Commit: commit, Branch: "midwatch/fix-1", Title: "Raise the limit", Body: "Why.",
		Files: []investigation.FileChange{
			{Path: "till/till.go", Mode: "100644", Content: handler1},
			{Path: "till/deep/new.go", Mode: "100644", Content: "package deep\n"},
		},
		At: time.Date(2026, 3, 1, 2, 3, 4, 0, time.UTC),
	}
}

func TestPublish(t *testing.T) {
	for name, how := range map[string]func(*testing.T, *githubtest.Server) func(*github.Config){
		"token": func(*testing.T, *githubtest.Server) func(*github.Config) { return writer },
		"app": func(t *testing.T, s *githubtest.Server) func(*github.Config) {
			app := appOf(t, s, false)
			return func(cfg *github.Config) { asApp(app)(cfg); cfg.Write = true }
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := githubtest.Start(t)
			r := newShop(server)
			c := client(t, server.URL, how(t, server))
			made, err := c.Publish(t.Context(), proposal(r.two))
			if err != nil || made.Number != 1 || !made.Open || made.Merged || !strings.HasSuffix(made.URL, "/acme/shop/pull/1") {
				t.Fatalf("%+v, %v", made, err)
			}
			if got, _ := r.File("midwatch/fix-1", "till/till.go"); got != handler1 {
				t.Errorf("the branch holds %q", got)
			}
			if got, ok := r.File("midwatch/fix-1", "README.md"); !ok || got != "# Shop\n" {
				t.Errorf("the branch lost a file: %q", got)
			}
			if got, _ := r.File("main", "till/till.go"); got != handler2 {
				t.Errorf("main was changed: %q", got)
			}
			commits := r.Commits()
			again, err := c.Publish(t.Context(), proposal(r.two))
			if err != nil || again.Number != 1 || len(r.Pulls()) != 1 || r.Commits() != commits {
				t.Errorf("again: %+v, %v; %d pull requests, %d commits more", again, err, len(r.Pulls()), r.Commits()-commits)
			}
			merge := r.Merge(1)
			state, err := c.State(t.Context(), proposal(r.two))
			if err != nil || !state.Merged || state.Open || state.Merge != merge || state.Ended.IsZero() {
				t.Errorf("%+v, %v", state, err)
			}
		})
	}
}

// TestPublishGoesOn loses the answer to each writing request in turn, as a crash does; the next attempt finishes the same.
func TestPublishGoesOn(t *testing.T) {
	for _, lost := range []string{"git/trees", "git/commits", "git/refs", "pulls"} {
		t.Run(lost, func(t *testing.T) {
			server := githubtest.Start(t)
			r := newShop(server)
			c := client(t, server.URL, writer)
			fired := false
			server.Before(func(w http.ResponseWriter, q *http.Request) bool {
				if q.Method == http.MethodPost && strings.HasSuffix(q.URL.Path, lost) && !fired {
					fired = true
					server.Handle(q) // it is done, and nobody hears of it
					panic(http.ErrAbortHandler)
				}
				return false
			})
			if _, err := c.Publish(t.Context(), proposal(r.two)); err == nil && lost != "pulls" {
				t.Fatal("the lost answer was not missed")
			}
			made, err := c.Publish(t.Context(), proposal(r.two))
			if err != nil || made.Number != 1 || len(r.Pulls()) != 1 || !fired {
				t.Errorf("%+v, %v, %d pull requests", made, err, len(r.Pulls()))
			}
		})
	}
}

func TestPublishRefuses(t *testing.T) {
	server := githubtest.Start(t)
	r := newShop(server)
	c := client(t, server.URL, writer)
	for name, change := range map[string]func(*investigation.PullRequest){
		"another's branch": func(p *investigation.PullRequest) { p.Branch = "main" },
		"a branch above":   func(p *investigation.PullRequest) { p.Branch = "midwatch/../main" },
		"a branch as base": func(p *investigation.PullRequest) { p.Commit = "main" },
		"nothing":          func(p *investigation.PullRequest) { p.Files = nil },
		"a workflow":       func(p *investigation.PullRequest) { p.Files[0].Path = ".github/workflows/ci.yml" },
		"a path above":     func(p *investigation.PullRequest) { p.Files[0].Path = "till/../../x" },
		"a symbolic link":  func(p *investigation.PullRequest) { p.Files[0].Mode = "120000" },
		"a repository":     func(p *investigation.PullRequest) { p.Repository = "acme/other" },
	} {
		p := proposal(r.two)
		change(&p)
		if _, err := c.Publish(t.Context(), p); !errors.Is(err, code.ErrNotAllowed) {
			t.Errorf("%s: %v, want ErrNotAllowed", name, err)
		}
	}
	if n := server.Count("POST"); n > 0 {
		t.Errorf("%d writing requests", n)
	}
	r.Ref("heads/midwatch/fix-1", r.three)
	if _, err := c.Publish(t.Context(), proposal(r.two)); !errors.Is(err, code.ErrConflict) {
		t.Errorf("a branch of that name: %v, want ErrConflict", err)
	}
}
