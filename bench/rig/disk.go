package rig

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/bench/load"
)

// Disk is what tables take.
type Disk struct {
	Parts, Rows uint64
	Bytes       uint64 // on disk, of all below
	Data        uint64
	Indexes     uint64   // skip indexes
	Columns     []Column // of parts that keep each column in a file of its own: not the small ones
}

// Column is one column's share.
type Column struct {
	Name  string
	Bytes uint64
}

// Disk measures tables. Columns are sorted, the largest first, named with their table if there are several.
func (s *Side) Disk(ctx context.Context, tables ...string) (d Disk, err error) {
	err = s.DB.QueryRow(ctx, `SELECT count(), sum(rows), sum(bytes_on_disk), sum(data_compressed_bytes), sum(secondary_indices_compressed_bytes)
		FROM system.parts WHERE active AND database = currentDatabase() AND has(?, table)`, tables).Scan(&d.Parts, &d.Rows, &d.Bytes, &d.Data, &d.Indexes)
	if err != nil {
		return d, fmt.Errorf("measure %v: %w", tables, err)
	}
	err = s.DB.Select(ctx, &d.Columns, `SELECT if(length(?) = 1, column, concat(table, '.', column)) AS Name, sum(column_data_compressed_bytes) AS Bytes
		FROM system.parts_columns WHERE active AND database = currentDatabase() AND has(?, table) GROUP BY Name`, tables, tables)
	slices.SortFunc(d.Columns, func(a, b Column) int { return cmp.Compare(b.Bytes, a.Bytes) })
	return d, err
}

// Derived names the tables that have rows beside those of Tables: what views made of them, and what the receiver says of itself.
func (s *Side) Derived(ctx context.Context) (names []string, err error) {
	var known []string
	for _, tables := range s.Tables {
		known = append(known, tables...)
	}
	err = s.DB.QueryRow(ctx, `SELECT groupUniqArray(table) FROM system.parts WHERE active AND database = currentDatabase() AND NOT has(?, table)`, known).Scan(&names)
	return names, err
}

// Top says what the n largest columns take of each of rows.
func (d Disk) Top(n, rows int) string {
	var out []string
	for _, c := range d.Columns[:min(n, len(d.Columns))] {
		out = append(out, fmt.Sprintf("%s %.1f", c.Name, float64(c.Bytes)/float64(rows)))
	}
	return strings.Join(out, ", ")
}

// Stored waits until a signal has so many rows. It gives up when nothing was added for a minute.
func (s *Side) Stored(ctx context.Context, signal load.Signal, want int) error {
	var last uint64
	moved := time.Now()
	return Await(ctx, time.Hour, "rows", func() (bool, error) {
		n, err := s.Count(ctx, signal)
		if err != nil {
			return false, err
		}
		if n != last {
			last, moved = n, time.Now()
		}
		if time.Since(moved) > time.Minute {
			return false, fmt.Errorf("%s has %d of %d %s: %w%s", s.Name, n, want, signal, ErrOver, s.Receiver.lastLines())
		}
		return n >= uint64(want), nil //nolint:gosec // not negative
	})
}

// quiet is how long nothing may be merged before merging is over.
const quiet = 3 * time.Second

// Merged waits until the store merges no more, for five minutes at most.
func (s *Side) Merged(ctx context.Context) error {
	since := time.Now()
	return Await(ctx, 5*time.Minute, "merges to end", func() (bool, error) {
		var n uint64
		if err := s.DB.QueryRow(ctx, "SELECT count() FROM system.merges").Scan(&n); err != nil {
			return false, err
		}
		if n > 0 {
			since = time.Now()
		}
		return time.Since(since) > quiet, nil
	})
}
