package logs

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const (
	positionsFile = "log-positions.json"
	// headSize is how many bytes at a file's start tell it from a later one with the same inode.
	headSize = 256
)

// positions is how far everything was read, as it is kept in the file.
type positions struct {
	Files  map[string]position // :: device:inode → position
	Cursor string              // of the journal
	First  bool                `json:"-"` // there was no file: what exists is old
}

// position is how far one file was read.
type position struct {
	Path   string
	Offset int64
	Head   string // digest of the first HeadLen bytes
	Len    int64  // of the head, at most headSize
}

func (id fileID) String() string { return fmt.Sprintf("%d:%d", id.dev, id.ino) }

func loadPositions(dir string) (positions, error) {
	p := positions{Files: map[string]position{}}
	b, err := os.ReadFile(filepath.Join(dir, positionsFile))
	switch {
	case errors.Is(err, os.ErrNotExist):
		p.First = true
	case err != nil:
		return p, fmt.Errorf("read log positions: %w", err)
	case json.Unmarshal(b, &p) != nil || p.Files == nil:
		p = positions{Files: map[string]position{}, First: true}
	}
	return p, nil
}

func (p positions) save(dir string) error {
	b, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode log positions: %w", err)
	}
	path := filepath.Join(dir, positionsFile)
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		return fmt.Errorf("keep log positions: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("keep log positions: %w", err)
	}
	return nil
}

func (f *tail) position() position {
	n := min(headSize, f.committed)
	return position{Path: f.path, Offset: f.committed, Head: head(f.file, n), Len: n}
}

// matches tells whether the open file is the one the position is of.
func (p position) matches(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Size() >= p.Offset && head(f, p.Len) == p.Head
}

func head(f *os.File, n int64) string {
	b := make([]byte, n)
	if _, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return ""
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}
