// Package release makes the shop's executables. All are copies of one program with a stamp at the end that says what
// this copy is; so every version is a file of its own with a digest of its own, and needs no compiler.
package release

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/midwatch/midwatch/deploy/shop/home"
	"github.com/midwatch/midwatch/deploy/shop/plan"
)

// magic ends a stamped executable; before it come the stamp and the stamp's length, 8 bytes, big endian.
var magic = []byte("shop release 01\n")

// Errors of this package.
var (
	ErrUnstamped  = errors.New("executable carries no release stamp")
	ErrNoPrevious = errors.New("no version before this one")
)

// Stamp says what an executable is.
type Stamp struct {
	Role      plan.Role `json:"role"`
	Name      string    `json:"name"`
	Version   string    `json:"version"`
	FailEvery int       `json:"fail_every,omitempty"` // the defect of some versions: each n-th request fails
}

// Write copies the program at source to target and stamps it. source must not be stamped itself.
func Write(source, target string, stamp Stamp) error {
	body, err := json.Marshal(stamp)
	if err != nil {
		return fmt.Errorf("stamp %s: %w", target, err)
	}
	in, err := os.Open(source)
	if err != nil {
		return fmt.Errorf("stamp %s: %w", target, err)
	}
	defer in.Close() //nolint:errcheck // read only
	out, err := os.OpenFile(target, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return fmt.Errorf("stamp %s: %w", target, err)
	}
	trailer := append(binary.BigEndian.AppendUint64(body, uint64(len(body))), magic...)
	_, err = io.Copy(out, io.MultiReader(in, bytes.NewReader(trailer)))
	if err := errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("stamp %s: %w", target, err)
	}
	return nil
}

// Read gives the stamp of the executable at path, or ErrUnstamped.
func Read(path string) (Stamp, error) {
	f, err := os.Open(path)
	if err != nil {
		return Stamp{}, err
	}
	defer f.Close() //nolint:errcheck // read only
	info, err := f.Stat()
	if err != nil {
		return Stamp{}, err
	}
	end := info.Size() - int64(8+len(magic))
	tail := make([]byte, 8+len(magic))
	if end < 0 {
		return Stamp{}, ErrUnstamped
	}
	if _, err := f.ReadAt(tail, end); err != nil || !bytes.Equal(tail[8:], magic) {
		return Stamp{}, ErrUnstamped
	}
	n := int64(binary.BigEndian.Uint64(tail))
	if n < 0 || n > 4096 || n > end {
		return Stamp{}, ErrUnstamped
	}
	body := make([]byte, n)
	if _, err := f.ReadAt(body, end-n); err != nil {
		return Stamp{}, err
	}
	var s Stamp
	return s, json.Unmarshal(body, &s)
}

// Deploy makes stamp's version the current one of its program; the version it takes over from becomes the previous one.
// Nothing is restarted.
func Deploy(dir home.Dir, source string, stamp Stamp) error {
	base := dir.Service(stamp.Name)
	target := filepath.Join(base, "versions", stamp.Version)
	if err := os.MkdirAll(target, 0o755); err != nil {
		return fmt.Errorf("deploy %s %s: %w", stamp.Name, stamp.Version, err)
	}
	tmp := filepath.Join(target, stamp.Name+".new")
	if err := Write(source, tmp, stamp); err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(target, stamp.Name)); err != nil { // a running file cannot be written to
		return fmt.Errorf("deploy %s %s: %w", stamp.Name, stamp.Version, err)
	}
	return point(base, stamp.Version)
}

// Rollback exchanges the current and the previous version of the program called name. It returns the version that is
// current now, or ErrNoPrevious.
func Rollback(dir home.Dir, name string) (string, error) {
	base := dir.Service(name)
	previous, err := os.Readlink(filepath.Join(base, "previous"))
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("roll back %s: %w", name, ErrNoPrevious)
	}
	if err != nil {
		return "", fmt.Errorf("roll back %s: %w", name, err)
	}
	version := filepath.Base(previous)
	return version, point(base, version)
}

// Current is the version that the program called name starts as.
func Current(dir home.Dir, name string) (string, error) {
	target, err := os.Readlink(filepath.Join(dir.Service(name), "current"))
	return filepath.Base(target), err
}

// point turns the link "current" to version, and "previous" to what current was.
func point(base, version string) error {
	current := filepath.Join(base, "current")
	target := filepath.Join("versions", version)
	if was, err := os.Readlink(current); err == nil && was != target {
		if err := link(was, filepath.Join(base, "previous")); err != nil {
			return err
		}
	}
	return link(target, current)
}

func link(target, name string) error {
	tmp := name + ".new"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Symlink(target, tmp); err != nil {
		return err
	}
	return os.Rename(tmp, name)
}
