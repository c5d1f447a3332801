package github

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const (
	// maxListed bounds the files that one answer lists.
	maxListed = 2000
	// maxEntries bounds what is kept of a tree; GitHub itself lists at most 100,000.
	maxEntries = 150_000
	plainFile  = "100644"
)

// listing is the files of a commit, or of a directory of it, by path.
type listing struct {
	files   []result.TreeEntry
	partial bool
}

// Tree implements code.Host.
func (c *Client) Tree(ctx context.Context, at code.At, under string) (result.Tree, error) {
	under, err := code.CleanPath(under)
	if err != nil {
		return result.Tree{}, fmt.Errorf("%w: %w", code.ErrNotFound, err)
	}
	all, err := c.listing(ctx, at, under)
	if err != nil {
		return result.Tree{}, err
	}
	files := all.below(under)
	t := result.Tree{Source: source(at), Under: under, Files: slices.Clone(files[:min(len(files), maxListed)]), Partial: all.partial}
	t.Omitted = len(files) - len(t.Files)
	if len(files) == 0 && !all.partial {
		return t, fmt.Errorf("%w: %s has no files below %q at %s", code.ErrNotFound, at.Repository, under, at.Commit)
	}
	return t, nil
}

func source(at code.At) result.Source {
	return result.Source{Repository: string(at.Repository), Commit: at.Commit}
}

func (l listing) below(dir string) []result.TreeEntry {
	if dir == "" {
		return l.files
	}
	var out []result.TreeEntry
	for _, f := range l.files {
		if code.Below(f.Path, dir) {
			out = append(out, f)
		}
	}
	return out
}

// file finds a file by its path.
func (l listing) file(path string) (result.TreeEntry, bool) {
	i, ok := slices.BinarySearchFunc(l.files, path, func(e result.TreeEntry, p string) int { return cmp.Compare(e.Path, p) })
	if !ok {
		return result.TreeEntry{}, false
	}
	return l.files[i], true
}

// listing lists a commit. When GitHub does not list all of it, the directory that is asked for is listed alone.
func (c *Client) listing(ctx context.Context, at code.At, under string) (listing, error) {
	if !code.IsSHA(at.Commit) {
		return listing{}, fmt.Errorf("%w: %q is not a whole commit", code.ErrNotFound, code.Cut(at.Commit, 60))
	}
	all, err := c.tree(ctx, at, at.Commit, "", true)
	if err != nil || !all.partial || under == "" {
		return all, err
	}
	sha, prefix := at.Commit, ""
	for name := range strings.SplitSeq(under, "/") {
		level, err := c.tree(ctx, at, sha, prefix, false)
		if err != nil {
			return listing{}, err
		}
		dir, ok := level.file(strings.TrimPrefix(prefix+"/"+name, "/"))
		if !ok || dir.Mode != directory {
			return all, nil // a file: the whole listing may have it
		}
		sha, prefix = dir.Blob, dir.Path
	}
	return c.tree(ctx, at, sha, prefix, true)
}

// directory is git's mode of one; it is only seen when a tree is listed level by level.
const directory = "040000"

// tree lists one tree object, whose files are below prefix.
func (c *Client) tree(ctx context.Context, at code.At, sha, prefix string, recursive bool) (listing, error) {
	key := fmt.Sprint("tree ", at.Repository, sha, prefix, recursive)
	if l, ok := c.cache.get(key); ok {
		return l.(listing), nil
	}
	g, err := c.session(at.Repository)
	if err != nil {
		return listing{}, err
	}
	var t *github.Tree
	err = c.polite(ctx, fmt.Sprintf("list %s at %s", at.Repository, at.Commit), func() (err error) {
		t, _, err = g.Git.GetTree(ctx, at.Repository.Owner(), at.Repository.Name(), sha, recursive)
		return err
	})
	if err != nil {
		return listing{}, err
	}
	l := entries(t, prefix, !recursive)
	size := 0
	for _, f := range l.files {
		size += len(f.Path) + len(f.Blob) + 64
	}
	c.cache.put(key, l, size)
	return l, nil
}

// entries keeps the files of a tree, sorted, without what no file of a repository can be. Symbolic links and submodules are
// left out: there is nothing to read in them.
func entries(t *github.Tree, prefix string, directories bool) listing {
	l := listing{partial: t.GetTruncated()}
	for _, e := range t.Entries {
		if len(l.files) >= maxEntries {
			l.partial = true
			break
		}
		path, err := code.CleanPath(e.GetPath())
		isDirectory := e.GetType() == "tree" && directories
		if err != nil || path == "" || e.GetMode() == "120000" || e.GetType() != "blob" && !isDirectory || !code.IsSHA(e.GetSHA()) {
			continue
		}
		f := result.TreeEntry{Path: strings.TrimPrefix(prefix+"/"+path, "/"), Bytes: int64(e.GetSize()), Blob: e.GetSHA()}
		if e.GetMode() != plainFile {
			f.Mode = e.GetMode()
		}
		if isDirectory {
			f.Mode = directory
		}
		l.files = append(l.files, f)
	}
	slices.SortFunc(l.files, func(a, b result.TreeEntry) int { return cmp.Compare(a.Path, b.Path) })
	return l
}
