package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/midwatch/midwatch/ingest/block"
	"github.com/midwatch/midwatch/internal/store"
)

// Store is what the ingester needs of ClickHouse; *store.DB is one.
type Store interface {
	Insert(ctx context.Context, table string, blocks []proto.Input) error
	Query(ctx context.Context, query string, args ...any) (driver.Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) driver.Row
	Exec(ctx context.Context, query string, args ...any) error
	Quiet(ctx context.Context, table string) error
}

// partition is a table's rows of one day. An insert into one is atomic; one that spans several is not.
type partition struct {
	table string
	day   day
}

// part is a request's rows for a partition.
type part struct {
	*chunk
	of *write
}

// insert stores a group of writes, partition by partition, and ends each write when its last partition is decided.
func (s *Server) insert(ctx context.Context, group []*write) {
	parts := map[partition][]part{}
	for _, w := range group {
		for _, c := range w.chunks {
			p := partition{c.table, c.day}
			parts[p] = append(parts[p], part{c, w})
		}
	}
	failed := map[*write]error{}
	order := slices.SortedFunc(maps.Keys(parts), func(a, b partition) int {
		return cmp.Or(strings.Compare(a.table, b.table), cmp.Compare(a.day, b.day))
	})
	for _, p := range order {
		for w, err := range s.insertPartition(ctx, p, parts[p]) {
			failed[w] = fmt.Errorf("%w: %w", ErrStore, err)
		}
	}
	for _, w := range group {
		w.end(failed[w])
	}
}

// insertPartition stores parts, those of doubtful requests only if they are not there. It returns the writes whose rows may not all be stored.
func (s *Server) insertPartition(ctx context.Context, p partition, parts []part) map[*write]error {
	if p.table == samplesTable {
		defer s.markSamples(parts) // whatever became of them
	}
	missing, err := s.missing(ctx, p, parts)
	if err == nil && len(missing) > 0 {
		err = s.send(ctx, p, missing)
	}
	if err == nil {
		return nil
	}
	for _, c := range missing {
		c.of.doubtful = true
		s.markDirty(c)
	}
	if refused, ok := errors.AsType[*store.ServerError](err); ok && mayBeTheRows(refused) {
		return s.isolate(ctx, p, missing)
	}
	s.cfg.Log.Warn("insert; the senders will come back", "table", p.table, "day", p.day.date(), "error", err)
	return all(parts, err)
}

// all says that an error is every part's.
func all(parts []part, err error) map[*write]error {
	failed := map[*write]error{}
	for _, c := range parts {
		failed[c.of] = err
	}
	return failed
}

// missing returns the parts whose rows are not in the store.
func (s *Server) missing(ctx context.Context, p partition, parts []part) ([]part, error) {
	there, err := s.lookUp(ctx, p, parts)
	if err != nil {
		return parts, err
	}
	var out []part
	for _, c := range parts {
		switch n := there[c.of.batch]; {
		case n == 0:
			out = append(out, c)
			continue
		case n >= c.rows():
			s.counters.skip(p.table, c.rows())
		default: // some of its rows were refused and the rest was stored one by one, or not all of them before a crash
			if err := s.remove(ctx, p, c.of.batch); err != nil {
				return parts, err
			}
			out = append(out, c)
		}
		s.markDirty(c)
	}
	return out, nil
}

// markDirty says that what views make of a part's rows has to be compared with them.
func (s *Server) markDirty(c part) {
	if c.table == "spans" || c.table == "logs" {
		s.dirty.mark(c.span())
	}
}

// storedID is what says in a table which request a row came in.
func storedID(table string) string {
	if table == "k8s_objects" { // has the whole id
		return "reinterpretAsUInt64(reverse(substring(SHA256(batch_id), 1, 8)))"
	}
	return "batch_id"
}

// lookUp returns how many rows the doubtful requests have in the partition.
func (s *Server) lookUp(ctx context.Context, p partition, parts []part) (map[uint64]int, error) {
	var ids []uint64
	for _, c := range parts {
		if c.of.doubtful {
			ids = append(ids, c.of.batch)
		}
	}
	if len(ids) == 0 || p.table == seriesTable || p.table == stacksTable { // merges what is stored twice
		return nil, nil
	}
	if err := s.cfg.Store.Quiet(ctx, p.table); err != nil { // an insert of theirs may still run, though its sender is gone
		return nil, err
	}
	rows, err := s.cfg.Store.Query(ctx, fmt.Sprintf("SELECT %s AS id, count() FROM %s WHERE toDate(time) = toDate(?) AND id IN (?) GROUP BY id", storedID(p.table), p.table), p.day.date(), ids)
	if err != nil {
		return nil, fmt.Errorf("look up %d requests in %s: %w", len(ids), p.table, err)
	}
	defer rows.Close()
	there := map[uint64]int{}
	for rows.Next() {
		var id, n uint64
		if err := rows.Scan(&id, &n); err != nil {
			return nil, fmt.Errorf("look up requests in %s: %w", p.table, err)
		}
		there[id] = int(n)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("look up %d requests in %s: %w", len(ids), p.table, err)
	}
	return there, nil
}

// remove deletes what a request has in a partition, so that it can be stored as a whole.
func (s *Server) remove(ctx context.Context, p partition, batch uint64) error {
	tables := []string{p.table}
	if p.table == "logs" { // what its view made of them would be made twice
		tables = append(tables, "events")
	}
	for _, table := range tables {
		if err := s.cfg.Store.Exec(ctx, fmt.Sprintf("DELETE FROM %s WHERE toDate(time) = toDate(?) AND %s = ?", table, storedID(table)), p.day.date(), batch); err != nil {
			return fmt.Errorf("remove a request's incomplete rows from %s: %w", table, err)
		}
	}
	return nil
}

// blockRows is how many rows are sent together. Smaller blocks cost the store more, larger ones need more memory on both sides.
const blockRows = 4096

// send stores the parts by one insert.
func (s *Server) send(ctx context.Context, p partition, parts []part) error {
	s.inserting.RLock()
	defer s.inserting.RUnlock()
	var blocks []proto.Input
	var next []block.Block
	rows, total := 0, 0
	for i, c := range parts {
		next = append(next, c.block)
		total += c.rows()
		if rows += c.rows(); rows >= blockRows || i == len(parts)-1 {
			blocks = append(blocks, block.Join(next))
			next, rows = nil, 0
		}
	}
	began := time.Now()
	err := s.cfg.Store.Insert(ctx, p.table, blocks)
	s.inserts.add(p.table, outcomeOf(err), total, time.Since(began))
	return err
}

func outcomeOf(err error) string {
	if err == nil {
		return insertStored
	}
	if _, ok := errors.AsType[*store.ServerError](err); ok {
		return insertRefused
	}
	return insertUnknown
}
