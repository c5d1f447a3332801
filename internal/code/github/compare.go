package github

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/go-github/v60/github"

	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const (
	pageSize = 100
	// maxPages bounds the lists of commits that are fetched: 500 commits between two versions.
	maxPages = 5
	// maxCommits bounds each list of an answer.
	maxCommits = 200
)

// Commits implements code.Host. For a rollback, and for versions of different branches, it asks in both directions.
func (c *Client) Commits(ctx context.Context, repo code.Repository, before, after string) (result.Commits, error) {
	out := result.Commits{Added: []result.Commit{}, Removed: []result.Commit{}}
	first, err := c.compare(ctx, repo, before, after)
	if err != nil {
		return out, err
	}
	out.Between = result.Between{Repository: string(repo), Before: before, After: after, Relation: first.relation}
	out.Added, out.Total = first.commits, first.total
	if first.relation == "behind" || first.relation == "diverged" {
		reverse, err := c.compare(ctx, repo, after, before)
		if err != nil {
			return out, err
		}
		out.Removed, out.Total = reverse.commits, out.Total+reverse.total
	}
	return out, nil
}

type comparison struct {
	relation string
	commits  []result.Commit // newest first
	total    int
	files    []*github.CommitFile // at most 300, as GitHub gives them
}

// compare asks what head has that base has not.
func (c *Client) compare(ctx context.Context, repo code.Repository, base, head string) (comparison, error) {
	var out comparison
	g, err := c.session(repo)
	if err != nil {
		return out, err
	}
	if !code.IsSHA(base) || !code.IsSHA(head) {
		return out, fmt.Errorf("%w: compare needs two whole commits", code.ErrNotFound)
	}
	page := 1
	for range maxPages {
		var got *github.CommitsComparison
		var resp *github.Response
		err := c.polite(ctx, fmt.Sprintf("compare %s with %s of %s", base, head, repo), func() (err error) {
			got, resp, err = g.Repositories.CompareCommits(ctx, repo.Owner(), repo.Name(), base, head, &github.ListOptions{Page: page, PerPage: pageSize})
			return err
		})
		if err != nil {
			return out, err
		}
		out.relation, out.total = relation(got.GetStatus()), got.GetTotalCommits()
		if page == 1 {
			out.files = got.Files
		}
		for _, rc := range got.Commits[:min(len(got.Commits), pageSize)] {
			out.commits = append(out.commits, commitOf(rc.GetSHA(), rc.GetCommit()))
		}
		if resp.NextPage <= page { // none, or a server that leads in circles
			break
		}
		page = resp.NextPage
	}
	slices.Reverse(out.commits)
	out.commits = slices.Clip(out.commits[:min(len(out.commits), maxCommits)])
	if out.commits == nil {
		out.commits = []result.Commit{}
	}
	return out, nil
}

// relation keeps what GitHub may say.
func relation(status string) string {
	switch status {
	case "ahead", "behind", "diverged", "identical":
		return status
	}
	return "diverged"
}
