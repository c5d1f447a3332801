package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/midwatch/midwatch/deploy/shop/plan"
)

// A recording is recordedHealthy of the shop being well, then recordedBroken of it being broken; nobody mends it.
const (
	recordedHealthy = 28 * time.Second
	recordedBroken  = 47 * time.Second
	// recordingSuffix ends the name of a recording, <fault>.otlp.zst.
	recordingSuffix = ".otlp.zst"
)

// Record plays a fault on the real shop and writes the telemetry as the node agent captured it to dir/<fault>.otlp.zst. It is how
// the recordings in this package were made: `midwatch demo record --fault NAME`.
func Record(ctx context.Context, cfg Config, dir string) error {
	fault, err := choose(cfg.Fault)
	if err != nil {
		return err
	}
	s, err := newStage(cfg)
	if err != nil {
		return err
	}
	defer s.end()
	if err := s.StartShop(); err != nil {
		return err
	}
	if err := s.Configure(ctx); err != nil {
		return err
	}
	if err := s.StartMidwatch(ctx); err != nil {
		return err
	}
	if err := s.WaitShop(ctx); err != nil {
		return err
	}
	c, err := s.Client(ctx, "viewer")
	if err != nil {
		return err
	}
	if err := s.WarmUp(ctx, c, plan.Default(), time.Now().Add(time.Second)); err != nil {
		return err
	}
	file := filepath.Join(dir, fault.Name+recordingSuffix)
	if err := os.Remove(file); err != nil && !os.IsNotExist(err) {
		return err
	}
	recorder, err := spawn(s.Data, "record", nil, s.Midwatch, "record", file, "--keep-spans", "2",
		"--for", (recordedHealthy + recordedBroken).String(), "--data", s.Data, "--config", s.Config())
	if err != nil {
		return err
	}
	s.Say.Line("recording %s of the shop being well", recordedHealthy)
	if err := s.Say.waitFor(ctx, "healthy traffic", 2*recordedHealthy, after(recordedHealthy)); err != nil {
		return err
	}
	if err := s.Fault(ctx, fault.Name); err != nil {
		return err
	}
	s.Say.Line("recording %s of it being broken", recordedBroken)
	err = s.Say.waitFor(ctx, "the recording", 2*recordedBroken, func() (bool, error) {
		select {
		case <-recorder.done:
			return true, fatal(recorder.err)
		default:
			return false, nil
		}
	})
	if err != nil {
		return err
	}
	if err := tidy(file); err != nil {
		return err
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	s.Say.Line("%s: %d KB", file, info.Size()/1000)
	if info.Size() > 1e6 {
		return fmt.Errorf("%s is over 1 MB", file)
	}
	return nil
}

// after is done once the given time has passed.
func after(d time.Duration) func() (bool, error) {
	until := time.Now().Add(d)
	return func() (bool, error) { return time.Now().After(until), nil }
}
