package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

const (
	ballastSize  = 8 << 20
	ballastNeed  = 2 << 20         // bytes: with less, not even a partition can be dropped
	ballastSpare = 8 * ballastSize // bytes: with more, there is room for the ballast
	ballastEvery = time.Second
)

// ballast is a file that takes up room until somebody else has filled the disk. It gives way then, because dropping a
// partition takes a megabyte before it frees anything. Inserts do not get that room: see engineConfig.
type ballast struct {
	path string
	log  *slog.Logger
}

func newBallast(dir string, log *slog.Logger) ballast {
	return ballast{path: filepath.Join(dir, "midwatch.ballast"), log: log}
}

// run keeps the file as the disk allows, until ctx ends.
func (b ballast) run(ctx context.Context) {
	tick := time.NewTicker(ballastEvery)
	defer tick.Stop()
	for {
		if err := b.adjust(); err != nil {
			b.log.Warn("keep some room on the disk for dropping what is old", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (b ballast) adjust() error {
	var disk unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(b.path), &disk); err != nil {
		return fmt.Errorf("ask for the free space of %s: %w", filepath.Dir(b.path), err)
	}
	free := disk.Bavail * uint64(disk.Bsize) //nolint:gosec // a block has a size
	_, err := os.Stat(b.path)
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case free < ballastNeed && !missing:
		b.log.Warn("the disk is full: giving up the room kept for dropping what is old", "bytes", ballastSize)
		return os.Remove(b.path)
	case free > ballastSpare && missing:
		return b.take()
	}
	return nil
}

// take makes the file, whole or not at all.
func (b ballast) take() error {
	f, err := os.OpenFile(b.path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = unix.Fallocate(int(f.Fd()), 0, 0, ballastSize)
	if errors.Is(err, unix.EOPNOTSUPP) {
		_, err = f.Write(make([]byte, ballastSize))
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(b.path))
	}
	return nil
}
