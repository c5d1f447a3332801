package ingest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/midwatch/midwatch/internal/store"
)

// rollup is a table of sums per minute that a materialized view fills from another. A store that dies in the middle of an insert may have
// the rows without their sums. The rows are the truth, so the sums are made again of them.
type rollup struct {
	target, view string
	count        string // the column that counts rows
	of, where    string // the table and which of its rows are counted
	from         string // the rollup that the view reads, which comes before this one; empty: it reads the table
}

// tables that have to have all of their rows for the sums to be made again: its own, too, since what was dropped is not wanted back.
func (r rollup) tables() []string {
	all := []string{r.target, r.of}
	if r.from != "" {
		all = append(all, r.from)
	}
	return all
}

// rollups of the migrations.
func rollups() []rollup {
	return []rollup{
		{"request_minutes", "request_minutes_mv", "requests", "spans", "kind = 'server'", ""},
		{"edge_minutes", "edge_minutes_mv", "calls", "spans", "kind = 'client'", ""},
		{"service_minutes", "service_minutes_mv", "spans", "spans", "1", ""},
		{"slowest_minutes", "slowest_minutes_mv", "spans", "spans", "1", "service_minutes"}, // what was repaired there came here a second time
		{"log_minutes", "log_minutes_mv", "lines", "logs", "1", ""},
	}
}

// repair makes again what is wrong between two whole minutes, and says how much that was: minutes of sums, requests whose events it was. Rows and what
// is made of them can only be compared for certain while nothing is inserted, so what is found is looked at again while this ingester inserts nothing.
func (s *Server) repair(ctx context.Context, from, to time.Time) (repaired int, err error) {
	for _, r := range rollups() {
		n, err := s.repairSums(ctx, r, from, to)
		if repaired += n; err != nil {
			return repaired, err
		}
	}
	n, err := s.repairEvents(ctx, from, to)
	return repaired + n, err
}

const (
	maxRepair  = 30 * time.Second // how long inserts wait for a repair
	maxTurn    = maxRepair / 2    // how much of that it waits for those that run, so that it has time left
	allInserts = 1 << 30          // more than there ever are at a time
)

// alone does a part of a repair while this ingester inserts nothing, in a time that has an end though the store may answer neither it nor the inserts that
// it waits for.
func (s *Server) alone(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, maxRepair)
	defer cancel()
	if err := s.noInserts(ctx); err != nil {
		return err
	}
	defer s.inserting.Release(allInserts)
	return do(ctx)
}

// noInserts waits until this ingester inserts nothing, and keeps it so.
func (s *Server) noInserts(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, maxTurn)
	defer cancel()
	if err := s.inserting.Acquire(ctx, allInserts); err != nil {
		return fmt.Errorf("wait for inserts to end: %w", err)
	}
	return nil
}

// kept moves the beginning of a stretch to what is kept of all these tables: what retention dropped is not made again, nor again of what it left.
func (s *Server) kept(ctx context.Context, from time.Time, tables ...string) (time.Time, error) {
	if s.cfg.Kept == nil {
		return from, nil
	}
	for _, table := range tables {
		age, err := s.cfg.Kept(ctx, store.SignalOf(table))
		if err != nil {
			return from, fmt.Errorf("ask how long %s are kept: %w", table, err)
		}
		from = later(from, time.Now().UTC().Add(-max(age, 24*time.Hour)).Truncate(24*time.Hour))
	}
	return from, nil
}

