package tools_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/code/github"
	"github.com/midwatch/midwatch/internal/code/github/githubtest"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/result"
	"github.com/midwatch/midwatch/internal/tools/toolstest"
)

// host is a local GitHub with one repository of two commits.
func host(t *testing.T) (c *github.Client, one, two string) {
	t.Helper()
	server := githubtest.Start(t)
	repo := server.Repository("acme/shop")
	one = repo.Commit("First", map[string]string{"till/till.go": "package till\n\nconst Limit = 10\n"})
	two = repo.Commit("Lower the limit", map[string]string{"till/till.go": "package till\n\nconst Limit = 2\n"})
	repo.Tag("v2", two)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(githubtest.ReadToken), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := github.New(github.Config{URL: server.URL, TokenFile: token, Repositories: code.Allowed{"acme/shop"}})
	if err != nil {
		t.Fatal(err)
	}
	return c, one, two
}

func arguments(t *testing.T, pairs ...any) json.RawMessage {
	t.Helper()
	object := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		object[pairs[i].(string)] = pairs[i+1]
	}
	b, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestCodeTools(t *testing.T) {
	c, one, two := host(t)
	r := tools.New(tools.Code(c)...)
	at := []any{"repository", "acme/shop", "commit", "v2"}
	between := []any{"repository", "acme/shop", "before", one, "after", two}

	tree := run[result.Tree](t, r, "", "repository_tree", arguments(t, at...))
	if len(tree.Files) != 1 || tree.Commit != two {
		t.Errorf("%+v", tree)
	}
	file := run[result.File](t, r, "", "read_file", arguments(t, append(at, "path", "till/till.go", "from_line", 2)...))
	if file.Text != "\nconst Limit = 2\n" || file.From != 2 || file.To != 3 || file.Lines != 3 || file.Commit != two {
		t.Errorf("%+v", file)
	}
	if past := run[result.File](t, r, "", "read_file", arguments(t, append(at, "path", "till/till.go", "from_line", 9)...)); past.Text != "" || past.Lines != 3 {
		t.Errorf("%+v", past)
	}
	if found := run[result.CodeSearch](t, r, "", "search_code", arguments(t, append(at, "text", "Limit")...)); len(found.Matches) != 1 {
		t.Errorf("%+v", found)
	}
	if commits := run[result.Commits](t, r, "", "commits_between", arguments(t, between...)); len(commits.Added) != 1 || commits.Added[0].Title != "Lower the limit" {
		t.Errorf("%+v", commits)
	}
	if diff := run[result.VersionDiff](t, r, "", "diff_versions", arguments(t, between...)); len(diff.Files) != 1 || !strings.Contains(diff.Files[0].Patch, "+const Limit = 2") {
		t.Errorf("%+v", diff)
	}
	if blame := run[result.Blame](t, r, "", "blame", arguments(t, append(at, "path", "till/till.go")...)); len(blame.Ranges) != 2 || blame.Ranges[1].Commit != two {
		t.Errorf("%+v", blame)
	}
}

func TestCodeToolsSayWhereTheyLooked(t *testing.T) {
	c, _, two := host(t)
	r := tools.New(tools.Code(c)...)
	for _, name := range r.Names() {
		tool, _ := r.Get(name)
		a := arguments(t, "repository", "acme/shop", "commit", two, "path", "till/till.go", "text", "x", "before", two, "after", two)
		var all map[string]any
		_ = json.Unmarshal(a, &all)
		for property := range all {
			if !takes(t, tool, property) {
				delete(all, property)
			}
		}
		a, _ = json.Marshal(all)
		res, err := tool.Run(t.Context(), tools.Scope{}, a)
		if err != nil || !strings.Contains(res.Query, two) || !strings.Contains(res.Query, "only") {
			t.Errorf("%s: query %q, %v; want the commit in it", name, res.Query, err)
		}
		if _, ok := tool.Control(a, healthy); ok {
			t.Errorf("%s has a control", name)
		}
		all["repository"] = "acme/other"
		b, _ := json.Marshal(all)
		if _, err := tool.Run(t.Context(), tools.Scope{}, b); !errors.Is(err, tools.ErrNoAnswer) || !errors.Is(err, code.ErrNotAllowed) {
			t.Errorf("%s on a repository nobody allowed: %v", name, err)
		}
		for _, bad := range []json.RawMessage{arguments(t), arguments(t, "repository", "../x", "commit", two), arguments(t, "repository", "acme/shop", "commit", "a b")} {
			if _, err := tool.Run(t.Context(), tools.Scope{}, bad); !errors.Is(err, tools.ErrArguments) {
				t.Errorf("%s %s: %v, want ErrArguments", name, bad, err)
			}
		}
	}
}

func TestDeployedCode(t *testing.T) {
	db := storetest.Open(t)
	one, two := strings.Repeat("a", 40), strings.Repeat("b", 40)
	write := func(at time.Time, service string, resource map[string]string) {
		t.Helper()
		toolstest.WriteMetrics(t, db, []toolstest.Metric{{Time: at, Env: "e", Service: service, Name: "process.memory.usage", Kind: "gauge", Value: 1, Resource: resource}})
	}
	for n := range 3 {
		write(start.Add(time.Duration(n)*time.Second), "till", map[string]string{telemetry.ServiceVersion: "v-a", telemetry.VCSRevision: one, telemetry.GoModule: "github.com/acme/shop/cmd/till"})
		write(onset.Add(time.Duration(n)*time.Second), "till", map[string]string{telemetry.ServiceVersion: "v-b", telemetry.VCSRevision: two, telemetry.VCSModified: "true", telemetry.GoModule: "github.com/acme/shop/cmd/till"})
	}
	write(start, "plain", map[string]string{telemetry.ServiceVersion: "v"})
	sources := code.Sources{Host: "github.com", Allowed: code.Allowed{"acme/*"}, Services: []code.Service{{Service: "set", Repository: "acme/set", Path: "x/"}}}
	r := tools.New(tools.DeployedCode(db, sources))
	ask := func(service string) result.DeployedCode {
		return run[result.DeployedCode](t, r, "e", "deployed_code", arguments(t, "from", start, "to", end, "service", service))
	}
	d := ask("till")
	if d.Repository != "acme/shop" || d.Path != "cmd/till" || len(d.Versions) != 2 || d.Missing != "" {
		t.Fatalf("%+v", d)
	}
	if v := d.Versions; v[0].Commit != one || v[1].Commit != two || !v[1].Dirty || !v[0].Last.Equal(start.Add(2*time.Second)) || v[0].Origin != telemetry.VCSRevision {
		t.Errorf("%+v", v)
	}
	if d := ask("plain"); d.Repository != "" || d.Missing == "" {
		t.Errorf("%+v", d)
	}
	if d := ask("set"); d.Repository != "acme/set" || d.Path != "x" || d.Missing == "" {
		t.Errorf("%+v", d)
	}
}
