package change

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/midwatch/midwatch/collector/host"
	"github.com/midwatch/midwatch/collector/secret"
)

const (
	// maxFile bounds a configuration file in bytes; what is larger is data.
	maxFile = 1 << 20
	// maxKept bounds the text that is kept to make a diff from.
	maxKept = maxCompared
	// A file that changes maxChanges times within changeWindow is written by a program, not configured by a person.
	maxChanges   = 4
	changeWindow = time.Minute
	// staleChange is how old the file's own time may be to be believed as the time of the change.
	staleChange = 10 * time.Minute
)

// errNotConfiguration means the content is none: too large, or binary.
var errNotConfiguration = errors.New("not a configuration file")

// errNotTheirs means the process itself may not read the file it names.
var errNotTheirs = errors.New("not readable by the process that names it")

// adopt starts to follow the files that p names, and returns what changed in those that are known.
func (t *Tracker) adopt(svc *service, p *host.Process, now time.Time) []Change {
	root := t.root(p)
	reader, ok := t.cfg.Table.User(p)
	if !ok {
		return nil
	}
	var out []Change
	for _, path := range t.names(p) {
		if path == p.Exe || path == p.Script {
			continue
		}
		f := svc.Files[path]
		if f == nil {
			if len(svc.Files) >= maxFiles {
				continue
			}
			f = &file{root: root, reader: reader}
			if f.read(path) != nil {
				continue
			}
			svc.Files[path], t.dirty = f, true
		}
		f.root, f.process, f.reader = root, p, reader
		out = append(out, t.poll(path, f, now, true)...)
	}
	return out
}

// pollFiles looks at every followed file that a live process names. While none does, its next process may write it before it is known
// to run: adopt looks at the file then.
func (t *Tracker) pollFiles(now time.Time) []Change {
	var out []Change
	for _, svc := range t.state.Services {
		for path, f := range svc.Files {
			if f.process == nil || f.ignored {
				continue
			}
			if !t.cfg.Table.Alive(f.process.ID()) && !t.inherit(svc, path, f) {
				continue
			}
			out = append(out, t.poll(path, f, now, false)...)
		}
	}
	return out
}

// inherit makes another live process of the service that names the file the one that it is followed for.
func (t *Tracker) inherit(svc *service, path string, f *file) bool {
	for _, pl := range svc.Places {
		p := t.cfg.Table.Get(pl.Process.PID)
		if !pl.Left.IsZero() || p == nil || p.ID() != pl.Process || !slices.Contains(t.names(p), path) {
			continue
		}
		if reader, ok := t.cfg.Table.User(p); ok {
			f.root, f.process, f.reader = t.root(p), p, reader
			return true
		}
	}
	return false
}

// root returns what a path of the process begins with here: "" where it has the same root directory.
func (t *Tracker) root(p *host.Process) string {
	root := t.cfg.Table.Path(p, "")
	if to, err := os.Readlink(root); err == nil && to == "/" {
		return ""
	}
	return root
}

// names returns the files that a process names, as it started and as it shows itself now.
func (t *Tracker) names(p *host.Process) []string {
	return slices.Concat(named(p.Args, p.Dir), named(t.cfg.Table.Args(p), p.Dir))
}

// poll returns the change of one file, once its stamp has been the same twice: until then it may be half written.
func (t *Tracker) poll(path string, f *file, now time.Time, settled bool) []Change {
	s, err := stampOf(f.root + path)
	if err != nil || s == f.Stamp {
		return nil
	}
	if s != f.unsettled && !settled {
		f.unsettled = s
		return nil
	}
	before := *f
	if f.read(path) != nil || f.Digest == before.Digest {
		f.Stamp, t.dirty = s, true
		return nil
	}
	t.dirty = true
	if f.writtenAtStart() {
		return nil
	}
	if t.cfg.Table.Writes(f.process, path) {
		f.ignored = true
		return nil
	}
	f.changes = append(slices.DeleteFunc(f.changes, func(at time.Time) bool { return now.Sub(at) > changeWindow }), now)
	if len(f.changes) >= maxChanges {
		f.ignored = true
		t.cfg.Log.Info("a file changes too often to be configuration and is not followed any more", "file", path)
		return nil
	}
	c := Change{Process: f.process, Kind: Configuration, File: path, Before: short(before.Digest), After: short(f.Digest), At: changedAt(f.Stamp, now), mark: fmt.Sprint(f.Stamp)}
	switch {
	case before.Kept && f.Kept:
		c.Detail = diff(before.Text, f.Text)
	default:
		c.Detail = "its content is not kept"
	}
	return []Change{c}
}

