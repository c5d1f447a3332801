package githubtest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

type pull struct {
	number      int
	title, body string
	head, base  string
	merged      string // commit
	closed      time.Time
}

// Pull is a pull request as a test sees it.
type Pull struct {
	Number                  int
	Title, Body, Head, Base string
}

// Pulls lists the pull requests.
func (r *Repository) Pulls() []Pull {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []Pull
	for _, p := range r.pulls {
		out = append(out, Pull{p.number, p.title, p.body, p.head, p.base})
	}
	return out
}

// Merge merges a pull request, as a person would, and returns the commit.
func (r *Repository) Merge(number int) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.pulls[number-1]
	head := r.commits[r.refs["heads/"+p.head]]
	who := person{"Ann", "ann@example.org", time.Now().UTC()}
	p.merged = r.commit(commit{Tree: head.Tree, Message: "Merge", Parents: []string{r.refs["heads/"+p.base], head.SHA}, Author: who, Committer: who})
	p.closed, r.refs["heads/"+p.base] = time.Now().UTC(), p.merged
	return p.merged
}

// Close closes a pull request without merging it.
func (r *Repository) Close(number int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pulls[number-1].closed = time.Now().UTC()
}

func (r *Repository) wire(p *pull) map[string]any {
	sha := r.refs["heads/"+p.head]
	out := map[string]any{
		"number": p.number, "title": p.title, "body": p.body, "state": "open", "merged": p.merged != "", "commits": len(r.only(sha, r.refs["heads/"+p.base])),
		"head": map[string]any{"ref": p.head, "sha": sha, "repo": map[string]any{"full_name": r.Name}},
		"base": map[string]any{"ref": p.base, "repo": map[string]any{"full_name": r.Name}},
	}
	if !p.closed.IsZero() {
		out["state"], out["closed_at"] = "closed", p.closed
	}
	if p.merged != "" {
		out["merged_at"], out["merge_commit_sha"], out["merged_by"] = p.closed, p.merged, map[string]any{"login": "ann"}
	}
	return out
}

func (r *Repository) getPulls(w http.ResponseWriter, q *http.Request, rest string) {
	if n, err := strconv.Atoi(rest); err == nil && n > 0 && n <= len(r.pulls) {
		reply(w, http.StatusOK, r.wire(r.pulls[n-1]))
		return
	}
	owner, _, _ := strings.Cut(r.Name, "/")
	out := []map[string]any{}
	for _, p := range r.pulls {
		if head := q.URL.Query().Get("head"); head == "" || head == owner+":"+p.head {
			out = append(out, r.wire(p))
		}
	}
	reply(w, http.StatusOK, out)
}

func (r *Repository) postPull(w http.ResponseWriter, q *http.Request) {
	var in struct{ Title, Body, Head, Base string }
	if err := json.NewDecoder(q.Body).Decode(&in); err != nil || r.refs["heads/"+in.Head] == "" || r.refs["heads/"+in.Base] == "" {
		problem(w, http.StatusUnprocessableEntity, "Validation Failed")
		return
	}
	for _, p := range r.pulls {
		if p.head == in.Head && p.closed.IsZero() {
			problem(w, http.StatusUnprocessableEntity, "A pull request already exists for "+in.Head)
			return
		}
	}
	p := &pull{number: len(r.pulls) + 1, title: in.Title, body: in.Body, head: in.Head, base: in.Base}
	r.pulls = append(r.pulls, p)
	reply(w, http.StatusCreated, r.wire(p))
}
