package main

import (
	"context"
	"fmt"
	"time"

	"github.com/midwatch/midwatch/bench/load"
	"github.com/midwatch/midwatch/bench/rig"
)

// taken is what a side took to store a signal.
type taken struct {
	rows             int
	wall             time.Duration
	receiver         rig.Usage
	stored, merged   time.Duration // CPU of the store until all rows were there, and until nothing was merged any more
	store            rig.Usage
	disk, rollups    rig.Disk
	told, failed     int64
	slowest          time.Duration
	tablesAlone      []rig.Disk // of each table of disk
	tables           []string
	rejected, excess int64
}

func (t taken) perCPUSecond() float64 { return float64(t.rows) / t.receiver.CPU.Seconds() }
func (t taken) bytesPerRow() float64  { return float64(t.disk.Bytes) / float64(t.rows) }

// measure sends a signal's load to a side and waits until it is stored and merged.
func measure(ctx context.Context, s *rig.Side, o options, signal load.Signal) (t taken, err error) {
	t.rows = o.load.Total(signal)
	for _, p := range []*rig.Process{s.Receiver, s.Store} {
		if err := p.ForgetPeak(); err != nil {
			return t, err
		}
	}
	receiver, store, err := usages(s)
	if err != nil {
		return t, err
	}
	began := time.Now()
	sent, err := s.Fill(ctx, o.load, signal, o.inFlight)
	if err != nil {
		return t, err
	}
	t.wall = time.Since(began)
	receiverNow, storeNow, err := usages(s)
	if err != nil {
		return t, err
	}
	t.receiver = rig.Usage{CPU: receiverNow.CPU - receiver.CPU, Peak: receiverNow.Peak}
	t.stored = storeNow.CPU - store.CPU
	if err := s.Merged(ctx); err != nil {
		return t, err
	}
	if _, storeNow, err = usages(s); err != nil {
		return t, err
	}
	t.merged, t.store = storeNow.CPU-store.CPU, storeNow
	t.told, t.failed, t.slowest, t.rejected = sent.Told.Load(), sent.Failed.Load(), sent.Slowest(), sent.Rejected.Load()
	return t, t.measureDisk(ctx, s, signal)
}

func (t *taken) measureDisk(ctx context.Context, s *rig.Side, signal load.Signal) (err error) {
	if t.disk, err = s.Disk(ctx, s.Tables[signal]...); err != nil {
		return err
	}
	stored, err := s.Count(ctx, signal)
	if err != nil {
		return err
	}
	t.excess = int64(stored) + t.rejected - int64(t.rows) //nolint:gosec // few
	for _, table := range s.Tables[signal] {
		d, err := s.Disk(ctx, table)
		if err != nil {
			return err
		}
		t.tablesAlone, t.tables = append(t.tablesAlone, d), append(t.tables, table)
	}
	if signal == load.Spans && len(s.Rollups) > 0 {
		t.rollups, err = s.Disk(ctx, s.Rollups...)
	}
	return err
}

func usages(s *rig.Side) (receiver, store rig.Usage, err error) {
	if receiver, err = s.Receiver.Usage(); err != nil {
		return receiver, store, err
	}
	store, err = s.Store.Usage()
	return receiver, store, err
}

// print says what was measured.
func (t taken) print(side string, signal load.Signal) {
	rows := float64(t.rows)
	fmt.Printf("%s, %s: %d rows in %s (%.0f rows/s)\n", side, signal, t.rows, t.wall.Round(100*time.Millisecond), rows/t.wall.Seconds())
	fmt.Printf("  receiver  %.1f CPU-s: %.0f rows per CPU-second; %.0f MB at most; slowest answer %s; told to wait %d times, failed %d, rejected %d rows, stored twice %d\n",
		t.receiver.CPU.Seconds(), t.perCPUSecond(), t.receiver.Peak, t.slowest.Round(time.Millisecond), t.told, t.failed, t.rejected, t.excess)
	fmt.Printf("  store     %.1f CPU-s until stored, %.1f until merged; %.0f MB at most\n", t.stored.Seconds(), t.merged.Seconds(), t.store.Peak)
	fmt.Printf("  disk      %.1f bytes a row in %d parts: data %.1f, skip indexes %.1f, the rest (marks, primary keys) %.1f\n", t.bytesPerRow(), t.disk.Parts,
		float64(t.disk.Data)/rows, float64(t.disk.Indexes)/rows, float64(t.disk.Bytes-t.disk.Data-t.disk.Indexes)/rows)
	if len(t.tables) > 1 {
		for i, d := range t.tablesAlone {
			fmt.Printf("            of them %s %.1f\n", t.tables[i], float64(d.Bytes)/rows)
		}
	}
	fmt.Printf("            %s\n", t.disk.Top(12, t.rows))
	if t.rollups.Rows > 0 {
		fmt.Printf("            rollups beside it: %.1f bytes a row, %d rows\n", float64(t.rollups.Bytes)/rows, t.rollups.Rows)
	}
}
