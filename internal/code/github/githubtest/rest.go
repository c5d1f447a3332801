package githubtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/midwatch/midwatch/internal/code/github"
)

func (r *Repository) serve(w http.ResponseWriter, q *http.Request, path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	head, rest, _ := strings.Cut(path, "/")
	if head == "git" {
		kind, name, _ := strings.Cut(rest, "/")
		name, _ = url.PathUnescape(name)
		head, rest = "git/"+kind, name
	}
	switch q.Method + " " + head {
	case "GET ":
		reply(w, http.StatusOK, map[string]any{"full_name": r.Name, "default_branch": r.base})
	case "GET git/commits":
		r.getCommit(w, rest)
	case "GET git/ref":
		r.getRef(w, rest)
	case "GET git/trees":
		r.getTree(w, rest, q.URL.Query().Get("recursive") == "1")
	case "GET git/blobs":
		r.getBlob(w, rest)
	case "GET compare":
		r.compare(w, q, rest)
	case "GET commits":
		r.listCommits(w, q, rest)
	case "GET pulls":
		r.getPulls(w, q, rest)
	case "POST git/trees":
		r.postTree(w, q)
	case "POST git/commits":
		r.postCommit(w, q)
	case "POST git/refs":
		r.postRef(w, q)
	case "POST pulls":
		r.postPull(w, q)
	default:
		problem(w, http.StatusNotFound, "Not Found")
	}
}

func (c *commit) wire() map[string]any {
	parents := []map[string]any{}
	for _, p := range c.Parents {
		parents = append(parents, map[string]any{"sha": p})
	}
	return map[string]any{
		"sha": c.SHA, "message": c.Message, "tree": map[string]any{"sha": c.Tree}, "parents": parents, "author": c.Author, "committer": c.Committer,
	}
}

func (c *commit) listed() map[string]any { return map[string]any{"sha": c.SHA, "commit": c.wire()} }

func (r *Repository) getCommit(w http.ResponseWriter, sha string) {
	if c := r.commits[sha]; c != nil {
		reply(w, http.StatusOK, c.wire())
		return
	}
	problem(w, http.StatusNotFound, "Not Found")
}

func (r *Repository) getRef(w http.ResponseWriter, ref string) {
	sha, ok := r.refs[ref]
	if !ok {
		problem(w, http.StatusNotFound, "Not Found")
		return
	}
	reply(w, http.StatusOK, map[string]any{"ref": "refs/" + ref, "object": map[string]any{"type": "commit", "sha": sha}})
}

func (r *Repository) getTree(w http.ResponseWriter, sha string, recursive bool) {
	if c := r.commits[sha]; c != nil {
		sha = c.Tree
	}
	files, ok := r.trees[sha]
	if !ok {
		problem(w, http.StatusNotFound, "Not Found")
		return
	}
	entries := []map[string]any{}
	if recursive {
		for _, p := range slices.Sorted(maps.Keys(files)) {
			entries = append(entries, map[string]any{
				"path": p, "mode": files[p].Mode, "type": "blob", "sha": files[p].Blob, "size": len(r.blobs[files[p].Blob]),
			})
		}
	}
	reply(w, http.StatusOK, map[string]any{"sha": sha, "tree": entries, "truncated": false})
}

func (r *Repository) getBlob(w http.ResponseWriter, sha string) {
	content, ok := r.blobs[sha]
	if !ok {
		problem(w, http.StatusNotFound, "Not Found")
		return
	}
	w.Header().Set("Content-Type", "application/vnd.github.raw+json; charset=utf-8")
	fmt.Fprint(w, content)
}

func (r *Repository) compare(w http.ResponseWriter, q *http.Request, spec string) {
	base, head, _ := strings.Cut(spec, "...")
	if r.commits[base] == nil || r.commits[head] == nil {
		problem(w, http.StatusNotFound, "Not Found")
		return
	}
	ahead, behind := r.only(head, base), r.only(base, head)
	status := "identical"
	switch {
	case len(ahead) > 0 && len(behind) > 0:
		status = "diverged"
	case len(ahead) > 0:
		status = "ahead"
	case len(behind) > 0:
		status = "behind"
	}
	size, _ := strconv.Atoi(q.URL.Query().Get("per_page"))
	page, _ := strconv.Atoi(q.URL.Query().Get("page"))
	from := min(max(page-1, 0)*size, len(ahead))
	commits := []map[string]any{}
	for _, sha := range ahead[from:min(from+size, len(ahead))] {
		commits = append(commits, r.commits[sha].listed())
	}
	if from+size < len(ahead) {
		w.Header().Set("Link", fmt.Sprintf(`<%s?page=%d>; rel="next"`, q.URL.Path, page+1))
	}
	ancestor := r.ancestor(base, head)
	reply(w, http.StatusOK, map[string]any{
		"status": status, "ahead_by": len(ahead), "behind_by": len(behind), "total_commits": len(ahead), "commits": commits,
		"merge_base_commit": r.commits[ancestor].listed(), "files": r.files(ancestor, head),
	})
}

