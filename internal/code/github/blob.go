package github

import (
	"context"
	"crypto/sha1" // git's name of content, not a secret's
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const (
	maxFile = 1 << 20 // bytes of a file that is read
	// batch is how many files one GraphQL query reads, batchBytes how much they may be together.
	batch      = 40
	batchBytes = 4 << 20
)

// File implements code.Host.
func (c *Client) File(ctx context.Context, at code.At, path string) (code.File, error) {
	clean, err := code.CleanPath(path)
	if err != nil {
		return code.File{}, fmt.Errorf("%w: %w", code.ErrNotFound, err)
	}
	all, err := c.listing(ctx, at, clean)
	if err != nil {
		return code.File{}, err
	}
	f, ok := all.file(clean)
	if !ok {
		return code.File{}, fmt.Errorf("%w: %s has no file %q at %s", code.ErrNotFound, at.Repository, clean, at.Commit)
	}
	content, err := c.blob(ctx, at.Repository, f)
	if err != nil {
		return code.File{}, err
	}
	mode := f.Mode
	if mode == "" {
		mode = plainFile
	}
	return code.File{Blob: f.Blob, Mode: mode, Content: content}, nil
}

// blob returns a file's content.
func (c *Client) blob(ctx context.Context, repo code.Repository, f result.TreeEntry) ([]byte, error) {
	if f.Bytes > maxFile {
		return nil, fmt.Errorf("read %s: %w: %d bytes, at most %d are read", f.Path, code.ErrTooLarge, f.Bytes, maxFile)
	}
	if b, ok := c.cache.get("blob " + f.Blob); ok {
		return b.([]byte), nil
	}
	g, err := c.session(repo)
	if err != nil {
		return nil, err
	}
	var content []byte
	err = c.polite(ctx, fmt.Sprintf("read %s of %s", f.Path, repo), func() (err error) {
		content, _, err = g.Git.GetBlobRaw(ctx, repo.Owner(), repo.Name(), f.Blob)
		return err
	})
	if err != nil {
		return nil, err
	}
	return content, c.keep(f, content)
}

// keep caches content that is what its name says, and refuses any other.
func (c *Client) keep(f result.TreeEntry, content []byte) error {
	if BlobSHA(content) != f.Blob {
		return fmt.Errorf("read %s: %w: the content is not that of the commit", f.Path, code.ErrUnsafe)
	}
	c.cache.put("blob "+f.Blob, content, len(content)+64)
	return nil
}

// BlobSHA is git's name of a file's content.
func BlobSHA(content []byte) string {
	h := sha1.New()
	fmt.Fprintf(h, "blob %d\x00", len(content))
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}

// blobs reads several small files at once and calls each with those it got; what is no text is left out. One by one would be a
// request per file, of which GitHub allows few.
func (c *Client) blobs(ctx context.Context, repo code.Repository, files []result.TreeEntry, each func(result.TreeEntry, []byte) error) error {
	for len(files) > 0 {
		n, size := 0, int64(0)
		for n < len(files) && n < batch && (n == 0 || size+files[n].Bytes <= batchBytes) {
			size += files[n].Bytes
			n++
		}
		if err := c.prefetch(ctx, repo, files[:n]); err != nil {
			return err
		}
		for _, f := range files[:n] {
			content, err := c.blob(ctx, repo, f)
			if err != nil {
				return err
			}
			if err := each(f, content); err != nil {
				return err
			}
		}
		files = files[n:]
	}
	return nil
}

// errStop ends blobs early, without being an error of its caller.
var errStop = errors.New("enough")

// prefetch fills the cache by one GraphQL query. What it does not bring, or brings changed, is read singly.
func (c *Client) prefetch(ctx context.Context, repo code.Repository, files []result.TreeEntry) error {
	var missing []result.TreeEntry
	for _, f := range files {
		if _, ok := c.cache.get("blob " + f.Blob); !ok {
			missing = append(missing, f)
		}
	}
	if len(missing) < 2 {
		return nil
	}
	texts, err := c.texts(ctx, repo, missing)
	if errors.Is(err, errNoGraphQL) {
		return nil
	}
	if err != nil {
		return err
	}
	for i, f := range missing {
		if t := texts[i]; t != nil {
			_ = c.keep(f, []byte(*t)) // text that is not the file's bytes (an encoding) is not kept
		}
	}
	return nil
}
