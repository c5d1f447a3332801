package github

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const (
	maxRanges = 1000
	// maxHistory is how many commits stand in for a blame that the server does not offer.
	maxHistory = 30
)

// Blame implements code.Host, by GraphQL or, without it, by the commits that changed the file.
func (c *Client) Blame(ctx context.Context, at code.At, path string) (result.Blame, error) {
	clean, err := code.CleanPath(path)
	if err != nil || clean == "" || !code.IsSHA(at.Commit) {
		return result.Blame{}, fmt.Errorf("%w: blame needs a file's path and a whole commit", code.ErrNotFound)
	}
	out := result.Blame{Source: source(at), Path: clean, Ranges: []result.BlameRange{}, Commits: []result.Commit{}}
	what := fmt.Sprintf("blame %s of %s at %s", clean, at.Repository, at.Commit)
	answer, err := query[blameAnswer](ctx, c, at.Repository, what, blameQuery, map[string]any{"commit": at.Commit, "path": clean})
	if errors.Is(err, errNoGraphQL) {
		return c.history(ctx, at, out)
	}
	if err != nil {
		return out, err
	}
	if answer.Repository.Object == nil || len(answer.Repository.Object.Blame.Ranges) == 0 {
		return out, fmt.Errorf("%w: %s has no lines of %q at %s", code.ErrNotFound, at.Repository, clean, at.Commit)
	}
	known := map[string]bool{}
	for _, r := range answer.Repository.Object.Blame.Ranges[:min(len(answer.Repository.Object.Blame.Ranges), maxRanges)] {
		out.Ranges = append(out.Ranges, result.BlameRange{From: r.StartingLine, To: r.EndingLine, Commit: r.Commit.OID})
		if known[r.Commit.OID] {
			continue
		}
		known[r.Commit.OID] = true
		title, body, _ := strings.Cut(r.Commit.Message, "\n")
		out.Commits = append(out.Commits, result.Commit{
			SHA: r.Commit.OID, Author: code.Cut(r.Commit.Author.Name, 100), At: r.Commit.CommittedDate.UTC(),
			Title: code.Cut(title, maxTitle), Body: code.Cut(strings.TrimSpace(body), maxMessage),
		})
	}
	return out, nil
}

func (c *Client) history(ctx context.Context, at code.At, out result.Blame) (result.Blame, error) {
	g, err := c.session(at.Repository)
	if err != nil {
		return out, err
	}
	var commits []*github.RepositoryCommit
	err = c.polite(ctx, fmt.Sprintf("list commits of %s in %s", out.Path, at.Repository), func() (err error) {
		commits, _, err = g.Repositories.ListCommits(ctx, at.Repository.Owner(), at.Repository.Name(), &github.CommitsListOptions{
			SHA: at.Commit, Path: out.Path, ListOptions: github.ListOptions{PerPage: maxHistory},
		})
		return err
	})
	if err != nil {
		return out, err
	}
	out.Whole = true
	for _, rc := range commits[:min(len(commits), maxHistory)] {
		out.Commits = append(out.Commits, commitOf(rc.GetSHA(), rc.GetCommit()))
	}
	if len(out.Commits) == 0 {
		return out, fmt.Errorf("%w: no commit of %s up to %s changed %q", code.ErrNotFound, at.Repository, at.Commit, out.Path)
	}
	return out, nil
}