// ancestor is the newest commit that both have.
func (r *Repository) ancestor(a, b string) string {
	other := r.reachable(b)
	for _, sha := range r.reachable(a) {
		if slices.Contains(other, sha) {
			return sha
		}
	}
	return a
}

func (r *Repository) files(before, after string) []map[string]any {
	a, b := r.trees[r.commits[before].Tree], r.trees[r.commits[after].Tree]
	paths := map[string]bool{}
	for p := range maps.Keys(a) {
		paths[p] = true
	}
	for p := range maps.Keys(b) {
		paths[p] = true
	}
	out := []map[string]any{}
	for _, p := range slices.Sorted(maps.Keys(paths)) {
		if a[p] == b[p] {
			continue
		}
		status := "modified"
		if _, ok := a[p]; !ok {
			status = "added"
		} else if _, ok := b[p]; !ok {
			status = "removed"
		}
		patch, plus, minus := github.Patch(r.blobs[a[p].Blob], r.blobs[b[p].Blob])
		out = append(out, map[string]any{"filename": p, "status": status, "additions": plus, "deletions": minus, "patch": patch, "sha": b[p].Blob})
	}
	return out
}

func (r *Repository) listCommits(w http.ResponseWriter, q *http.Request, ref string) {
	if ref != "" { // one commit, by name or by its beginning
		for sha, c := range r.commits {
			if strings.HasPrefix(sha, ref) || r.refs["heads/"+ref] == sha {
				reply(w, http.StatusOK, c.listed())
				return
			}
		}
		problem(w, http.StatusUnprocessableEntity, "No commit found for SHA: "+ref)
		return
	}
	path, out := q.URL.Query().Get("path"), []map[string]any{}
	for _, sha := range r.reachable(q.URL.Query().Get("sha")) {
		c, before := r.commits[sha], file{}
		if len(c.Parents) > 0 {
			before = r.trees[r.commits[c.Parents[0]].Tree][path]
		}
		if r.trees[c.Tree][path] != before {
			out = append(out, c.listed())
		}
	}
	reply(w, http.StatusOK, out)
}

func (r *Repository) postTree(w http.ResponseWriter, q *http.Request) {
	var in struct {
		BaseTree string `json:"base_tree"`
		Tree     []struct{ Path, Mode, Type, Content string }
	}
	if err := json.NewDecoder(q.Body).Decode(&in); err != nil || r.trees[in.BaseTree] == nil {
		problem(w, http.StatusUnprocessableEntity, "base_tree")
		return
	}
	files := maps.Clone(r.trees[in.BaseTree])
	for _, e := range in.Tree {
		files[e.Path] = file{e.Mode, r.blob(e.Content)}
	}
	reply(w, http.StatusCreated, map[string]any{"sha": r.tree(files)})
}

func (r *Repository) postCommit(w http.ResponseWriter, q *http.Request) {
	var in struct {
		Message, Tree     string
		Parents           []string
		Author, Committer person
	}
	if err := json.NewDecoder(q.Body).Decode(&in); err != nil || r.trees[in.Tree] == nil {
		problem(w, http.StatusUnprocessableEntity, "tree")
		return
	}
	sha := r.commit(commit{Tree: in.Tree, Message: in.Message, Parents: in.Parents, Author: in.Author, Committer: in.Committer})
	reply(w, http.StatusCreated, r.commits[sha].wire())
}

func (r *Repository) postRef(w http.ResponseWriter, q *http.Request) {
	var in struct{ Ref, SHA string }
	if err := json.NewDecoder(q.Body).Decode(&in); err != nil || r.commits[in.SHA] == nil {
		problem(w, http.StatusUnprocessableEntity, "Object does not exist")
		return
	}
	name := strings.TrimPrefix(in.Ref, "refs/")
	if r.refs[name] != "" {
		problem(w, http.StatusUnprocessableEntity, "Reference already exists")
		return
	}
	r.refs[name] = in.SHA
	reply(w, http.StatusCreated, map[string]any{"ref": in.Ref, "object": map[string]any{"type": "commit", "sha": in.SHA}})
}
