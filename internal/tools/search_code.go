package tools

import (
	"context"
	"fmt"
	"regexp"

	"github.com/midwatch/midwatch/internal/code"
)

type searchArguments struct {
	atArguments
	Text   string `json:"text"`
	Regexp bool   `json:"regexp"`
	Under  string `json:"under"`
}

func (a searchArguments) validate() error {
	if err := a.atArguments.validate(); err != nil {
		return err
	}
	if a.Text == "" || len(a.Text) > 500 {
		return fmt.Errorf("%w: text must have 1 to 500 bytes", ErrArguments)
	}
	if _, err := regexp.Compile(a.Text); a.Regexp && err != nil {
		return fmt.Errorf("%w: %w", ErrArguments, err)
	}
	return nil
}

func (c coder) searchCode() Tool {
	return codeTool("search_code", "Searches the text files of a repository at the commit that ran, line by line.", 3,
		atProperties(map[string]any{
			"text": text("what to look for, taken literally"), "under": text("only below this directory; all if left out"),
			"regexp": map[string]any{"type": "boolean", "description": "text is a regular expression (RE2)"},
		}), []string{"repository", "commit", "text"},
		func(ctx context.Context, a searchArguments) (Result, error) {
			at, err := c.at(ctx, a.atArguments)
			if err != nil {
				return Result{}, err
			}
			found, err := c.host.Search(ctx, at, code.Query{Text: a.Text, Regexp: a.Regexp, Under: a.Under})
			if err != nil {
				return Result{}, err
			}
			return Result{
				Summary: fmt.Sprintf("%d matches in %d of %d files of %s at %.12s", len(found.Matches), found.Searched, found.Files, at.Repository, at.Commit),
				Query:   readAt(at, fmt.Sprintf("lines with %q below %q", a.Text, a.Under)), Data: found,
			}, nil
		})
}
