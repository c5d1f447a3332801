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

// maxMessage bounds the body of a commit's message, maxTitle its first line, in bytes.
const (
	maxMessage = 2 << 10
	maxTitle   = 300
)

// Commit implements code.Host. Tags are asked for as tags, so that a branch of the same name is never meant.
func (c *Client) Commit(ctx context.Context, repo code.Repository, version string) (result.Commit, error) {
	g, err := c.session(repo)
	if err != nil {
		return result.Commit{}, err
	}
	if !code.IsVersion(version) {
		return result.Commit{}, fmt.Errorf("%w: %q is neither a commit nor a tag", code.ErrNotFound, code.Cut(version, 60))
	}
	sha := version
	if !code.IsSHA(version) {
		if sha, err = c.find(ctx, g, repo, version); err != nil {
			return result.Commit{}, err
		}
	}
	var found *github.Commit
	err = c.polite(ctx, fmt.Sprintf("read commit %s of %s", sha, repo), func() (err error) {
		found, _, err = g.Git.GetCommit(ctx, repo.Owner(), repo.Name(), sha)
		return err
	})
	if err != nil {
		return result.Commit{}, err
	}
	if found.GetSHA() != sha {
		return result.Commit{}, fmt.Errorf("read commit %s of %s: %w: the answer is about another", sha, repo, code.ErrUnsafe)
	}
	return commitOf(sha, found), nil
}

// find turns a tag or the beginning of a commit into a commit.
func (c *Client) find(ctx context.Context, g *github.Client, repo code.Repository, version string) (string, error) {
	names := []string{version}
	if !strings.HasPrefix(version, "v") {
		names = append(names, "v"+version)
	}
	for _, name := range names {
		sha, err := c.tag(ctx, g, repo, name)
		if err == nil || !errors.Is(err, code.ErrNotFound) {
			return sha, err
		}
	}
	if code.Abbreviates(version) {
		return c.unabbreviate(ctx, g, repo, version)
	}
	return "", fmt.Errorf("%w: %s has no tag %s", code.ErrNotFound, repo, version)
}

func (c *Client) tag(ctx context.Context, g *github.Client, repo code.Repository, name string) (string, error) {
	var to *github.GitObject
	err := c.polite(ctx, fmt.Sprintf("read tag %s of %s", name, repo), func() error {
		ref, _, err := g.Git.GetRef(ctx, repo.Owner(), repo.Name(), "tags/"+name)
		if err == nil && ref.GetRef() != "refs/tags/"+name {
			return code.ErrNotFound
		}
		to = ref.GetObject()
		return err
	})
	for range 3 { // a tag may name a tag
		if err != nil || to.GetType() != "tag" {
			break
		}
		err = c.polite(ctx, fmt.Sprintf("read tag %s of %s", name, repo), func() error {
			t, _, err := g.Git.GetTag(ctx, repo.Owner(), repo.Name(), to.GetSHA())
			to = t.GetObject()
			return err
		})
	}
	if err != nil {
		return "", err
	}
	if to.GetType() != "commit" || !code.IsSHA(to.GetSHA()) {
		return "", fmt.Errorf("%w: tag %s of %s does not name a commit", code.ErrNotFound, name, repo)
	}
	return to.GetSHA(), nil
}

// unabbreviate completes a commit. What GitHub finds must begin with it: a branch might have that name.
func (c *Client) unabbreviate(ctx context.Context, g *github.Client, repo code.Repository, short string) (string, error) {
	var found *github.RepositoryCommit
	err := c.polite(ctx, fmt.Sprintf("find commit %s of %s", short, repo), func() (err error) {
		found, _, err = g.Repositories.GetCommit(ctx, repo.Owner(), repo.Name(), short, &github.ListOptions{PerPage: 1})
		return err
	})
	if err != nil {
		return "", err
	}
	if sha := found.GetSHA(); code.IsSHA(sha) && strings.HasPrefix(sha, short) {
		return sha, nil
	}
	return "", fmt.Errorf("%w: %s has no commit %s", code.ErrNotFound, repo, short)
}

func commitOf(sha string, c *github.Commit) result.Commit {
	title, body, _ := strings.Cut(c.GetMessage(), "\n")
	return result.Commit{
		SHA: sha, Author: code.Cut(c.GetAuthor().GetName(), 100), At: c.GetCommitter().GetDate().UTC(),
		Title: code.Cut(title, maxTitle), Body: code.Cut(strings.TrimSpace(body), maxMessage),
	}
}
