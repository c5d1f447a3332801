package tools

import (
	"context"
	"fmt"

	"github.com/midwatch/midwatch/internal/code"
)

type blameArguments struct {
	atArguments
	Path string `json:"path"`
}

func (a blameArguments) validate() error {
	if clean, err := code.CleanPath(a.Path); err != nil || clean == "" {
		return fmt.Errorf("%w: path %q is not that of a file in a repository", ErrArguments, a.Path)
	}
	return a.atArguments.validate()
}

func (c coder) blame() Tool {
	return codeTool("blame", "Says which commits the lines of a file come from, as of the commit that ran.", 2,
		atProperties(map[string]any{"path": text("the file's path in the repository")}), []string{"repository", "commit", "path"},
		func(ctx context.Context, a blameArguments) (Result, error) {
			at, err := c.at(ctx, a.atArguments)
			if err != nil {
				return Result{}, err
			}
			found, err := c.host.Blame(ctx, at, a.Path)
			if err != nil {
				return Result{}, err
			}
			return Result{
				Summary: fmt.Sprintf("%s at %.12s comes from %d commits", found.Path, at.Commit, len(found.Commits)),
				Query:   readAt(at, "blame of "+found.Path), Data: found,
			}, nil
		})
}
