package tools

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const (
	// defaultLines is how much of a file is read unless asked otherwise, maxFileLines how much at most.
	defaultLines = 400
	maxFileLines = 1000
	// maxFileText bounds it in bytes: generated files have long lines.
	maxFileText = 96 << 10
)

type fileArguments struct {
	atArguments
	Path string `json:"path"`
	From int    `json:"from_line"`
	To   int    `json:"to_line"`
}

func (a fileArguments) validate() error {
	if err := a.atArguments.validate(); err != nil {
		return err
	}
	if clean, err := code.CleanPath(a.Path); err != nil || clean == "" {
		return fmt.Errorf("%w: path %q is not that of a file in a repository", ErrArguments, a.Path)
	}
	if a.From < 0 || a.To < 0 || a.To != 0 && a.To < a.From {
		return fmt.Errorf("%w: lines %d to %d", ErrArguments, a.From, a.To)
	}
	return nil
}

func (c coder) readFile() Tool {
	line := func(what string) map[string]any {
		return map[string]any{"type": "integer", "minimum": 1, "description": what}
	}
	return codeTool("read_file", fmt.Sprintf("Reads lines of a file at the commit that ran, at most %d.", maxFileLines), 1,
		atProperties(map[string]any{"path": text("the file's path in the repository"), "from_line": line("first line, from 1"), "to_line": line("last line")}),
		[]string{"repository", "commit", "path"},
		func(ctx context.Context, a fileArguments) (Result, error) {
			at, err := c.at(ctx, a.atArguments)
			if err != nil {
				return Result{}, err
			}
			path, err := code.CleanPath(a.Path)
			if err != nil {
				return Result{}, err
			}
			f, err := c.host.File(ctx, at, path)
			if err != nil {
				return Result{}, err
			}
			if !code.IsText(f.Content) {
				return Result{}, fmt.Errorf("%w: %s is not a text", ErrNoAnswer, path)
			}
			out := cutFile(string(f.Content), a.From, a.To)
			out.Source = result.Source{Repository: string(at.Repository), Commit: at.Commit}
			out.Path, out.Blob, out.Bytes = path, f.Blob, len(f.Content)
			return Result{
				Summary: fmt.Sprintf("%s, lines %d to %d of %d, at %.12s", path, out.From, out.To, out.Lines, at.Commit),
				Query:   readAt(at, fmt.Sprintf("%s, lines %d to %d", path, out.From, out.To)), Data: out,
			}, nil
		})
}

// cutFile keeps the lines that were asked for, as far as the bounds go.
func cutFile(content string, from, to int) result.File {
	lines := slices.Collect(strings.Lines(content))
	from = max(from, 1)
	if to == 0 {
		to = from + defaultLines - 1
	}
	to = min(to, from+maxFileLines-1, len(lines))
	out := result.File{Lines: len(lines), From: from, To: from - 1}
	var b strings.Builder
	for n := from; n <= to && b.Len()+len(lines[n-1]) <= maxFileText; n++ {
		b.WriteString(lines[n-1])
		out.To = n
	}
	out.Text = b.String()
	return out
}
