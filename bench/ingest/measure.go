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
	rows           int
	wall           time.Duration
	receiver       rig.Usage
	stored, merged time.Duration // CPU of the store while rows came, and until nothing was merged any more
	store          rig.Usage
	disk, derived  rig.Disk
	told, failed   int64
	slowest        time.Duration
	tablesAlone    []rig.Disk // of each table of disk
	tables         []string
	excess         int64 // rows that are stored and were not sent, or fewer
}

func (t taken) perCPUSecond() float64 { return float64(t.rows) / t.receiver.CPU.Seconds() }
func (t taken) bytesPerRow() float64  { return float64(t.disk.Bytes) / float64(t.rows) }

// contender is a side that is measured, and what it took of a signal so far.
type contender struct {
	*rig.Side
	taken
	receiverAt, storeAt rig.Usage // when the signal began
}

// A signal is sent in pieces, to one side after the other: what else the machine does meets all sides. A piece is no smaller than two of the
// collector's batches, which otherwise wait for more.
const (
	maxRounds    = 5
	leastOfRound = 200 // requests
)

// contend sends a signal's load to all sides, piece by piece, and waits until everything is stored and merged.
func contend(ctx context.Context, sides []*rig.Side, o options, signal load.Signal) ([]taken, error) {
	all := make([]*contender, len(sides))
	for i, s := range sides {
		all[i] = &contender{Side: s, taken: taken{rows: o.load.Total(signal)}}
		if err := all[i].begin(); err != nil {
			return nil, err
		}
	}
	requests := o.load.Requests(signal)
	rounds := min(maxRounds, max(1, requests/leastOfRound))
	for round := range rounds {
		for i := range all {
			c := all[(i+round)%len(all)]
			if err := c.round(ctx, o, signal, requests*round/rounds, requests*(round+1)/rounds); err != nil {
				return nil, fmt.Errorf("%s: %w", c.Name, err)
			}
		}
	}
	var out []taken
	for _, c := range all {
		if err := c.end(ctx, signal); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		out = append(out, c.taken)
	}
	return out, nil
}

// begin remembers what the processes took before.
func (c *contender) begin() (err error) {
	for _, p := range []*rig.Process{c.Receiver, c.Store} {
		if err := p.ForgetPeak(); err != nil {
			return err
		}
	}
	c.receiverAt, c.storeAt, err = usages(c.Side)
	return err
}

// round sends the requests from a to b, without b, and waits until they are stored.
func (c *contender) round(ctx context.Context, o options, signal load.Signal, a, b int) error {
	_, before, err := usages(c.Side)
	if err != nil {
		return err
	}
	began := time.Now()
	sent, err := c.Fill(ctx, o.load, signal, a, b, o.inFlight)
	if err != nil {
		return err
	}
	c.wall += time.Since(began)
	_, after, err := usages(c.Side)
	c.stored += after.CPU - before.CPU
	c.told, c.failed = c.told+sent.Told.Load(), c.failed+sent.Failed.Load()
	c.slowest = max(c.slowest, sent.Slowest())
	fmt.Printf("  %-9s %d of %d %s, %.0f rows/s\n", c.Name, b*load.Rows, c.rows, signal, float64((b-a)*load.Rows)/time.Since(began).Seconds())
	return err
}

// end waits for the merges and adds up.
func (c *contender) end(ctx context.Context, signal load.Signal) error {
	if err := c.Merged(ctx); err != nil {
		return err
	}
	receiver, store, err := usages(c.Side)
	if err != nil {
		return err
	}
	c.receiver = rig.Usage{CPU: receiver.CPU - c.receiverAt.CPU, Peak: receiver.Peak}
	c.merged, c.store = store.CPU-c.storeAt.CPU, store
	return c.measureDisk(ctx, c.Side, signal)
}

func (t *taken) measureDisk(ctx context.Context, s *rig.Side, signal load.Signal) (err error) {
	if t.disk, err = s.Disk(ctx, s.Tables[signal]...); err != nil {
		return err
	}
	stored, err := s.Count(ctx, signal)
	if err != nil {
		return err
	}
	t.excess = int64(stored) - int64(t.rows) //nolint:gosec // few
	for _, table := range s.Tables[signal] {
		d, err := s.Disk(ctx, table)
		if err != nil {
			return err
		}
		t.tablesAlone, t.tables = append(t.tablesAlone, d), append(t.tables, table)
	}
	derived, err := s.Derived(ctx)
	if err != nil || len(derived) == 0 {
		return err
	}
	t.derived, err = s.Disk(ctx, derived...)
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
	fmt.Printf("  receiver  %.1f CPU-s: %.0f rows per CPU-second; %.0f MB at most; slowest answer %s; told to wait %d times, failed %d\n",
		t.receiver.CPU.Seconds(), t.perCPUSecond(), t.receiver.Peak, t.slowest.Round(time.Millisecond), t.told, t.failed)
	fmt.Printf("  store     %.1f CPU-s while rows came, %.1f until all was merged; %.0f MB at most\n", t.stored.Seconds(), t.merged.Seconds(), t.store.Peak)
	fmt.Printf("  disk      %.1f bytes a row in %d parts: data %.1f, skip indexes %.1f, the rest (marks, primary keys) %.1f\n", t.bytesPerRow(), t.disk.Parts,
		float64(t.disk.Data)/rows, float64(t.disk.Indexes)/rows, (float64(t.disk.Bytes)-float64(t.disk.Data)-float64(t.disk.Indexes))/rows)
	if len(t.tables) > 1 {
		for i, d := range t.tablesAlone {
			fmt.Printf("            of them %s %.1f\n", t.tables[i], float64(d.Bytes)/rows)
		}
	}
	fmt.Printf("            %s\n", t.disk.Top(12, t.rows))
	if t.derived.Rows > 0 {
		fmt.Printf("            other tables have %d rows in %.1f MB\n", t.derived.Rows, float64(t.derived.Bytes)/1e6)
	}
}
