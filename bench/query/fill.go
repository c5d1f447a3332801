package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/midwatch/midwatch/bench/load"
	"github.com/midwatch/midwatch/bench/rig"
)

// sides are both stores, filled.
type sides struct {
	load         load.Load
	ours, theirs *rig.Side
	pieces       []string // of ids that logs have, one for each time a question is asked
}

func (s sides) close() error {
	var err error
	for _, side := range []*rig.Side{s.ours, s.theirs} {
		if side != nil {
			err = errors.Join(err, side.Close())
		}
	}
	return err
}

// open opens the stores of a directory; one without data is filled first.
func open(ctx context.Context, o options, dir string) (s sides, err error) {
	s.load, err = load.Read(dir)
	if errors.Is(err, os.ErrNotExist) {
		s.load, err = o.load, fill(ctx, o, dir)
	}
	if err != nil {
		return s, err
	}
	if s.theirs, err = rig.CollectorStore(ctx, o.programs, filepath.Join(dir, "collector")); err != nil {
		return s, err
	}
	s.ours, err = rig.Store(ctx, o.programs, "midwatch", filepath.Join(dir, "midwatch"))
	return s, err
}

const inFlight = 64

// fill stores the load on both sides, one after the other.
func fill(ctx context.Context, o options, dir string) error {
	theirs, err := rig.Collector(ctx, o.programs, filepath.Join(dir, "collector"))
	if err := fillSide(ctx, o, theirs, err); err != nil {
		return err
	}
	ours, err := rig.Midwatch(ctx, o.programs, "midwatch", filepath.Join(dir, "midwatch"))
	if err := fillSide(ctx, o, ours, err); err != nil {
		return err
	}
	return o.load.Write(dir)
}

func fillSide(ctx context.Context, o options, s *rig.Side, err error) error {
	if err != nil {
		return err
	}
	for _, signal := range []load.Signal{load.Logs, load.Spans} {
		if _, err := s.Fill(ctx, o.load, signal, 0, o.load.Requests(signal), inFlight); err != nil {
			return errors.Join(err, s.Close())
		}
	}
	return errors.Join(s.Merged(ctx), s.Close())
}
