package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/investigation"
)

// committer is who our commits are by; nobody on GitHub has this address.
const (
	committer = "Midwatch"
	address   = "noreply@midwatch.invalid"
)

// Publish implements code.Publisher. Trees and commits are named by their content and the commit's time is the request's, so
// that a second attempt makes nothing new.
func (c *Client) Publish(ctx context.Context, p investigation.PullRequest) (code.Published, error) {
	repo := code.Repository(p.Repository)
	if err := c.writable(p); err != nil {
		return code.Published{}, err
	}
	g, err := c.session(repo)
	if err != nil {
		return code.Published{}, err
	}
	commit, err := c.commit(ctx, g, repo, p)
	if err != nil {
		return code.Published{}, err
	}
	if found, err := c.ours(ctx, p, commit); err == nil || !errors.Is(err, code.ErrNotFound) {
		return found, err
	}
	if err := c.branch(ctx, g, repo, p.Branch, commit); err != nil {
		return code.Published{}, err
	}
	var made *github.PullRequest
	err = c.polite(ctx, "open a pull request on "+p.Repository, func() (err error) {
		made, _, err = g.PullRequests.Create(ctx, repo.Owner(), repo.Name(), &github.NewPullRequest{
			Title: &p.Title, Head: &p.Branch, Base: &p.Base, Body: &p.Body, MaintainerCanModify: github.Bool(true),
		})
		return err
	})
	if err != nil {
		if found, again := c.ours(ctx, p, commit); again == nil { // the answer to an earlier attempt was lost
			return found, nil
		}
		return code.Published{}, err
	}
	return c.published(repo, made), nil
}

// ours finds the pull request that an earlier attempt opened. Others may have added commits since; one that holds a single
// commit which is not ours was made by somebody else.
func (c *Client) ours(ctx context.Context, p investigation.PullRequest, commit string) (code.Published, error) {
	found, err := c.State(ctx, p)
	if err == nil && found.Head != commit && !found.Changed {
		return found, fmt.Errorf("pull request %d of %s: %w", found.Number, p.Repository, code.ErrConflict)
	}
	return found, err
}

// writable refuses what Midwatch never does, whoever approved it.
func (c *Client) writable(p investigation.PullRequest) error {
	switch {
	case !c.cfg.Write:
		return fmt.Errorf("open a pull request: %w: this client only reads", code.ErrNotAllowed)
	case !strings.HasPrefix(p.Branch, code.BranchPrefix) || !code.IsVersion(p.Branch):
		return fmt.Errorf("open a pull request: %w: %q is not a branch of Midwatch's", code.ErrNotAllowed, p.Branch)
	case !code.IsSHA(p.Commit) || !code.IsVersion(p.Base) || p.Base == p.Branch || len(p.Files) == 0 || p.At.IsZero():
		return fmt.Errorf("open a pull request: %w: it is not complete", code.ErrNotAllowed)
	}
	for _, f := range p.Files {
		if err := code.Writable(f.Path, f.Mode); err != nil {
			return fmt.Errorf("open a pull request: %w: %w", code.ErrNotAllowed, err)
		}
	}
	return nil
}

// commit makes the tree and the commit.
func (c *Client) commit(ctx context.Context, g *github.Client, repo code.Repository, p investigation.PullRequest) (string, error) {
	var base *github.Commit
	err := c.polite(ctx, fmt.Sprintf("read commit %s of %s", p.Commit, repo), func() (err error) {
		base, _, err = g.Git.GetCommit(ctx, repo.Owner(), repo.Name(), p.Commit)
		return err
	})
	if err != nil {
		return "", err
	}
	files := make([]*github.TreeEntry, len(p.Files))
	for i, f := range p.Files {
		files[i] = &github.TreeEntry{Path: github.String(f.Path), Mode: github.String(f.Mode), Type: github.String("blob"), Content: github.String(f.Content)}
	}
	var tree *github.Tree
	err = c.polite(ctx, "write the changed files to "+p.Repository, func() (err error) {
		tree, _, err = g.Git.CreateTree(ctx, repo.Owner(), repo.Name(), base.GetTree().GetSHA(), files)
		return err
	})
	if err != nil {
		return "", err
	}
	who := &github.CommitAuthor{Name: github.String(committer), Email: github.String(address), Date: &github.Timestamp{Time: p.At.UTC()}}
	var made *github.Commit
	err = c.polite(ctx, "write the commit to "+p.Repository, func() (err error) {
		made, _, err = g.Git.CreateCommit(ctx, repo.Owner(), repo.Name(), &github.Commit{
			Message: github.String(p.Title + "\n"), Tree: tree, Parents: []*github.Commit{{SHA: github.String(p.Commit)}}, Author: who, Committer: who,
		}, nil)
		return err
	})
	if err == nil && !code.IsSHA(made.GetSHA()) {
		err = fmt.Errorf("write the commit to %s: %w: the answer names none", repo, code.ErrUnsafe)
	}
	return made.GetSHA(), err
}

