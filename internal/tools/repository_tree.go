package tools

import (
	"context"
	"fmt"
)

type treeArguments struct {
	atArguments
	Under string `json:"under"`
}

func (c coder) repositoryTree() Tool {
	return codeTool("repository_tree", "Lists the files of a repository at the commit that ran, below a directory.", 1,
		atProperties(map[string]any{"under": text("only below this directory; all if left out")}), []string{"repository", "commit"},
		func(ctx context.Context, a treeArguments) (Result, error) {
			at, err := c.at(ctx, a.atArguments)
			if err != nil {
				return Result{}, err
			}
			t, err := c.host.Tree(ctx, at, a.Under)
			if err != nil {
				return Result{}, err
			}
			return Result{
				Summary: fmt.Sprintf("%d files of %s at %.12s", len(t.Files)+t.Omitted, at.Repository, at.Commit),
				Query:   readAt(at, fmt.Sprintf("files below %q", a.Under)), Data: t,
			}, nil
		})
}
