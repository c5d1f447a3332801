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
	"github.com/midwatch/midwatch/ingest/otlp"
	"github.com/midwatch/midwatch/ingest/receive"
	"github.com/midwatch/midwatch/internal/store"
)

// Store is what the ingester needs of ClickHouse; *store.DB is one.
type Store interface {
	Insert(ctx context.Context, table string, columns []string, blocks func() []proto.Input) error
	Query(ctx context.Context, query string, args ...any) (driver.Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) driver.Row
	Exec(ctx context.Context, query string, args ...any) error
	Quiet(ctx context.Context, table string) error
	DroppedBefore(ctx context.Context, table string) (time.Time, error)
	SeriesKey(ctx context.Context) (store.SeriesKey, error)
}

// partition is a table's rows of one day. An insert into one is atomic; one that spans several is not.
type partition struct {
	table string
	day   otlp.Day
}

// part is a request's rows for a partition.
type part struct {
	*otlp.Chunk
	of *write
}

// stored is the stretch of time that its rows are of if they were stored before, in nanoseconds since 1970.
func (c part) stored() (from, to int64) { return c.Stored(c.of.ago) }

// rowsIn is how many rows a write brings for a partition.
func (w *write) rowsIn(p partition) (n int) {
	for _, c := range w.chunks {
		if c.Table == p.table && c.Day == p.day {
			n += c.Rows()
		}
	}
	return n
}

// insert stores a group of writes, partition by partition, and ends each write when its last partition is decided.
func (s *Server) insert(ctx context.Context, group []*write) {
	parts := map[partition][]part{}
	for _, w := range group {
		for _, c := range w.chunks {
			p := partition{c.Table, c.Day}
			parts[p] = append(parts[p], part{c, w})
		}
	}
	failed := map[*write]error{}
	order := slices.SortedFunc(maps.Keys(parts), func(a, b partition) int {
		return cmp.Or(strings.Compare(a.table, b.table), cmp.Compare(a.day, b.day))
	})
	for _, p := range order {
		for w, err := range s.insertPartition(ctx, p, parts[p]) {
			if failed[w] == nil {
				failed[w] = err
			}
		}
	}
	for _, w := range group {
		w.end(storeError(failed[w]))
	}
}

// storeError is what a sender is told of an error.
func storeError(err error) error {
	if err == nil || errors.Is(err, receive.ErrLeft) {
		return err
	}
	return fmt.Errorf("%w: %w", receive.ErrStore, err)
}

// insertPartition stores parts, those of doubtful requests only if they are not there. It returns the writes whose rows may not all be stored: if
// the doubtful ones cannot be looked up these are no more than they.
func (s *Server) insertPartition(ctx context.Context, p partition, parts []part) map[*write]error {
	if p.table == otlp.SamplesTable {
		defer s.markSamples(parts) // whatever became of them
	}
	missing, failed := s.lookedUp(ctx, p, parts)
	if len(missing) == 0 {
		return failed
	}
	left, err := s.send(ctx, p, missing)
	if err == nil {
		maps.Copy(failed, all(left, receive.ErrLeft))
		return failed
	}
	for _, c := range missing {
		c.of.doubtful = true
		s.markDirty(c)
	}
	if refused, ok := errors.AsType[*store.ServerError](err); ok && mayBeTheRows(refused) {
		maps.Copy(failed, s.isolate(ctx, p, missing, refused))
		return failed
	}
	s.cfg.Log.Warn("insert; the senders will come back", "table", p.table, "day", p.day.Date(), "error", err)
	maps.Copy(failed, all(missing, err))
	return failed
}

// lookUpDeadline leaves the others of a group half of their time.
const lookUpDeadline = insertDeadline / 2

// lookedUp returns the parts to store, and the writes of which that cannot be told. Requests whose rows are far apart are looked up after the others, for
// that reads all that is between: if it takes too long the others do not suffer.
func (s *Server) lookedUp(ctx context.Context, p partition, parts []part) (missing []part, failed map[*write]error) {
	ctx, cancel := context.WithTimeout(ctx, lookUpDeadline)
	defer cancel()
	failed = map[*write]error{}
	for _, some := range [][]part{only(parts, part.short), only(parts, part.long)} {
		found, err := s.missing(ctx, p, some)
		if err == nil {
			missing = append(missing, found...)
			continue
		}
		s.cfg.Log.Warn("look up what may be stored; its senders will come back", "table", p.table, "day", p.day.Date(), "error", err)
		for _, c := range some {
			if c.of.doubtful {
				failed[c.of] = err
			} else {
				missing = append(missing, c)
			}
		}
	}
	return missing, failed
}

// all says that an error is every part's.
func all(parts []part, err error) map[*write]error {
	failed := map[*write]error{}
	for _, c := range parts {
		failed[c.of] = err
	}
	return failed
}

// markDirty says that what views make of a part's rows has to be compared with them.
func (s *Server) markDirty(c part) {
	if c.Table == "spans" || c.Table == "logs" {
		s.dirty.mark(c.Span())
	}
}

// blockRows is how many rows are sent together. Smaller blocks cost the store more, larger ones need more memory on both sides.
const blockRows = 4096

// send stores the parts by one insert, and returns those it left out, because their senders had left when the store was at it: an ingester that
// gets one of these now sees no insert that may still bring its rows, and stores them. Of whom leaves later it sees one, and waits.
func (s *Server) send(ctx context.Context, p partition, parts []part) (left []part, err error) {
	blocks := make([]block.Block, len(parts))
	for i, c := range parts {
		blocks[i] = c.Block
	}
	err = s.put(ctx, p.table, blocks, func(i int) bool {
		if parts[i].of.gone() {
			left = append(left, parts[i])
			return false
		}
		parts[i].of.sent = true
		return true
	})
	return left, err
}

// put inserts blocks, those that are still wanted when the store is at it, and measures that.
func (s *Server) put(ctx context.Context, table string, blocks []block.Block, wanted func(i int) bool) error {
	if err := s.inserting.Acquire(ctx, 1); err != nil {
		return fmt.Errorf("wait for a repair to end: %w", err)
	}
	defer s.inserting.Release(1)
	rows := 0
	for _, b := range blocks {
		rows += b.Rows()
	}
	began := time.Now()
	err := s.cfg.Store.Insert(ctx, table, blocks[0].Names(), func() []proto.Input {
		var now []block.Block
		for i, b := range blocks {
			if wanted(i) {
				now = append(now, b)
			} else {
				rows -= b.Rows()
			}
		}
		return joined(now)
	})
	if err != nil || rows > 0 {
		s.inserts.add(table, outcomeOf(err), rows, time.Since(began))
	}
	return err
}

// joined makes blocks of a good size of small ones.
func joined(blocks []block.Block) []proto.Input {
	var out []proto.Input
	first, rows := 0, 0
	for i, b := range blocks {
		if rows += b.Rows(); rows >= blockRows || i == len(blocks)-1 {
			out = append(out, block.Join(blocks[first:i+1]))
			first, rows = i+1, 0
		}
	}
	return out
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
