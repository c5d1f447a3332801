package githubtest

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Repository is a repository in memory.
type Repository struct {
	Name string // owner/name

	mu      sync.Mutex
	blobs   map[string]string
	trees   map[string]map[string]file // a root tree's files by path
	commits map[string]*commit
	refs    map[string]string // "heads/main" → commit
	pulls   []*pull
	base    string
}

type file struct{ Mode, Blob string }

type commit struct {
	SHA, Tree, Message string
	Parents            []string
	Author             person
	Committer          person
}

type person struct {
	Name  string    `json:"name"`
	Email string    `json:"email"`
	Date  time.Time `json:"date"`
}

func newRepository(name string) *Repository {
	return &Repository{
		Name: name, blobs: map[string]string{}, trees: map[string]map[string]file{}, commits: map[string]*commit{}, refs: map[string]string{}, base: "main",
	}
}

// Commit makes a commit with exactly these files and moves the branch main to it. Without parents it follows main.
func (r *Repository) Commit(message string, files map[string]string, parents ...string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := map[string]file{}
	for path, content := range files {
		all[path] = file{"100644", r.blob(content)}
	}
	if parents == nil && r.refs["heads/main"] != "" {
		parents = []string{r.refs["heads/main"]}
	}
	who := person{"Ann", "ann@example.org", time.Date(2026, 1, 2, 3, 4, len(r.commits), 0, time.UTC)}
	sha := r.commit(commit{Tree: r.tree(all), Message: message, Parents: parents, Author: who, Committer: who})
	r.refs["heads/main"] = sha
	return sha
}

// Tag names a commit.
func (r *Repository) Tag(name, sha string) { r.Ref("tags/"+name, sha) }

// Ref sets "heads/…" or "tags/…".
func (r *Repository) Ref(name, sha string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refs[name] = sha
}

// File returns what a branch holds, and whether it does.
func (r *Repository) File(branch, path string) (string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.commits[r.refs["heads/"+branch]]
	if c == nil {
		return "", false
	}
	f, ok := r.trees[c.Tree][path]
	return r.blobs[f.Blob], ok
}

// Commits counts the commits there are.
func (r *Repository) Commits() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.commits)
}

func name(kind, content string) string {
	h := sha1.New()
	fmt.Fprintf(h, "%s %d\x00%s", kind, len(content), content)
	return hex.EncodeToString(h.Sum(nil))
}

func (r *Repository) blob(content string) string {
	sha := name("blob", content)
	r.blobs[sha] = content
	return sha
}

// tree stores a root tree and returns its name, which covers its directories.
func (r *Repository) tree(files map[string]file) string {
	sha := treeName(files)
	r.trees[sha] = files
	return sha
}

func treeName(files map[string]file) string {
	entries := map[string]file{}
	below := map[string]map[string]file{}
	for path, f := range files {
		dir, rest, deep := strings.Cut(path, "/")
		if !deep {
			entries[path] = f
			continue
		}
		if below[dir] == nil {
			below[dir] = map[string]file{}
		}
		below[dir][rest] = f
	}
	for dir, inside := range below {
		entries[dir] = file{"40000", treeName(inside)}
	}
	names := slices.SortedFunc(maps.Keys(entries), func(a, b string) int { // git sorts a directory as if it ended in a slash
		return strings.Compare(sortName(a, entries[a]), sortName(b, entries[b]))
	})
	var b strings.Builder
	for _, n := range names {
		raw, _ := hex.DecodeString(entries[n].Blob)
		fmt.Fprintf(&b, "%s %s\x00%s", entries[n].Mode, n, raw)
	}
	return name("tree", b.String())
}

func sortName(n string, f file) string {
	if f.Mode == "40000" {
		return n + "/"
	}
	return n
}

func (r *Repository) commit(c commit) string {
	var b strings.Builder
	fmt.Fprintf(&b, "tree %s\n", c.Tree)
	for _, p := range c.Parents {
		fmt.Fprintf(&b, "parent %s\n", p)
	}
	fmt.Fprintf(&b, "author %s <%s> %d +0000\ncommitter %s <%s> %d +0000\n\n%s",
		c.Author.Name, c.Author.Email, c.Author.Date.Unix(), c.Committer.Name, c.Committer.Email, c.Committer.Date.Unix(), c.Message)
	c.SHA = name("commit", b.String())
	r.commits[c.SHA] = &c
	return c.SHA
}

// reachable lists a commit and all before it, newest first.
func (r *Repository) reachable(sha string) []string {
	var out []string
	seen := map[string]bool{}
	for queue := []string{sha}; len(queue) > 0; queue = queue[1:] {
		c := r.commits[queue[0]]
		if c == nil || seen[c.SHA] {
			continue
		}
		seen[c.SHA] = true
		out, queue = append(out, c.SHA), append(queue, c.Parents...)
	}
	return out
}

// only lists what a has and b has not, oldest first.
func (r *Repository) only(a, b string) []string {
	out := []string{}
	other := r.reachable(b)
	for _, sha := range r.reachable(a) {
		if !slices.Contains(other, sha) {
			out = append(out, sha)
		}
	}
	slices.Reverse(out)
	return out
}
