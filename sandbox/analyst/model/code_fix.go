package model

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	toolresult "github.com/midwatch/midwatch/internal/tools/result"
)

// Bounds of a change of code, as the platform has them.
const (
	maxEdits  = 20
	maxEdited = 60 << 10 // bytes of all edits together
	maxBranch = 100      // bytes of a title
)

// removedSecret is what stands where a secret was: a change that writes it would break what it mends.
const removedSecret = "[secret:"

type draftCode struct {
	Repository string      `json:"repository"`
	Commit     string      `json:"commit"`
	Service    string      `json:"service"`
	Title      string      `json:"title"`
	Edits      []draftEdit `json:"edits"`
}

type draftEdit struct {
	Path string `json:"path"`
	Old  string `json:"old,omitempty"`
	New  string `json:"new"`
}

// offersCode tells whether a fix may change code: only where code can be read.
func (s *session) offersCode() bool {
	return slices.ContainsFunc(s.tools, func(t tool) bool { return t.Name == "read_file" })
}

// change is the draft of a pull request, or what is wrong with it. Whether the edits apply the platform finds out, which reads
// the files; here is looked at what the model can mend: what it never read it cannot change.
func (s *session) change(f draftFix, culprit telemetry.Entity) (*investigation.CodeChange, string) {
	c := f.Code
	switch {
	case !s.offersCode():
		return nil, "fix: code cannot be read here, so it cannot be changed; leave the fix out."
	case c == nil || len(c.Edits) == 0 || len(f.Parameters) > 0:
		return nil, "fix: pull_request takes no parameters, and code with edits."
	case len(c.Edits) > maxEdits:
		return nil, fmt.Sprintf("fix: %d edits, at most %d.", len(c.Edits), maxEdits)
	case plain(c.Title, maxBranch) == "":
		return nil, "fix: code needs a title."
	case culprit.Kind() == "service" && culprit.Name() != c.Service:
		return nil, fmt.Sprintf("fix: code is of %s, the culprit is %s.", plain(c.Service, 60), plain(culprit.Name(), 60))
	case !s.owns(c.Service, c.Repository):
		return nil, fmt.Sprintf("fix: no evidence of deployed_code says that %s is built from %s.", plain(c.Service, 60), plain(c.Repository, 100))
	case !code.IsSHA(c.Commit):
		return nil, "fix: commit is the whole commit that read_file read at."
	}
	size := 0
	out := &investigation.CodeChange{Repository: c.Repository, Commit: c.Commit, Service: c.Service, Title: plain(c.Title, maxBranch)}
	for _, e := range c.Edits {
		if size += len(e.Old) + len(e.New); size > maxEdited {
			return nil, fmt.Sprintf("fix: edits of more than %d bytes; replace less.", maxEdited)
		}
		if wrong := s.unfitEdit(*c, e); wrong != "" {
			return nil, wrong
		}
		out.Edits = append(out.Edits, investigation.CodeEdit(e))
	}
	return out, ""
}

func (s *session) unfitEdit(c draftCode, e draftEdit) string {
	path := plain(e.Path, 200)
	if err := code.Writable(e.Path, "100644"); err != nil {
		return fmt.Sprintf("fix: %s.", plain(err.Error(), 300))
	}
	switch texts := s.readTexts(c, e.Path); {
	case strings.Contains(e.New, removedSecret) || strings.Contains(e.Old, removedSecret):
		return fmt.Sprintf("fix: the edit of %s holds a secret that was removed from your prompt; choose an edit without it.", path)
	case e.Old == e.New:
		return fmt.Sprintf("fix: the edit of %s changes nothing.", path)
	case e.Old == "": // a new file
	case len(texts) == 0:
		return fmt.Sprintf("fix: %s was not read at commit %.12s of %s; read it before you change it.", path, c.Commit, plain(c.Repository, 100))
	case !slices.ContainsFunc(texts, func(text string) bool { return strings.Count(text, e.Old) == 1 }):
		return fmt.Sprintf("fix: old of %s must be copied exactly from the file and be in it exactly once; take more lines.", path)
	}
	return ""
}

// owns tells whether evidence names a repository as that of a service.
func (s *session) owns(service, repository string) bool {
	return service != "" && repository != "" && s.witness("deployed_code", func(raw json.RawMessage) bool {
		var d toolresult.DeployedCode
		return json.Unmarshal(raw, &d) == nil && d.Service == service && strings.EqualFold(d.Repository, repository)
	})
}

// readTexts are the parts of a file that were read at a commit.
func (s *session) readTexts(c draftCode, path string) (texts []string) {
	s.witness("read_file", func(raw json.RawMessage) bool {
		var f toolresult.File
		if json.Unmarshal(raw, &f) == nil && f.Path == path && f.Commit == c.Commit && strings.EqualFold(f.Repository, c.Repository) {
			texts = append(texts, f.Text)
		}
		return false
	})
	return texts
}

// witness tells whether a result of a tool says something.
func (s *session) witness(tool string, says func(json.RawMessage) bool) bool {
	return slices.ContainsFunc(s.Transcript.Evidence, func(e investigation.Evidence) bool {
		return e.Tool == tool && e.Error == "" && says(e.Result)
	})
}
