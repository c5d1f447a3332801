package logs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/midwatch/midwatch/collector/host"
)

// rotated are names that rotation gives. Such a file is finished, unless it was followed under its first name.
var rotated = regexp.MustCompile(`(\.\d{1,3}|[-.]\d{8}(-\d+)?|\.(gz|xz|zst|bz2))$`)

// scan looks for files to follow and for whom each belongs to.
func (t *Tailer) scan(now time.Time) {
	var paths []string
	found, before := map[fileID]bool{}, len(t.tails)
	for _, p := range t.cfg.Paths {
		matches, _ := filepath.Glob(p.Glob) // the pattern was checked by New
		for _, path := range matches {
			id, err := identify(path)
			if err != nil || found[id] {
				continue
			}
			if t.follow(id, path, p.Service) {
				found[id] = true
				paths = append(paths, path)
			}
		}
	}
	t.resumeRotated(now)
	t.saved.First = false
	t.cfg.Sockets.Watch(paths)
	if len(t.tails) > before { // whose they are must be known before their first lines
		t.cfg.Sockets.Refresh(now)
	}
	for id, f := range t.tails {
		if !found[id] && f.gone.IsZero() {
			f.gone = now
		}
		t.attribute(f)
	}
}

// follow opens a file unless it is followed already. It returns false for one that is left alone.
func (t *Tailer) follow(id fileID, path, service string) bool {
	if f := t.tails[id]; f != nil {
		f.path, f.gone = path, time.Time{} // it may have got its name back: read on, not again
		return true
	}
	saved, known := t.saved.Files[id.String()]
	if !known && rotated.MatchString(path) {
		return false
	}
	if len(t.tails) >= maxFiles {
		t.dropped.files.Add(1)
		return false
	}
	f, err := openTail(path, 0)
	if err != nil {
		return false
	}
	switch {
	case known && saved.matches(f.file):
		f.start(saved.Offset)
	case t.saved.First: // nobody asked for the past
		if st, err := f.file.Stat(); err == nil {
			f.start(st.Size())
		}
	}
	delete(t.saved.Files, id.String())
	f.service = service
	if f.service == "" {
		f.service = baseName(path)
	}
	t.tails[id] = f
	return true
}

func (f *tail) start(offset int64) {
	f.offset, f.batched, f.committed = offset, offset, offset
}

// resumeRotated finds files that were rotated away while nobody followed them, and reads their rest.
func (t *Tailer) resumeRotated(now time.Time) {
	for key, saved := range t.saved.Files {
		delete(t.saved.Files, key)
		siblings, _ := filepath.Glob(escape(saved.Path) + "*")
		for _, path := range siblings {
			id, err := identify(path)
			if err != nil || id.String() != key || t.tails[id] != nil {
				continue
			}
			f, err := openTail(path, 0)
			if err != nil {
				continue
			}
			if !saved.matches(f.file) {
				_ = f.file.Close()
				continue
			}
			f.start(saved.Offset)
			f.service, f.gone = baseName(saved.Path), now
			t.tails[id] = f
		}
	}
}

// attribute finds the process that writes a file. A supervisor that writes for its children is told from them by the file's name.
func (t *Tailer) attribute(f *tail) {
	base := baseName(f.path)
	var writer *host.Process
	for _, w := range t.cfg.Sockets.Writers(f.path) {
		if w.Service == base {
			f.process = w
			return
		}
		if writer == nil || w.StartTicks > writer.StartTicks {
			writer = w
		}
	}
	if writer == nil {
		if f.process != nil && !f.process.Gone.IsZero() {
			f.process = nil
		}
		return
	}
	f.process = writer
	for _, p := range t.cfg.Table.Live() {
		if p.Leads && p.Service == base && p.PPID == writer.PID {
			f.process = p
			return
		}
	}
}

// baseName is a file's name without its suffixes: what a service's log is usually called after.
func baseName(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ".")
	if name == "" {
		return filepath.Base(path)
	}
	return name
}

func identify(path string) (fileID, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return fileID{}, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return fileID{}, os.ErrInvalid
	}
	return fileID{uint64(st.Dev), st.Ino}, nil //nolint:unconvert // Dev is 32 bits on some architectures
}

// escape makes a path a pattern that matches only itself.
func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
