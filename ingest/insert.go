package ingest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Store is what the ingester needs of ClickHouse; *store.DB is one.
type Store interface {
	PrepareBatch(ctx context.Context, query string, opts ...driver.PrepareBatchOption) (driver.Batch, error)
	Query(ctx context.Context, query string, args ...any) (driver.Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) driver.Row
	Exec(ctx context.Context, query string, args ...any) error
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
		if err := s.insertPartition(ctx, p, parts[p]); err != nil {
			s.cfg.Log.Warn("insert; the senders will come back", "table", p.table, "day", p.day.date(), "error", err)
			for _, c := range parts[p] {
				failed[c.of] = fmt.Errorf("%w: %w", ErrStore, err)
			}
		}
	}
	for _, w := range group {
		w.end(failed[w])
	}
}

func (s *Server) insertPartition(ctx context.Context, p partition, parts []part) error {
	there, err := s.lookUp(ctx, p, parts)
	if err != nil {
		return err
	}
	parts = slices.DeleteFunc(slices.Clone(parts), func(c part) bool {
		if there[c.of.id] {
			s.counters.skip(p.table, c.rows)
			s.dirty.mark(c.first, c.last)
		}
		return there[c.of.id]
	})
	if len(parts) == 0 {
		return nil
	}
	s.inserting.RLock()
	defer s.inserting.RUnlock()
	if err := s.send(ctx, p, parts); err != nil {
		for _, c := range parts {
			s.dirty.mark(c.first, c.last)
		}
		return err
	}
	return nil
}

// lookUp returns which doubtful requests have their rows in the partition. They are there whole or not at all.
func (s *Server) lookUp(ctx context.Context, p partition, parts []part) (map[string]bool, error) {
	var ids []string
	stored := map[string]string{} // :: what the table calls a request → its id
	for _, c := range parts {
		if c.of.doubtful {
			ids = append(ids, storedID(p.table, c.of.id))
			stored[ids[len(ids)-1]] = c.of.id
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := s.cfg.Store.Query(ctx, "SELECT DISTINCT toString(batch_id) FROM "+p.table+" WHERE toDate(time) = toDate(?) AND batch_id IN (?)", p.day.date(), ids)
	if err != nil {
		return nil, fmt.Errorf("look up %d requests in %s: %w", len(ids), p.table, err)
	}
	defer rows.Close()
	there := map[string]bool{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("look up requests in %s: %w", p.table, err)
		}
		there[stored[id]] = true
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("look up %d requests in %s: %w", len(ids), p.table, err)
	}
	return there, nil
}

// storedID is how a table's column batch_id writes the id of a request.
func storedID(table, id string) string {
	if table == "spans" || table == "logs" {
		return strconv.FormatUint(batchID(id), 10)
	}
	return id
}

// send writes the parts as one block.
func (s *Server) send(ctx context.Context, p partition, parts []part) error {
	names := make([]string, len(parts[0].columns))
	for i, c := range parts[0].columns {
		names[i] = c.name
	}
	b, err := s.cfg.Store.PrepareBatch(ctx, "INSERT INTO "+p.table+" ("+strings.Join(names, ", ")+")")
	if err != nil {
		return fmt.Errorf("insert into %s: %w", p.table, err)
	}
	defer func() { _ = b.Close() }() // after Send it does nothing; before, it gives the connection back
	for i := range names {
		column := b.Column(i)
		for _, part := range parts {
			if err := column.Append(part.columns[i].values); err != nil {
				return fmt.Errorf("column %s of %s: %w", names[i], p.table, err)
			}
		}
	}
	if err := b.Send(); err != nil {
		return fmt.Errorf("insert %d rows into %s: %w", b.Rows(), p.table, err)
	}
	return nil
}
