package githubtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pmezard/go-difflib/difflib"
)

// serveGraphQL answers the two queries that package github asks: several blobs by id, and a blame.
func (s *Server) serveGraphQL(w http.ResponseWriter, r *http.Request, token string) {
	g, ok := s.granted(token)
	if !ok {
		problem(w, http.StatusUnauthorized, "Bad credentials")
		return
	}
	var in struct {
		Query     string
		Variables map[string]string
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || !s.graphQL {
		problem(w, http.StatusNotFound, "Not Found")
		return
	}
	name := strings.ToLower(in.Variables["owner"] + "/" + in.Variables["name"])
	repo := s.repos[name]
	if repo == nil || g.repository != "" && g.repository != name {
		reply(w, http.StatusOK, map[string]any{
			"data":   map[string]any{"repository": nil},
			"errors": []map[string]any{{"type": "NOT_FOUND", "message": "Could not resolve to a Repository"}},
		})
		return
	}
	repo.mu.Lock()
	defer repo.mu.Unlock()
	answer := map[string]any{}
	if path, ok := in.Variables["path"]; ok && strings.Contains(in.Query, "blame(path:$path)") {
		answer["object"] = map[string]any{"blame": map[string]any{"ranges": repo.blame(in.Variables["commit"], path)}}
	} else {
		for variable, sha := range in.Variables {
			if n, ok := strings.CutPrefix(variable, "o"); ok && variable != "owner" {
				answer["b"+n] = repo.text(sha)
			}
		}
	}
	reply(w, http.StatusOK, map[string]any{"data": map[string]any{"repository": answer}})
}

func (r *Repository) text(sha string) any {
	content, ok := r.blobs[sha]
	if !ok {
		return nil
	}
	if strings.Contains(content, "\x00") {
		return map[string]any{"text": nil, "isBinary": true, "isTruncated": false}
	}
	return map[string]any{"text": content, "isBinary": false, "isTruncated": false}
}

// blame follows first parents from the oldest commit on.
func (r *Repository) blame(sha, path string) []map[string]any {
	var history []string
	for c := r.commits[sha]; c != nil; {
		history = append(history, c.SHA)
		if len(c.Parents) == 0 {
			break
		}
		c = r.commits[c.Parents[0]]
	}
	slices.Reverse(history)
	var lines, by []string
	for _, sha := range history {
		next := strings.Split(strings.TrimSuffix(r.blobs[r.trees[r.commits[sha].Tree][path].Blob], "\n"), "\n")
		var whose []string
		for _, op := range difflib.NewMatcher(lines, next).GetOpCodes() {
			if op.Tag == 'e' {
				whose = append(whose, by[op.I1:op.I2]...)
			} else {
				whose = append(whose, slices.Repeat([]string{sha}, op.J2-op.J1)...)
			}
		}
		lines, by = next, whose
	}
	out := []map[string]any{}
	for from := 0; from < len(by); {
		to := from
		for to+1 < len(by) && by[to+1] == by[from] {
			to++
		}
		c := r.commits[by[from]]
		out = append(out, map[string]any{"startingLine": from + 1, "endingLine": to + 1, "commit": map[string]any{
			"oid": c.SHA, "committedDate": c.Committer.Date, "message": c.Message, "author": map[string]any{"name": fmt.Sprint(c.Author.Name)},
		}})
		from = to + 1
	}
	return out
}
