package github

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// Bounds of one search.
const (
	maxSearched      = 1500     // files
	maxSearchedBytes = 24 << 20 // of them together
	maxSearchedFile  = 256 << 10
	maxMatches       = 100
	maxLine          = 300
)

// Search implements code.Host. GitHub's own search knows default branches only, so the files of the commit are read and
// searched here; they are cached by content, so that the next commit costs only what changed.
func (c *Client) Search(ctx context.Context, at code.At, q code.Query) (result.CodeSearch, error) {
	out := result.CodeSearch{Source: source(at), Matches: []result.CodeMatch{}}
	match, err := matcher(q)
	if err != nil {
		return out, err
	}
	under, err := code.CleanPath(q.Under)
	if err != nil {
		return out, fmt.Errorf("%w: %w", code.ErrNotFound, err)
	}
	all, err := c.listing(ctx, at, under)
	if err != nil {
		return out, err
	}
	files := slices.DeleteFunc(slices.Clone(all.below(under)), func(f result.TreeEntry) bool { return !worth(f) })
	out.Files, out.More = len(files), all.partial
	err = c.blobs(ctx, at.Repository, affordable(files), func(f result.TreeEntry, content []byte) error {
		out.Searched++
		if !code.IsText(content) {
			return nil
		}
		return grep(&out, f.Path, string(content), match)
	})
	if err != nil && !errors.Is(err, errStop) {
		return out, err
	}
	return out, nil
}

func matcher(q code.Query) (*regexp.Regexp, error) {
	text := q.Text
	if strings.TrimSpace(text) == "" || len(text) > 500 {
		return nil, errors.New("search for 1 to 500 bytes")
	}
	if !q.Regexp {
		text = regexp.QuoteMeta(text)
	}
	return regexp.Compile(text)
}

// affordable keeps as many files as the bounds of a search allow.
func affordable(files []result.TreeEntry) []result.TreeEntry {
	var size int64
	for n, f := range files {
		if size += f.Bytes; n >= maxSearched || size > maxSearchedBytes {
			return files[:n]
		}
	}
	return files
}

// worth leaves out what is large, generated, or no text by its name.
func worth(f result.TreeEntry) bool {
	if f.Bytes > maxSearchedFile || f.Mode == directory {
		return false
	}
	for _, dir := range []string{"vendor", "node_modules", "third_party", "dist", ".git"} {
		if strings.HasPrefix(f.Path, dir+"/") || strings.Contains(f.Path, "/"+dir+"/") {
			return false
		}
	}
	switch strings.ToLower(path.Ext(f.Path)) {
	case ".png", ".jpg", ".jpeg", ".gif", ".webp", ".ico", ".svg", ".pdf", ".zip", ".gz", ".jar", ".class", ".o", ".a", ".so", ".exe",
		".woff", ".woff2", ".ttf", ".mp4", ".mp3", ".bin", ".wasm", ".map", ".snap":
		return false
	}
	return true
}

// grep adds the lines that match, until there are enough.
func grep(out *result.CodeSearch, path, content string, match *regexp.Regexp) error {
	number := 0
	for line := range strings.SplitSeq(content, "\n") {
		number++
		if !match.MatchString(line) {
			continue
		}
		if len(out.Matches) >= maxMatches {
			out.More = true
			return errStop
		}
		out.Matches = append(out.Matches, result.CodeMatch{Path: path, Line: number, Text: code.Cut(strings.TrimRight(line, "\r"), maxLine)})
	}
	return nil
}
