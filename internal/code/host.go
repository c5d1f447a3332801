package code

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/tools/result"
)

var (
	// ErrNotFound means the code host does not have it, or does not show it to us.
	ErrNotFound = errors.New("not on the code host, or not visible to Midwatch")
	// ErrNotAllowed means the configuration does not name the repository.
	ErrNotAllowed = errors.New("the configuration does not allow this repository")
	// ErrTooLarge means an answer exceeds a bound.
	ErrTooLarge = errors.New("too large")
	// ErrUnsafe means the code host did something that a code host does not do, such as sending us to another host.
	ErrUnsafe = errors.New("refused")
	// ErrConflict means a branch or a pull request of that name exists with another content.
	ErrConflict = errors.New("it exists with another content")
)

// RateLimited means the code host wants to be left alone for longer than we wait.
type RateLimited struct{ Until time.Time }

func (e *RateLimited) Error() string {
	return fmt.Sprintf("the code host's rate limit is reached until %s; ask again then", e.Until.UTC().Format(time.RFC3339))
}

// At is a repository at one commit.
type At struct {
	Repository Repository
	Commit     string // 40 hex digits
}

// Query is what to search a repository for, line by line.
type Query struct {
	Text   string // taken literally unless Regexp
	Regexp bool   // RE2
	Under  string // a directory; empty: everywhere
}

// Host reads a code host. Everything is read at a commit; calls are safe for concurrent use, bounded in time and size, and
// return ErrNotFound, ErrNotAllowed, ErrTooLarge, ErrUnsafe or *RateLimited, wrapped.
type Host interface {
	// Commit finds the commit that a version names: a commit, whole or at least 7 digits of it, or a tag, with or without a
	// leading "v". A branch is no version.
	Commit(ctx context.Context, repo Repository, version string) (result.Commit, error)
	// Tree lists the files below a directory.
	Tree(ctx context.Context, at At, under string) (result.Tree, error)
	// File returns a file's content, at most 1 MiB.
	File(ctx context.Context, at At, path string) (File, error)
	// Search looks through the text files of a commit.
	Search(ctx context.Context, at At, q Query) (result.CodeSearch, error)
	// Commits lists what lies between two commits.
	Commits(ctx context.Context, repo Repository, before, after string) (result.Commits, error)
	// Diff says what is different between two commits below a directory.
	Diff(ctx context.Context, repo Repository, before, after, under string) (result.VersionDiff, error)
	// Blame says which commits a file's lines come from.
	Blame(ctx context.Context, at At, path string) (result.Blame, error)
	// Base is the branch that pull requests are to be merged into.
	Base(ctx context.Context, repo Repository) (string, error)
}

// File is a file's whole content.
type File struct {
	Blob    string // git's SHA-1 of Content, verified
	Mode    string // git's
	Content []byte
}

// BranchPrefix begins the name of every branch that Midwatch makes; what follows is the fix's id.
const BranchPrefix = "midwatch/"

// Publisher writes to a code host: branches of our own and pull requests, and nothing else. It never merges.
type Publisher interface {
	// Publish makes branch, commit and pull request, or finds those that an earlier attempt made. The same request makes the
	// same commit. A branch or pull request of that name with another content is ErrConflict.
	Publish(ctx context.Context, p investigation.PullRequest) (Published, error)
}

// Watcher looks at what became of a pull request.
type Watcher interface {
	// State returns the state of the pull request from a branch, or ErrNotFound.
	State(ctx context.Context, p investigation.PullRequest) (Published, error)
}

// Published is a pull request as it stands.
type Published struct {
	Number  int
	URL     string
	Head    string // the branch's newest commit
	Open    bool
	Merged  bool
	Merge   string    // the commit it was merged as
	Changed bool      // the branch holds other commits than ours
	By      string    // who merged it
	Ended   time.Time // when it was merged or closed
}
