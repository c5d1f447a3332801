package github_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/code/github"
	"github.com/midwatch/midwatch/internal/code/github/githubtest"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const repo = code.Repository("acme/shop")

// secretFile writes a file as secrets have to be.
func secretFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func client(t *testing.T, url string, change func(*github.Config)) *github.Client {
	t.Helper()
	cfg := github.Config{
		URL: url, TokenFile: secretFile(t, githubtest.ReadToken+"\n"), WriteTokenFile: secretFile(t, githubtest.WriteToken), Repositories: code.Allowed{string(repo)},
	}
	if change != nil {
		change(&cfg)
	}
	c, err := github.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// shop is a repository with a short history: three versions, and a branch that left at the second.
type shop struct {
	*githubtest.Repository
	one, two, three, aside string
}

const (
	handler1 = "package till\n\n// Limit is how many.\nconst Limit = 10\n\nfunc Open() {}\n"
	handler2 = "package till\n\n// Limit is how many.\nconst Limit = 2\n\nfunc Open() {}\n"
)

func newShop(s *githubtest.Server) shop {
	r := shop{Repository: s.Repository(string(repo))}
	r.one = r.Commit("Open the shop\n\nWith a till.", map[string]string{
		"README.md": "# Shop\n", "till/till.go": handler1, "cart/cart.go": "package cart\n", "logo.bin": "a\x00b",
	})
	r.two = r.Commit("Lower the limit", map[string]string{
		"README.md": "# Shop\n", "till/till.go": handler2, "cart/cart.go": "package cart\n", "logo.bin": "a\x00b",
	})
	r.aside = r.Commit("Something else", map[string]string{"README.md": "# Aside\n", "till/till.go": handler2}, r.two)
	r.three = r.Commit("Add tests", map[string]string{
		"README.md": "# Shop\n", "till/till.go": handler2, "till/till_test.go": "package till\n", "cart/cart.go": "package cart\n", "logo.bin": "a\x00b",
	}, r.two)
	r.Tag("v1.0", r.one)
	return r
}

func TestVersions(t *testing.T) {
	server := githubtest.Start(t)
	r, c := newShop(server), client(t, server.URL, nil)
	r.Ref("heads/v9", r.three)
	r.Ref("heads/abcdef1", r.three)
	for version, want := range map[string]string{
		r.two: r.two, r.two[:7]: r.two, "v1.0": r.one, "1.0": r.one,
		"v9": "", "abcdef1": "", "main": "", "../../user": "", "v1.0?x=1": "", strings.Repeat("0", 40): "", "": "",
	} {
		got, err := c.Commit(t.Context(), repo, version)
		switch {
		case want == "" && !errors.Is(err, code.ErrNotFound):
			t.Errorf("%q: %+v, %v; want ErrNotFound", version, got, err)
		case want != "" && (err != nil || got.SHA != want):
			t.Errorf("%q: %+v, %v; want %s", version, got, err, want)
		}
	}
	first, err := c.Commit(t.Context(), repo, r.one)
	if err != nil || first.Title != "Open the shop" || first.Body != "With a till." || first.Author != "Ann" || first.At.IsZero() {
		t.Errorf("%+v, %v", first, err)
	}
}

func TestReadsAtTheCommit(t *testing.T) {
	server := githubtest.Start(t)
	r, c := newShop(server), client(t, server.URL, nil)
	ctx, at := t.Context(), code.At{Repository: repo, Commit: r.one}

	tree, err := c.Tree(ctx, at, "till/")
	if err != nil || len(tree.Files) != 1 || tree.Files[0].Path != "till/till.go" || tree.Commit != r.one || tree.Partial {
		t.Errorf("%+v, %v", tree, err)
	}
	file, err := c.File(ctx, at, "till/till.go")
	if err != nil || string(file.Content) != handler1 {
		t.Errorf("%q, %v", file.Content, err)
	}
	for _, path := range []string{"till/till_test.go", "../secret", "/etc/passwd", "till", ""} {
		if _, err := c.File(ctx, at, path); !errors.Is(err, code.ErrNotFound) {
			t.Errorf("%q: %v, want ErrNotFound", path, err)
		}
	}
	if _, err := c.Tree(ctx, code.At{Repository: repo, Commit: "main"}, ""); !errors.Is(err, code.ErrNotFound) {
		t.Errorf("a branch: %v, want ErrNotFound", err)
	}

	found, err := c.Search(ctx, at, code.Query{Text: "Limit = 10"})
	if err != nil || len(found.Matches) != 1 || found.Matches[0].Line != 4 || found.Matches[0].Path != "till/till.go" {
		t.Errorf("%+v, %v", found, err)
	}
	if found, err = c.Search(ctx, code.At{Repository: repo, Commit: r.two}, code.Query{Text: `Limit\s*=\s*\d\d`, Regexp: true}); err != nil || len(found.Matches) != 0 {
		t.Errorf("at the next commit: %+v, %v", found, err)
	}
	if _, err := c.Search(ctx, at, code.Query{Text: "(", Regexp: true}); err == nil {
		t.Error("a broken expression was searched for")
	}

	before := len(server.Requests())
	if _, err := c.Search(ctx, at, code.Query{Text: "package"}); err != nil || len(server.Requests()) != before {
		t.Errorf("%v; searching again asked GitHub again: %v", err, server.Requests()[before:])
	}
}

func TestBlame(t *testing.T) {
	server := githubtest.Start(t)
	r, c := newShop(server), client(t, server.URL, nil)
	at := code.At{Repository: repo, Commit: r.three}
	blame, err := c.Blame(t.Context(), at, "till/till.go")
	if err != nil || len(blame.Ranges) != 3 || blame.Ranges[1].From != 4 || blame.Ranges[1].Commit != r.two || len(blame.Commits) != 2 || blame.Whole {
		t.Errorf("%+v, %v", blame, err)
	}
	server.NoGraphQL()
	blame, err = c.Blame(t.Context(), at, "till/till.go")
	if err != nil || !blame.Whole || len(blame.Commits) != 2 || blame.Commits[0].SHA != r.two {
		t.Errorf("without GraphQL: %+v, %v", blame, err)
	}
	if found, err := c.Search(t.Context(), at, code.Query{Text: "Limit"}); err != nil || len(found.Matches) != 2 {
		t.Errorf("search without GraphQL: %+v, %v", found, err)
	}
}

func TestBetweenVersions(t *testing.T) {
	server := githubtest.Start(t)
	r, c := newShop(server), client(t, server.URL, nil)
	cases := map[string]struct {
		before, after, relation string
		added, removed          []string
		patch                   string // of the first file
		files                   int
	}{
		"ahead":     {r.one, r.two, "ahead", []string{r.two}, nil, "-const Limit = 10\n+const Limit = 2", 1},
		"rollback":  {r.two, r.one, "behind", nil, []string{r.two}, "-const Limit = 2\n+const Limit = 10", 1},
		"diverged":  {r.three, r.aside, "diverged", []string{r.aside}, []string{r.three}, "-# Shop\n+# Aside", 4},
		"identical": {r.two, r.two, "identical", nil, nil, "", 0},
	}
	for name, k := range cases {
		t.Run(name, func(t *testing.T) {
			commits, err := c.Commits(t.Context(), repo, k.before, k.after)
			if err != nil || commits.Relation != k.relation {
				t.Fatalf("%+v, %v", commits, err)
			}
			var added, removed []string
			for _, x := range commits.Added {
				added = append(added, x.SHA)
			}
			for _, x := range commits.Removed {
				removed = append(removed, x.SHA)
			}
			if !slices.Equal(added, k.added) || !slices.Equal(removed, k.removed) {
				t.Errorf("added %v, removed %v", added, removed)
			}
			diff, err := c.Diff(t.Context(), repo, k.before, k.after, "")
			if err != nil || len(diff.Files) != k.files || diff.Partial {
				t.Fatalf("%+v, %v", diff, err)
			}
			i := slices.IndexFunc(diff.Files, func(f result.FileDiff) bool { return f.Path != "logo.bin" && strings.Contains(f.Patch, k.patch) })
			if k.files > 0 && i < 0 {
				t.Errorf("no patch with %q: %+v", k.patch, diff.Files)
			}
		})
	}
	diff, err := c.Diff(t.Context(), repo, r.one, r.three, "cart")
	if err != nil || len(diff.Files) != 0 {
		t.Errorf("below cart: %+v, %v", diff, err)
	}
}

func TestOnlyWhatTheConfigurationNames(t *testing.T) {
	server := githubtest.Start(t)
	server.Repository("acme/other").Commit("secret", map[string]string{"a": "b"})
	c := client(t, server.URL, nil)
	for _, name := range []code.Repository{"acme/other", "acme/shop/../other", "acme/..", ""} {
		if _, err := c.Commits(context.Background(), name, strings.Repeat("0", 40), strings.Repeat("1", 40)); !errors.Is(err, code.ErrNotAllowed) {
			t.Errorf("%q: %v, want ErrNotAllowed", name, err)
		}
	}
	if n := len(server.Requests()); n > 0 {
		t.Errorf("%d requests", n)
	}
}