// undropped moves the beginning of a stretch to after the last day that was dropped of any of these tables, for whatever reason. A row that comes late for
// such a day is alone there, and no sign that sums of more are wrong.
func (s *Server) undropped(ctx context.Context, from time.Time, tables ...string) (time.Time, error) {
	for _, table := range tables {
		before, err := s.cfg.Store.DroppedBefore(ctx, table)
		if err != nil {
			return from, err
		}
		from = later(from, before)
	}
	return from, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (s *Server) repairSums(ctx context.Context, r rollup, from, to time.Time) (repaired int, err error) {
	from, err = s.kept(ctx, from, r.tables()...)
	if err != nil || !from.Before(to) {
		return 0, err
	}
	minutes, err := s.wrongMinutes(ctx, r, from, to)
	if err != nil || len(minutes) == 0 {
		return 0, err
	}
	query, columns, err := s.definition(ctx, r)
	if err != nil {
		return 0, err
	}
	for _, minute := range minutes {
		err := s.alone(ctx, func(ctx context.Context) error {
			if err := s.othersDone(ctx, r.of); err != nil {
				return err
			}
			still, err := s.wrongMinutes(ctx, r, minute, minute.Add(time.Minute))
			if err != nil || len(still) == 0 {
				return err
			}
			repaired++
			s.cfg.Log.Info("rebuilding a minute after an interrupted insert", "table", r.target, "minute", minute)
			return s.rebuild(ctx, r, query, columns, minute)
		})
		if err != nil {
			return repaired, err
		}
	}
	return repaired, nil
}

// maxOthers is how long a repair waits for inserts of other ingesters: this one's wait as long.
const maxOthers = 5 * time.Second

// othersDone waits until what views make of the rows that other ingesters are inserting is there, as the rows are.
func (s *Server) othersDone(ctx context.Context, table string) error {
	ctx, cancel := context.WithTimeout(ctx, maxOthers)
	defer cancel()
	return s.cfg.Store.Quiet(ctx, table)
}

// wrongMinutes returns the minutes to be made again: those in which a rollup counts other than the rows are, of days of which nothing was dropped.
func (s *Server) wrongMinutes(ctx context.Context, r rollup, from, to time.Time) ([]time.Time, error) {
	minutes, err := s.differing(ctx, r, from, to)
	if err != nil || len(minutes) == 0 {
		return nil, err
	}
	whole, err := s.undropped(ctx, from, r.tables()...) // asked last: it knows of what went while they were counted
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(minutes, func(m time.Time) bool { return m.Before(whole) }), nil
}

// differing returns the minutes in which a rollup counts other than the rows are. Where there are no rows at all the sums stay: rows are dropped
// earlier than what was made of them.
func (s *Server) differing(ctx context.Context, r rollup, from, to time.Time) ([]time.Time, error) {
	rows, err := s.cfg.Store.Query(ctx, fmt.Sprintf(`SELECT minute FROM (
			SELECT toStartOfMinute(time) AS minute, toInt64(count()) AS n FROM %s WHERE %s AND toStartOfMinute(time) >= @from AND toStartOfMinute(time) < @to GROUP BY minute
			UNION ALL SELECT minute, -toInt64(sum(%s)) AS n FROM %s WHERE minute >= @from AND minute < @to GROUP BY minute)
		GROUP BY minute HAVING sum(n) != 0 AND max(n) > 0 ORDER BY minute`, r.of, r.where, r.count, r.target),
		clickhouse.DateNamed("from", from, clickhouse.Seconds), clickhouse.DateNamed("to", to, clickhouse.Seconds))
	if err != nil {
		return nil, fmt.Errorf("compare %s with %s: %w", r.target, r.of, err)
	}
	defer rows.Close()
	var minutes []time.Time
	for rows.Next() {
		var m time.Time
		if err := rows.Scan(&m); err != nil {
			return nil, fmt.Errorf("compare %s with %s: %w", r.target, r.of, err)
		}
		minutes = append(minutes, m)
	}
	return minutes, rows.Err()
}

// rebuild makes a minute's sums again, by the view's own query.
func (s *Server) rebuild(ctx context.Context, r rollup, query, columns string, minute time.Time) error {
	at := minute.UTC().Format(time.DateTime)
	if err := s.cfg.Store.Exec(ctx, "DELETE FROM "+r.target+" WHERE minute = toDateTime(?, 'UTC')", at); err != nil {
		return fmt.Errorf("clear %s of %s: %w", at, r.target, err)
	}
	from, column := r.of, "time"
	if r.from != "" {
		from, column = r.from, "minute"
	}
	filter := fmt.Sprintf(`toStartOfMinute(%s) = toDateTime(\'%s\', \'UTC\')`, column, at)
	if err := s.cfg.Store.Exec(ctx, fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM (%s) SETTINGS additional_table_filters = {'%s': '%s'}",
		r.target, columns, columns, query, from, filter)); err != nil {
		return fmt.Errorf("rebuild %s of %s: %w", at, r.target, err)
	}
	return nil
}

// definition returns a view's query and the names of its target's columns.
func (s *Server) definition(ctx context.Context, r rollup) (query, columns string, err error) {
	row := s.cfg.Store.QueryRow(ctx, `SELECT as_select, (SELECT arrayStringConcat(groupArray(name), ', ') FROM (
			SELECT name FROM system.columns WHERE database = currentDatabase() AND table = ? ORDER BY position))
		FROM system.tables WHERE database = currentDatabase() AND name = ?`, r.target, r.view)
	if err := row.Scan(&query, &columns); err != nil {
		return "", "", fmt.Errorf("read the definition of %s: %w", r.view, err)
	}
	return query, columns, nil
}
