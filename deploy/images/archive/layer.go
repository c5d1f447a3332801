package archive

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// Entry is one file or directory of a layer.
type Entry struct {
	Path  string // in the image, absolute
	From  string // file here; "" for text, or a directory
	Text  string
	Dir   bool
	Mode  int64 // of permissions, as in chmod
	Owner int   // user and group
}

// Layer is files, in any order. The same files make the same bytes: no times, owners or order of this machine.
type Layer []Entry

// Add puts in files of this machine, path here → path in the image.
func (l Layer) Add(files map[string]string) (Layer, error) {
	for from, to := range files {
		info, err := os.Stat(from)
		if err != nil {
			return nil, err
		}
		mode := int64(0o644)
		if info.Mode()&0o111 != 0 {
			mode = 0o755
		}
		l = append(l, Entry{Path: to, From: from, Mode: mode})
	}
	return l, nil
}

// complete sorts the layer and adds the directories that files are in.
func (l Layer) complete() Layer {
	byPath := map[string]Entry{}
	for _, e := range l {
		for dir := path.Dir(e.Path); dir != "/"; dir = path.Dir(dir) {
			if _, ok := byPath[dir]; !ok {
				byPath[dir] = Entry{Path: dir, Dir: true, Mode: 0o755}
			}
		}
	}
	for _, e := range l {
		byPath[e.Path] = e
	}
	out := make(Layer, 0, len(byPath))
	for _, p := range slices.Sorted(maps.Keys(byPath)) {
		out = append(out, byPath[p])
	}
	return out
}

// write writes the layer as a tar archive.
func (l Layer) write(w io.Writer) error {
	t := tar.NewWriter(w)
	for _, e := range l {
		if err := e.write(t); err != nil {
			return fmt.Errorf("write %s: %w", e.Path, err)
		}
	}
	return t.Close()
}

func (e Entry) write(t *tar.Writer) error {
	header := &tar.Header{Name: strings.TrimPrefix(e.Path, "/"), Mode: e.Mode, Uid: e.Owner, Gid: e.Owner, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
	if e.Dir {
		header.Name, header.Typeflag = header.Name+"/", tar.TypeDir
		return t.WriteHeader(header)
	}
	header.Typeflag = tar.TypeReg
	if e.From == "" {
		header.Size = int64(len(e.Text))
		if err := t.WriteHeader(header); err != nil {
			return err
		}
		_, err := io.WriteString(t, e.Text)
		return err
	}
	f, err := os.Open(e.From)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	header.Size = info.Size()
	if err := t.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(t, f)
	return err
}

// digest is what an archive calls bytes, with their number.
type digest struct {
	sum  string // hex of SHA-256
	size int64
}

func (l Layer) digest() (digest, error) {
	h := sha256.New()
	n := &counter{to: h}
	err := l.write(n)
	return digest{hex.EncodeToString(h.Sum(nil)), n.n}, err
}

func digestOf(b []byte) digest {
	sum := sha256.Sum256(b)
	return digest{hex.EncodeToString(sum[:]), int64(len(b))}
}

type counter struct {
	to io.Writer
	n  int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.to.Write(b)
	c.n += int64(n)
	return n, err
}
