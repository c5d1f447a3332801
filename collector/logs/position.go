package logs

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/midwatch/midwatch/collector/kept"
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

func loadPositions(f *kept.File) (positions, error) {
	p := positions{}
	found, err := f.Load(&p)
	if err != nil {
		return p, fmt.Errorf("read log positions: %w", err)
	}
	if !found || p.Files == nil {
		p = positions{Files: map[string]position{}, First: true}
	}
	return p, nil
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
