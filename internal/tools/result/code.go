package result

import "time"

// Commit is one commit. Addresses of its people are left out.
type Commit struct {
	SHA    string    `json:"sha"` // 40 hex digits
	Author string    `json:"author"`
	At     time.Time `json:"at"` // committed
	Title  string    `json:"title"`
	Body   string    `json:"body,omitempty"` // at most 2 KiB
}

// Source says what the code tools read: one repository at one commit, never at a branch.
type Source struct {
	Repository string `json:"repository"` // owner/name
	Commit     string `json:"commit"`     // 40 hex digits
}

// Tree is the result of repository_tree: the files below a directory, by path.
type Tree struct {
	Source
	Under   string      `json:"under"`
	Files   []TreeEntry `json:"files"`
	Omitted int         `json:"omitted"` // files that are there and not listed
	Partial bool        `json:"partial"` // the code host did not list everything: a missing file proves nothing
}

// TreeEntry is one file.
type TreeEntry struct {
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
	Blob  string `json:"blob"`           // git's SHA-1 of the content
	Mode  string `json:"mode,omitempty"` // empty: a plain file; else git's mode
}

// File is the result of read_file: lines From to To of a file that has Lines.
type File struct {
	Source
	Path  string `json:"path"`
	Blob  string `json:"blob"`
	Bytes int    `json:"bytes"`
	Lines int    `json:"lines"`
	From  int    `json:"from"` // from 1
	To    int    `json:"to"`   // inclusive
	Text  string `json:"text"`
}

// CodeSearch is the result of search_code.
type CodeSearch struct {
	Source
	Matches  []CodeMatch `json:"matches"`  // by path and line
	Files    int         `json:"files"`    // text files below the directory
	Searched int         `json:"searched"` // of them; fewer than Files when a bound was reached
	More     bool        `json:"more"`     // there are more matches than listed
}

// CodeMatch is a line that matches.
type CodeMatch struct {
	Path string `json:"path"`
	Line int    `json:"line"`
	Text string `json:"text"` // at most 300 bytes
}

// Between names two versions of one repository.
type Between struct {
	Repository string `json:"repository"`
	Before     string `json:"before"` // 40 hex digits
	After      string `json:"after"`
	// Relation is ahead (after follows before), behind (after is older: a rollback), diverged or identical.
	Relation string `json:"relation"`
}

// Commits is the result of commits_between, each list newest first.
type Commits struct {
	Between
	Added   []Commit `json:"added"`   // in after, not in before
	Removed []Commit `json:"removed"` // in before, not in after
	Total   int      `json:"total"`   // of both, listed or not
}

// VersionDiff is the result of diff_versions: what is different in after, by path.
type VersionDiff struct {
	Between
	Under   string     `json:"under"`
	Files   []FileDiff `json:"files"`
	Partial bool       `json:"partial"` // the code host did not list every file, or a bound was reached
}

// FileDiff is how one file differs.
type FileDiff struct {
	Path      string `json:"path"`
	Previous  string `json:"previous,omitempty"` // its path before, when it was renamed
	Status    string `json:"status"`             // added, removed, modified, renamed
	Additions int    `json:"additions"`
	Deletions int    `json:"deletions"`
	Patch     string `json:"patch,omitempty"` // unified, without file header; empty when it is binary or too large
	Cut       bool   `json:"cut,omitempty"`   // the patch goes on
}

// Blame is the result of blame: who last changed which lines of a file, as of the commit.
type Blame struct {
	Source
	Path   string       `json:"path"`
	Ranges []BlameRange `json:"ranges"`
	// Whole is set when the code host offers no blame: Ranges is empty and Commits are the last to change the file.
	Whole   bool     `json:"whole"`
	Commits []Commit `json:"commits"`
}

// BlameRange is lines From to To, inclusive, last changed by one of Commits.
type BlameRange struct {
	From   int    `json:"from"`
	To     int    `json:"to"`
	Commit string `json:"commit"`
}

// DeployedCode is the result of deployed_code: which commit a service ran, as telemetry and configuration tell it.
type DeployedCode struct {
	Service    string        `json:"service"`
	Repository string        `json:"repository"` // owner/name; empty: not known
	Path       string        `json:"path"`       // of the service in its repository; empty: the root
	Origin     string        `json:"origin"`     // configuration, or the attribute it was read from
	Versions   []CodeVersion `json:"versions"`   // in the order they were first seen
	Missing    string        `json:"missing"`    // why a repository or a commit is not known
}

// CodeVersion is a version that ran in the window.
type CodeVersion struct {
	Commit  string    `json:"commit"`  // a commit, whole or abbreviated, or a tag; empty: not known
	Origin  string    `json:"origin"`  // the attribute it was read from
	Version string    `json:"version"` // service.version
	First   time.Time `json:"first"`   // first event of it in the window
	Last    time.Time `json:"last"`
	Dirty   bool      `json:"dirty"` // built from a changed working tree: the commit is not all of it
}
