// Package kept keeps what a part of the node agent knows in a file, but not before JetStream has what was told because of it. Whoever
// is killed in between knows less when it is back, and tells it again.
package kept

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// lastWait bounds how long a part that is asked to stop waits for JetStream. It stays well below what its supervisor gives it.
const lastWait = 3 * time.Second

// lastPoll is how often it looks meanwhile.
const lastPoll = 20 * time.Millisecond

// Queue is where telemetry waits for JetStream. Its methods are safe for concurrent use.
type Queue interface {
	// Queued counts the messages ever queued, Settled those of them, from the first on, that JetStream has, or that were given up and counted.
	Queued() uint64
	Settled() uint64
}

// File is a file of JSON. Its methods are called by one goroutine.
type File struct {
	path  string
	queue Queue
	waits []byte // what is to be written; nil: nothing
	after uint64 // once so many messages are settled
}

// New returns the file of that name in dir, which it makes if it is missing.
func New(dir, name string, queue Queue) (*File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make a place for %s: %w", name, err)
	}
	return &File{path: filepath.Join(dir, name), queue: queue}, nil
}

// Load reads into v. It returns false when there is no file, or a damaged one, which is worth less than a node agent that runs.
func (f *File) Load(v any) (bool, error) {
	b, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err // names the file
	}
	return json.Unmarshal(b, v) == nil, nil
}

// Write writes v at once. It is for what nothing was told because of.
func (f *File) Write(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", f.path, err)
	}
	return f.write(b)
}

// Keep writes v as it is now once everything that is queued by now is settled. It returns false, and does nothing, while an earlier v
// waits for that.
func (f *File) Keep(v any) (bool, error) {
	if err := f.Settle(); err != nil || f.waits != nil {
		return false, err
	}
	return true, f.hold(v)
}

// Settle writes what waits if its time has come.
func (f *File) Settle() error {
	if f.waits == nil || f.queue.Settled() < f.after {
		return nil
	}
	b := f.waits
	f.waits = nil
	return f.write(b)
}

// Last does for the last v what Keep does, and waits until it is written, at most a few seconds or until ctx ends. An error means that the
// file is as it was before.
func (f *File) Last(ctx context.Context, v any) error {
	if err := f.Settle(); err != nil {
		return err
	}
	if err := f.hold(v); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, lastWait)
	defer cancel()
	for f.waits != nil {
		select {
		case <-time.After(lastPoll):
		case <-ctx.Done():
			return fmt.Errorf("wait for JetStream: %w", ctx.Err())
		}
		if err := f.Settle(); err != nil {
			return err
		}
	}
	return nil
}

// hold makes v what waits.
func (f *File) hold(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", f.path, err)
	}
	f.waits, f.after = b, f.queue.Queued()
	return f.Settle()
}

// write replaces the file at once: a crash leaves the old or the new one.
func (f *File) write(b []byte) error {
	if err := os.WriteFile(f.path+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(f.path+".new", f.path)
}
