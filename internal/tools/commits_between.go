package tools

import (
	"context"
	"fmt"
)

func (c coder) commitsBetween() Tool {
	return codeTool("commits_between", "Lists the commits between two deployed versions: what came in and, for a rollback or another branch, what went out.", 2,
		betweenProperties(nil), []string{"repository", "before", "after"},
		func(ctx context.Context, a betweenArguments) (Result, error) {
			repo, before, after, err := c.between(ctx, a)
			if err != nil {
				return Result{}, err
			}
			found, err := c.host.Commits(ctx, repo, before, after)
			if err != nil {
				return Result{}, err
			}
			return Result{
				Summary: fmt.Sprintf("%s: %d commits in, %d out (%.12s is %s)", repo, len(found.Added), len(found.Removed), after, found.Relation),
				Query:   fmt.Sprintf("commits of %s between %s and %s only", repo, before, after), Data: found,
			}, nil
		})
}
