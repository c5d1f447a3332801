package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// maxDigests bounds the cache; past it the cache starts over.
	maxDigests = 8192
	// maxWaiting bounds the queue of files to hash. One that does not fit is asked for again by the next refresh.
	maxWaiting = 1024
	// hashChunk and hashPause bound the rate to about 250 MB/s of one core: a start on a busy machine is not a burst.
	hashChunk = 1 << 20
	hashPause = 2 * time.Millisecond
	// maxHashed bounds a file in bytes. Anyone may run an interpreter on a file without end, and the others wait behind it.
	maxHashed = 2 << 30
)

// fileID changes whenever the content may have: writing changes size or times, replacing changes the inode.
type fileID struct {
	dev, ino     uint64
	size         int64
	mtime, ctime unix.Timespec
}

// program is what is known of a file.
type program struct {
	sum   string
	build Build
}

// digests computes the SHA-256 of executables, and reads what they were built from, in the background, each file once.
type digests struct {
	young chan digestRequest // of processes that just started: somebody waits for these
	queue chan digestRequest // the others

	mu      sync.Mutex
	known   map[fileID]program
	pending map[digestKey]bool
}

// digestKey is one program of one process: a PID runs another one after an exec.
type digestKey struct {
	of   ID
	link string
}

type digestRequest struct {
	digestKey
	path string
}

func newDigests() *digests {
	return &digests{young: make(chan digestRequest, maxWaiting), queue: make(chan digestRequest, maxWaiting), known: map[fileID]program{}, pending: map[digestKey]bool{}}
}

// digest fills p.Digest when the file is known and asks for it otherwise. The caller holds t.mu and p is not handed out yet.
func (t *Table) digest(p *Process) {
	file := t.path(p.PID, "exe")
	if p.Script != "" {
		file = t.Path(p, p.Script)
	}
	id, err := identify(file)
	if err != nil {
		return
	}
	d := t.hashes
	d.mu.Lock()
	defer d.mu.Unlock()
	if known, ok := d.known[id]; ok {
		p.Digest, p.Build = known.sum, known.build
		return
	}
	key := digestKey{p.ID(), p.link}
	if d.pending[key] {
		return
	}
	queue := d.queue
	if time.Since(p.Started) < settling {
		queue = d.young
	}
	select {
	case queue <- digestRequest{key, file}:
		d.pending[key] = true
	default:
	}
}

// Hash computes the digests that are asked for until ctx ends. Nothing has a Digest before it runs.
func (t *Table) Hash(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case r := <-t.hashes.young:
			t.hash(ctx, r)
			continue
		default:
		}
		select {
		case <-ctx.Done():
			return nil
		case r := <-t.hashes.young:
			t.hash(ctx, r)
		case r := <-t.hashes.queue:
			t.hash(ctx, r)
		}
	}
}

func (t *Table) hash(ctx context.Context, r digestRequest) {
	known, err := t.hashes.sum(ctx, r)
	if err != nil {
		t.cfg.Log.Debug("hash an executable", "pid", r.of.PID, "error", err)
		return
	}
	t.setDigest(r.digestKey, known)
}

func (t *Table) setDigest(key digestKey, known program) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.procs[key.of.PID]; p != nil && p.ID() == key.of && p.link == key.link {
		changed := *p
		changed.Digest, changed.Build = known.sum, known.build
		t.procs[key.of.PID] = &changed
	}
}

func (d *digests) sum(ctx context.Context, r digestRequest) (program, error) {
	defer func() {
		d.mu.Lock()
		delete(d.pending, r.digestKey)
		d.mu.Unlock()
	}()
	f, err := os.OpenFile(r.path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return program{}, err
	}
	defer f.Close() //nolint:errcheck // only read
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return program{}, fmt.Errorf("stat %s: %w", r.path, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size > maxHashed {
		return program{}, fmt.Errorf("%s is no program: not a regular file, or larger than %d bytes", r.path, maxHashed)
	}
	id := idOf(&st)
	d.mu.Lock()
	found, ok := d.known[id]
	d.mu.Unlock()
	if ok {
		return found, nil
	}
	h := sha256.New()
	in := io.LimitReader(f, st.Size)
	for {
		_, err := io.CopyN(h, in, hashChunk)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return program{}, fmt.Errorf("read %s: %w", r.path, err)
		}
		if ctx.Err() != nil {
			return program{}, ctx.Err()
		}
		time.Sleep(hashPause)
	}
	found = program{sum: hex.EncodeToString(h.Sum(nil)), build: buildOf(f)}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.known) >= maxDigests {
		clear(d.known)
	}
	d.known[id] = found
	return found, nil
}

func identify(path string) (fileID, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return fileID{}, err
	}
	return idOf(&st), nil
}

func idOf(st *unix.Stat_t) fileID {
	return fileID{dev: uint64(st.Dev), ino: st.Ino, size: st.Size, mtime: st.Mtim, ctime: st.Ctim} //nolint:unconvert // Dev is 32 bits on some architectures
}
