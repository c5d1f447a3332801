package ingest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

const (
	reconcileEvery = 10 * time.Second
	reconcileStart = time.Hour // how far back the first comparison goes: the process before may have left anything
)

// rollup is a table of sums per minute that a materialized view fills from another. A store that dies in the middle of an insert may have
// the rows without their sums. The rows are the truth, so the sums are made again of them.
type rollup struct {
	target, view string
	count        string // the column that counts rows
	of, where    string // the table and which of its rows are counted
}

// rollups of the migrations.
func rollups() []rollup {
	return []rollup{
		{"request_minutes", "request_minutes_mv", "requests", "spans", "kind = 'server'"},
		{"edge_minutes", "edge_minutes_mv", "calls", "spans", "kind = 'client'"},
		{"log_minutes", "log_minutes_mv", "lines", "logs", "1"},
	}
}

// dirty is the stretch of time in which something derived from the rows may be missing. Safe for concurrent use.
type dirty struct {
	mu       sync.Mutex
	from, to time.Time // both zero: clean
}

func (d *dirty) mark(from, to time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.from.IsZero() || from.Before(d.from) {
		d.from = from
	}
	if to.After(d.to) {
		d.to = to
	}
}

// closed returns the dirty minutes before now's, which nobody adds to any more.
func (d *dirty) closed(now time.Time) (from, to time.Time, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.from.IsZero() {
		return from, to, false
	}
	from, to = d.from.Truncate(time.Minute), d.to.Truncate(time.Minute).Add(time.Minute)
	if current := now.Truncate(time.Minute); to.After(current) {
		to = current
	}
	return from, to, from.Before(to)
}

// clean says that everything before to was compared.
func (d *dirty) clean(to time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.to.Before(to) {
		d.from, d.to = time.Time{}, time.Time{}
		return
	}
	d.from = to
}

// reconcile compares and repairs what is dirty until ctx ends, and beside that, once, the days that requests may be of: the process before may have died
// before it repaired what it knew of.
func (s *Server) reconcile(ctx context.Context) {
	tick := time.NewTicker(reconcileEvery)
	defer tick.Stop()
	started := time.Now()
	for before := maxPast; ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		err := s.reconcileOnce(ctx, time.Now())
		if err == nil && before > reconcileStart {
			to := started.Add(-maxPast + before)
			before = max(before-24*time.Hour, reconcileStart)
			_, err = s.repair(ctx, started.Add(-maxPast+before).Truncate(time.Minute), to)
		}
		if err != nil && ctx.Err() == nil {
			s.cfg.Log.Warn("compare rollups with what they are of; trying again", "error", err)
		}
	}
}

// maxRepairs is how often a stretch is repaired before it is left alone: what is wrong every time is not wrong because of an insert.
const maxRepairs = 5

// reconcileOnce compares what is dirty. What had to be repaired is looked at again the next time, because another ingester may have done the same at
// the same moment.
func (s *Server) reconcileOnce(ctx context.Context, now time.Time) error {
	from, to, ok := s.dirty.closed(now)
	if !ok {
		return nil
	}
	repaired, err := s.repair(ctx, from, to)
	if err != nil {
		return err
	}
	if repaired > 0 {
		if s.repairs++; s.repairs < maxRepairs {
			return nil
		}
		s.cfg.Log.Error("rollups are wrong however often they are made again", "from", from, "to", to, "minutes", repaired)
	}
	s.repairs = 0
	s.dirty.clean(to)
	return nil
}

// repair makes again what is wrong between two whole minutes, and says how many minutes that were.
func (s *Server) repair(ctx context.Context, from, to time.Time) (repaired int, err error) {
	for _, r := range rollups() {
		minutes, err := s.wrongMinutes(ctx, r, from, to)
		if err != nil {
			return repaired, err
		}
		for _, minute := range minutes {
			if err := s.rebuild(ctx, r, minute); err != nil {
				return repaired, err
			}
			s.cfg.Log.Info("rebuilt a minute after an interrupted insert", "table", r.target, "minute", minute)
		}
		repaired += len(minutes)
	}
	return repaired, s.restoreEvents(ctx, from, to)
}

