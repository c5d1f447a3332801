package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// prefix of our groups' names.
const prefix = "midwatch-step-"

// claim makes a group's directory and locks it. The kernel lets go of the lock when the owner dies, however it dies and in whatever
// container it lived: that is how a group without an owner is known.
func claim(dir string) (*os.File, error) {
	const tries = 10 // a sweep may take the new group before it is locked; sweeps are rare
	var errs []error
	for range tries {
		made, err := os.MkdirTemp(dir, prefix)
		if err != nil {
			return nil, err
		}
		group, err := lock(made)
		if err == nil {
			return group, nil
		}
		if err := os.Remove(made); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// sweep removes the groups whose owner was killed before it could close them.
func (p *Parent) sweep() error {
	var errs []error
	for _, dir := range p.dirs {
		names, err := filepath.Glob(filepath.Join(dir, prefix+"*"))
		errs = append(errs, err)
		for _, name := range names {
			if group, err := lock(name); err == nil { // else it has an owner, or is gone
				errs = append(errs, remove(group))
			}
		}
	}
	return errors.Join(errs...)
}

// lock opens a directory and locks it until it is closed. It returns an error if somebody else has the lock.
func lock(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		_, err = os.Stat(dir) // it may have been removed since it was opened
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return f, nil
}
