package tools

import (
	"context"
	"fmt"
)

type diffArguments struct {
	betweenArguments
	Under string `json:"under"`
}

func (c coder) diffVersions() Tool {
	return codeTool("diff_versions", "Shows what is different in the code of two deployed versions, as unified diffs.", 2,
		betweenProperties(map[string]any{"under": text("only below this directory; all if left out")}), []string{"repository", "before", "after"},
		func(ctx context.Context, a diffArguments) (Result, error) {
			repo, before, after, err := c.between(ctx, a.betweenArguments)
			if err != nil {
				return Result{}, err
			}
			found, err := c.host.Diff(ctx, repo, before, after, a.Under)
			if err != nil {
				return Result{}, err
			}
			return Result{
				Summary: fmt.Sprintf("%d files of %s differ between %.12s and %.12s", len(found.Files), repo, before, after),
				Query:   fmt.Sprintf("diff of %s from %s to %s only, below %q", repo, before, after, a.Under), Data: found,
			}, nil
		})
}