// wrongMinutes returns the minutes in which a rollup counts other than the rows are. Where there are no rows at all the sums stay: rows are dropped
// earlier than what was made of them.
func (s *Server) wrongMinutes(ctx context.Context, r rollup, from, to time.Time) ([]time.Time, error) {
	rows, err := s.cfg.Store.Query(ctx, fmt.Sprintf(`SELECT minute FROM (
			SELECT toStartOfMinute(time) AS minute, toInt64(count()) AS n FROM %s WHERE %s AND time >= @from AND time < @to GROUP BY minute
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

// rebuild makes a minute's sums again, by the view's own query. This ingester inserts nothing meanwhile.
func (s *Server) rebuild(ctx context.Context, r rollup, minute time.Time) error {
	s.inserting.Lock()
	defer s.inserting.Unlock()
	query, columns, err := s.definition(ctx, r)
	if err != nil {
		return err
	}
	at := minute.UTC().Format(time.DateTime)
	if err := s.cfg.Store.Exec(ctx, "DELETE FROM "+r.target+" WHERE minute = toDateTime(?, 'UTC')", at); err != nil {
		return fmt.Errorf("clear %s of %s: %w", at, r.target, err)
	}
	filter := fmt.Sprintf(`time >= toDateTime(\'%s\', \'UTC\') AND time < toDateTime(\'%s\', \'UTC\') + 60`, at, at)
	if err := s.cfg.Store.Exec(ctx, fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM (%s) SETTINGS additional_table_filters = {'%s': '%s'}",
		r.target, columns, columns, query, r.of, filter)); err != nil {
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

// restoreEvents copies log records that are events to where they are looked for: of the requests whose events are not as many as their records.
func (s *Server) restoreEvents(ctx context.Context, from, to time.Time) error {
	s.inserting.Lock()
	defer s.inserting.Unlock()
	const (
		columns  = "time, environment, service, instance, host, event_name, body, attributes, resource_json, batch_id, observed_delay_ns, trace, span, trace_flags"
		within   = "time >= @from AND time < @to"
		requests = `SELECT batch_id, toInt64(count()) AS n FROM %s WHERE event_name != '' AND ` + within + ` GROUP BY batch_id`
		wrong    = `SELECT batch_id FROM (SELECT batch_id, n FROM (%s) UNION ALL SELECT batch_id, -n FROM (%s)) GROUP BY batch_id HAVING sum(n) != 0 AND max(n) > 0`
	)
	of := []any{clickhouse.DateNamed("from", from, clickhouse.Seconds), clickhouse.DateNamed("to", to, clickhouse.Seconds)}
	var ids []uint64
	if err := s.cfg.Store.QueryRow(ctx, "SELECT groupArray(batch_id) FROM ("+fmt.Sprintf(wrong, fmt.Sprintf(requests, "logs"), fmt.Sprintf(requests, "events"))+")", of...).Scan(&ids); err != nil {
		return fmt.Errorf("compare events with logs: %w", err)
	}
	for some := range slices.Chunk(ids, 1000) {
		args := append(slices.Clone(of), clickhouse.Named("ids", some))
		if err := s.cfg.Store.Exec(ctx, "DELETE FROM events WHERE "+within+" AND batch_id IN (@ids)", args...); err != nil {
			return fmt.Errorf("restore events: %w", err)
		}
		if err := s.cfg.Store.Exec(ctx, "INSERT INTO events ("+columns+") SELECT "+columns+" FROM logs WHERE event_name != '' AND "+within+" AND batch_id IN (@ids)", args...); err != nil {
			return fmt.Errorf("restore events: %w", err)
		}
	}
	return nil
}
