package ingest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/midwatch/midwatch/ingest/otlp"
)

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
		case n >= c.Rows():
			s.counters.skip(p.table, c.Rows())
		default: // some of its rows were refused and the rest was stored one by one, or not all of them before a crash
			if err := s.remove(ctx, p, c); err != nil {
				return parts, err
			}
			out = append(out, c)
		}
		s.markDirty(c)
	}
	return out, nil
}

// storedID is what says in a table which request a row came in.
func storedID(table string) string {
	if table == "k8s_objects" { // has the whole id
		return "reinterpretAsUInt64(reverse(substring(SHA256(batch_id), 1, 8)))"
	}
	return "batch_id"
}

// merges says that a table merges what is stored twice, so that nobody has to look.
func merges(table string) bool { return table == otlp.SeriesTable || table == otlp.StacksTable }

// lookUp returns how many rows the doubtful requests have in the partition.
func (s *Server) lookUp(ctx context.Context, p partition, parts []part) (map[uint64]int, error) {
	doubtful := slices.DeleteFunc(slices.Clone(parts), func(c part) bool { return !c.of.doubtful })
	if len(doubtful) == 0 || merges(p.table) {
		return nil, nil
	}
	if err := s.cfg.Store.Quiet(ctx, p.table); err != nil { // an insert of theirs may still run, though its sender is gone
		return nil, err
	}
	there := map[uint64]int{}
	for _, some := range contemporary(doubtful) {
		if err := s.count(ctx, p, some, there); err != nil {
			return nil, err
		}
	}
	return there, s.countBefore(ctx, p, doubtful, there)
}

// countBefore adds the rows that parts have in the day before theirs: those that named no time are there if their request came before midnight, too. Rows
// that the request brings for that day by itself are not meant.
func (s *Server) countBefore(ctx context.Context, p partition, parts []part, there map[uint64]int) error {
	before := partition{p.table, p.day - 1}
	late := slices.DeleteFunc(slices.Clone(parts), func(c part) bool { from, _ := c.stored(); return otlp.DayOf(from) == p.day })
	earlier := map[uint64]int{}
	for _, some := range contemporary(late) {
		if err := s.count(ctx, before, some, earlier); err != nil {
			return err
		}
	}
	for _, c := range late {
		there[c.of.batch] += max(0, earlier[c.of.batch]-c.of.rowsIn(before))
	}
	return nil
}

// apart is how far apart rows of two requests are that are looked for by two queries: what lies between is not read.
const apart = 10 * time.Minute

// longest is how far apart rows of a request are, or are looked for, that is looked up together with others.
const longest = 4 * time.Hour

func (c part) short() bool { return !c.long() }

func (c part) long() bool {
	from, to := c.stored()
	return to-from > int64(longest)
}

func only(parts []part, those func(part) bool) (out []part) {
	for _, c := range parts {
		if those(c) {
			out = append(out, c)
		}
	}
	return out
}

// contemporary is parts in groups of about the same time.
func contemporary(parts []part) (groups [][]part) {
	slices.SortFunc(parts, func(a, b part) int {
		first, _ := a.stored()
		second, _ := b.stored()
		return cmp.Compare(first, second)
	})
	var last int64
	for _, c := range parts {
		from, to := c.stored()
		if len(groups) == 0 || from > last+int64(apart) {
			groups, last = append(groups, nil), to
		}
		i := len(groups) - 1
		groups[i], last = append(groups[i], c), max(last, to)
	}
	return groups
}

// count adds how many rows each part's request has in the partition. The same content without a time is another request a minute later: where rows of one
// are looked for at other times than they are of, only those in its own stretch of time count, and not all that are read for the others as well.
func (s *Server) count(ctx context.Context, p partition, parts []part, there map[uint64]int) error {
	if merges(p.table) {
		return nil
	}
	ids, first, last, guessed := make([]uint64, len(parts)), make([]int64, len(parts)), make([]int64, len(parts)), false
	for i, c := range parts {
		ids[i] = c.of.batch
		first[i], last[i] = c.stored()
		guessed = guessed || first[i] < c.First
	}
	where, args := rowsOf(p, parts)
	counted := "count()"
	if guessed {
		counted = "countIf(toUnixTimestamp64Nano(time) BETWEEN transform(id, ?, ?, 0) AND transform(id, ?, ?, 0))"
		args = append([]any{ids, first, ids, last}, args...)
	}
	rows, err := s.cfg.Store.Query(ctx, fmt.Sprintf("SELECT %s AS id, %s FROM %s WHERE %s AND id IN (?) GROUP BY id", storedID(p.table), counted, p.table, where), append(args, ids)...)
	if err != nil {
		return fmt.Errorf("look up %d requests in %s: %w", len(ids), p.table, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, n uint64
		if err := rows.Scan(&id, &n); err != nil {
			return fmt.Errorf("look up requests in %s: %w", p.table, err)
		}
		there[id] = int(n)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("look up %d requests in %s: %w", len(ids), p.table, err)
	}
	return nil
}

// rowsOf is a condition for the stretch of a partition in which the rows of some parts are. It says so in terms of the table's key, too, because
// ClickHouse makes nothing of times for a key of minutes or hours, and would read the whole day.
func rowsOf(p partition, parts []part) (where string, args []any) {
	first, last := parts[0].stored()
	for _, c := range parts {
		from, to := c.stored()
		first, last = min(first, from), max(last, to)
	}
	const within = "toDate(time) = toDate(?) AND time >= fromUnixTimestamp64Nano(?, 'UTC') AND time <= fromUnixTimestamp64Nano(?, 'UTC')" +
		" AND %[1]s(time) >= %[1]s(fromUnixTimestamp64Nano(?, 'UTC')) AND %[1]s(time) <= %[1]s(fromUnixTimestamp64Nano(?, 'UTC'))"
	return fmt.Sprintf(within, keyOf(p.table)), []any{p.day.Date(), first, last, first, last}
}

// keyOf is the function of the time that a table is sorted by.
func keyOf(table string) string {
	switch table {
	case "spans", "logs", "profile_samples":
		return "toStartOfMinute"
	}
	return "toStartOfHour"
}

// remove deletes what a part's request has in a partition, so that it can be stored as a whole.
func (s *Server) remove(ctx context.Context, p partition, c part) error {
	tables := []string{p.table}
	if p.table == "logs" { // what its view made of them would be made twice
		tables = append(tables, "events")
	}
	where, args := rowsOf(p, []part{c})
	for _, table := range tables {
		if err := s.cfg.Store.Exec(ctx, fmt.Sprintf("DELETE FROM %s WHERE %s AND %s = ?", table, where, storedID(table)), append(args, c.of.batch)...); err != nil {
			return fmt.Errorf("remove a request's incomplete rows from %s: %w", table, err)
		}
	}
	return nil
}
