package github

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-github/v60/github"
	"github.com/pmezard/go-difflib/difflib"

	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const (
	maxDiffFiles  = 300 // GitHub's own bound of a comparison
	maxPatch      = 16 << 10
	maxPatches    = 384 << 10 // of all files together
	maxComparable = 128 << 10 // bytes of a file that is compared line by line here
)

// Diff implements code.Host. GitHub compares a version with its common ancestor, which is the older version only when
// after follows before; in every other case the two trees are compared here.
func (c *Client) Diff(ctx context.Context, repo code.Repository, before, after, under string) (result.VersionDiff, error) {
	out := result.VersionDiff{Files: []result.FileDiff{}}
	dir, err := code.CleanPath(under)
	if err != nil {
		return out, fmt.Errorf("%w: %w", code.ErrNotFound, err)
	}
	got, err := c.compare(ctx, repo, before, after)
	if err != nil {
		return out, err
	}
	out.Under, out.Between = dir, result.Between{Repository: string(repo), Before: before, After: after, Relation: got.relation}
	if got.relation == "ahead" && len(got.files) < maxDiffFiles {
		out.Files = filesOf(got.files, dir)
	} else if got.relation != "identical" {
		if err := c.compareTrees(ctx, repo, &out); err != nil {
			return out, err
		}
	}
	fit(&out)
	return out, nil
}

func filesOf(files []*github.CommitFile, dir string) []result.FileDiff {
	out := []result.FileDiff{}
	for _, f := range files {
		if !code.Below(f.GetFilename(), dir) && !code.Below(f.GetPreviousFilename(), dir) {
			continue
		}
		out = append(out, result.FileDiff{
			Path: f.GetFilename(), Previous: f.GetPreviousFilename(), Status: f.GetStatus(),
			Additions: f.GetAdditions(), Deletions: f.GetDeletions(), Patch: f.GetPatch(),
		})
	}
	slices.SortFunc(out, func(a, b result.FileDiff) int { return cmp.Compare(a.Path, b.Path) })
	return out
}

// compareTrees lists the files whose content differs and compares those that are text.
func (c *Client) compareTrees(ctx context.Context, repo code.Repository, out *result.VersionDiff) error {
	before, err := c.listing(ctx, code.At{Repository: repo, Commit: out.Before}, out.Under)
	if err != nil {
		return err
	}
	after, err := c.listing(ctx, code.At{Repository: repo, Commit: out.After}, out.Under)
	if err != nil {
		return err
	}
	out.Partial = before.partial || after.partial
	for _, f := range changed(before.below(out.Under), after.below(out.Under)) {
		if len(out.Files) >= maxDiffFiles {
			out.Partial = true
			break
		}
		d, err := c.compareFile(ctx, repo, f)
		if err != nil {
			return err
		}
		out.Files = append(out.Files, d)
	}
	return nil
}

// pair is a file in two trees; a zero entry means it is not there.
type pair struct{ before, after result.TreeEntry }

func (p pair) path() string { return cmp.Or(p.after.Path, p.before.Path) }

func changed(before, after []result.TreeEntry) []pair {
	old := make(map[string]result.TreeEntry, len(before))
	for _, f := range before {
		old[f.Path] = f
	}
	var out []pair
	for _, f := range after {
		if old[f.Path].Blob != f.Blob {
			out = append(out, pair{old[f.Path], f})
		}
		delete(old, f.Path)
	}
	for _, f := range old {
		out = append(out, pair{before: f})
	}
	slices.SortFunc(out, func(a, b pair) int { return cmp.Compare(a.path(), b.path()) })
	return out
}

func (c *Client) compareFile(ctx context.Context, repo code.Repository, p pair) (result.FileDiff, error) {
	d := result.FileDiff{Path: p.path(), Status: "modified"}
	switch {
	case p.before.Path == "":
		d.Status = "added"
	case p.after.Path == "":
		d.Status = "removed"
	}
	if p.before.Bytes > maxComparable || p.after.Bytes > maxComparable {
		return d, nil
	}
	var sides [2][]byte
	for i, f := range []result.TreeEntry{p.before, p.after} {
		if f.Path == "" {
			continue
		}
		content, err := c.blob(ctx, repo, f)
		if err != nil {
			return d, err
		}
		if !code.IsText(content) {
			return d, nil
		}
		sides[i] = content
	}
	d.Patch, d.Additions, d.Deletions = Patch(string(sides[0]), string(sides[1]))
	return d, nil
}

// Patch is a unified diff without a file header.
func Patch(before, after string) (patch string, additions, deletions int) {
	text, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{A: lines(before), B: lines(after), Context: 3})
	if err != nil {
		return "", 0, 0 // it only writes to memory
	}
	text = strings.TrimPrefix(text, "--- \n+++ \n")
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case strings.HasPrefix(line, "+"):
			additions++
		case strings.HasPrefix(line, "-"):
			deletions++
		}
	}
	return text, additions, deletions
}

// lines splits as difflib wants it: each line with its end.
func lines(text string) []string {
	if text == "" {
		return nil
	}
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return slices.Collect(strings.Lines(text))
}

// fit cuts patches to their bounds; a file whose patch no longer fits keeps its numbers.
func fit(d *result.VersionDiff) {
	left := maxPatches
	for i := range d.Files {
		f := &d.Files[i]
		limit := min(maxPatch, left)
		f.Cut = len(f.Patch) > limit
		f.Patch = code.Cut(f.Patch, limit)
		left -= len(f.Patch)
		d.Partial = d.Partial || f.Cut
	}
}