// ownWriting is how long after its start a process writes the files it is told to write: addresses, process ids.
const ownWriting = 2 * time.Second

// startBlur is by how much a process may have started later than is known: the kernel tells it in ticks of 10 ms, rounded down. A file that
// was replaced just before a restart must not seem to be written after it.
const startBlur = 15 * time.Millisecond

// writtenAtStart tells that the process itself wrote the file, as far as that can be told.
func (f *file) writtenAtStart() bool {
	since := time.Unix(0, f.Stamp.Modified).Sub(f.process.Started)
	return since >= startBlur && since <= ownWriting
}

// changedAt believes the file about when it changed, unless that is absurd.
func changedAt(s stamp, now time.Time) time.Time {
	at := time.Unix(0, max(s.Modified, s.Changed))
	if at.After(now) || now.Sub(at) > staleChange {
		return now
	}
	return at
}

// read fills digest, text and stamp from the file.
func (f *file) read(path string) error {
	r, err := openIn(f.root, path)
	if err != nil {
		return err
	}
	defer r.Close() //nolint:errcheck // only read
	var st unix.Stat_t
	if err := unix.Fstat(int(r.Fd()), &st); err != nil { //nolint:gosec // descriptors are small
		return err
	}
	if !mayRead(f.reader, &st) {
		return errNotTheirs
	}
	s, err := stampFrom(&st)
	if err != nil {
		return err
	}
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return err
	}
	if len(b) > maxFile || bytes.IndexByte(b, 0) >= 0 || !utf8.Valid(b) {
		return errNotConfiguration
	}
	sum := sha256.Sum256(b)
	f.Digest, f.Stamp, f.Text, f.Kept = hex.EncodeToString(sum[:]), s, "", false
	if len(b) <= maxKept && !secret.Named(filepath.Base(path)) {
		f.Text, f.Kept = secret.Text(string(b)), true
	}
	return nil
}

// openIn opens a path below the root directory of a container as the container sees it: a link in it cannot lead out.
func openIn(root, path string) (*os.File, error) {
	if root == "" {
		return os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	}
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(dir) //nolint:errcheck // nothing was written
	fd, err := unix.Openat2(dir, path, &unix.OpenHow{Flags: unix.O_RDONLY | unix.O_NONBLOCK | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT})
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil //nolint:gosec // a descriptor
}

// mayRead tells whether the process could have opened the file itself. The node agent can open everything, and whoever starts a
// process may name any file in its arguments.
func mayRead(u host.User, st *unix.Stat_t) bool {
	switch {
	case u.UID == 0:
		return true
	case st.Uid == u.UID:
		return st.Mode&unix.S_IRUSR != 0
	case st.Gid == u.GID:
		return st.Mode&unix.S_IRGRP != 0
	}
	return st.Mode&unix.S_IROTH != 0
}

func stampOf(path string) (stamp, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return stamp{}, err
	}
	return stampFrom(&st)
}

func stampFrom(st *unix.Stat_t) (stamp, error) {
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size > maxFile {
		return stamp{}, errNotConfiguration
	}
	return stamp{Inode: int64(st.Ino), Size: st.Size, Modified: st.Mtim.Nano(), Changed: st.Ctim.Nano()}, nil //nolint:gosec // only compared
}

// written are suffixes of files that programs write for themselves.
var written = []string{".log", ".pid", ".sock", ".lock", ".out", ".err", ".db", ".rdb", ".aof"}

// named returns the paths of regular files among a process's arguments: a whole argument, or what follows "=".
func named(args []string, dir string) []string {
	var out []string
	for _, a := range args[min(1, len(args)):] {
		if _, value, ok := strings.Cut(a, "="); ok && strings.HasPrefix(a, "-") {
			a = value
		}
		if a == "" || strings.HasPrefix(a, "-") || len(a) > 4096 || slices.Contains(written, filepath.Ext(a)) {
			continue
		}
		if !filepath.IsAbs(a) {
			if dir == "" {
				continue
			}
			a = filepath.Join(dir, a)
		}
		a = filepath.Clean(a)
		if strings.HasPrefix(a, "/proc/") || strings.HasPrefix(a, "/sys/") || strings.HasPrefix(a, "/dev/") || slices.Contains(out, a) {
			continue
		}
		out = append(out, a)
	}
	return out
}