// branch makes the branch, or finds it where an earlier attempt left it.
func (c *Client) branch(ctx context.Context, g *github.Client, repo code.Repository, name, commit string) error {
	ref := "refs/heads/" + name
	err := c.polite(ctx, fmt.Sprintf("make branch %s of %s", name, repo), func() error {
		_, _, err := g.Git.CreateRef(ctx, repo.Owner(), repo.Name(), &github.Reference{
			Ref: github.String(ref), Object: &github.GitObject{SHA: github.String(commit)},
		})
		var refused *github.ErrorResponse
		if errors.As(err, &refused) && refused.Response.StatusCode == http.StatusUnprocessableEntity {
			there, _, look := g.Git.GetRef(ctx, repo.Owner(), repo.Name(), ref)
			switch {
			case look != nil:
				return errors.Join(err, look)
			case there.GetObject().GetSHA() == commit:
				return nil
			}
			return code.ErrConflict
		}
		return err
	})
	return err
}

// State implements code.Watcher.
func (c *Client) State(ctx context.Context, p investigation.PullRequest) (code.Published, error) {
	repo := code.Repository(p.Repository)
	g, err := c.session(repo)
	if err != nil {
		return code.Published{}, err
	}
	var found []*github.PullRequest
	err = c.polite(ctx, "look for a pull request on "+p.Repository, func() (err error) {
		found, _, err = g.PullRequests.List(ctx, repo.Owner(), repo.Name(), &github.PullRequestListOptions{
			State: "all", Head: repo.Owner() + ":" + p.Branch, ListOptions: github.ListOptions{PerPage: 10},
		})
		return err
	})
	if err != nil {
		return code.Published{}, err
	}
	i := slices.IndexFunc(found, func(pr *github.PullRequest) bool { // GitHub ignores a head that it does not know
		return pr.GetHead().GetRef() == p.Branch && strings.EqualFold(pr.GetHead().GetRepo().GetFullName(), p.Repository)
	})
	if i < 0 {
		return code.Published{}, fmt.Errorf("%w: %s has no pull request from %s", code.ErrNotFound, repo, p.Branch)
	}
	number := found[i].GetNumber()
	var whole *github.PullRequest
	err = c.polite(ctx, fmt.Sprintf("read pull request %d of %s", number, repo), func() (err error) {
		whole, _, err = g.PullRequests.Get(ctx, repo.Owner(), repo.Name(), number)
		return err
	})
	if err != nil {
		return code.Published{}, err
	}
	return c.published(repo, whole), nil
}

// published describes a pull request. Its address is made here: what an answer holds is not shown as a link.
func (c *Client) published(repo code.Repository, pr *github.PullRequest) code.Published {
	out := code.Published{
		Number: pr.GetNumber(), Head: pr.GetHead().GetSHA(), URL: fmt.Sprintf("https://%s/%s/pull/%d", c.cfg.Host(), repo, pr.GetNumber()),
		Open: pr.GetState() == "open", Merged: pr.GetMerged() || !pr.GetMergedAt().IsZero(), Changed: pr.GetCommits() > 1,
	}
	if out.Merged {
		out.Merge, out.By, out.Ended = pr.GetMergeCommitSHA(), code.Cut(pr.GetMergedBy().GetLogin(), 100), pr.GetMergedAt().UTC()
	} else if !out.Open {
		out.Ended = pr.GetClosedAt().UTC()
	}
	return out
}

// Base implements code.Host.
func (c *Client) Base(ctx context.Context, repo code.Repository) (string, error) {
	g, err := c.session(repo)
	if err != nil {
		return "", err
	}
	if c.cfg.Base != "" {
		return c.cfg.Base, nil
	}
	var r *github.Repository
	err = c.polite(ctx, "read repository "+string(repo), func() (err error) {
		r, _, err = g.Repositories.Get(ctx, repo.Owner(), repo.Name())
		return err
	})
	if err == nil && !code.IsVersion(r.GetDefaultBranch()) {
		err = fmt.Errorf("%w: %s has no default branch", code.ErrNotFound, repo)
	}
	return r.GetDefaultBranch(), err
}
