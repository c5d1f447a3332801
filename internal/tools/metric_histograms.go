package tools

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/midwatch/midwatch/internal/promql"
)

// histogramTables are the tables of histograms, and what their kinds begin with.
var histogramTables = []struct{ table, kind, buckets string }{
	{"histograms", "histogram", "length(counts)"},
	{"exponential_histograms", "exponential", "length(positive_counts) + length(negative_counts) + 2"},
}

// Histograms reads histograms.
func (m *metricSource) Histograms(ctx context.Context, series []promql.Stored, buckets bool, from, to time.Time, limit int) ([]promql.Histogram, error) {
	into := histograms{asked: ask(series, inclusive(from, to), limit), buckets: buckets, last: make([]int, len(series))}
	for i := range into.last {
		into.last[i] = -1
	}
	for _, t := range histogramTables {
		if !slices.ContainsFunc(series, func(s promql.Stored) bool { return strings.HasPrefix(s.Kind, t.kind) }) {
			continue
		}
		if err := m.histograms(ctx, t.table, &into); err != nil {
			return nil, err
		}
	}
	return into.out, nil
}

func (m *metricSource) histograms(ctx context.Context, table string, into *histograms) error {
	var rows histogramColumns
	sql, columns := rows.query(table, into.buckets)
	text, err := read(ctx, m.db, sql, into.params, columns, func() error { return into.add(&rows) })
	if errors.Is(err, errFull) {
		return m.tooMuch(ctx, into.asked, histogramPointsSQL(into.buckets))
	}
	m.text = append(m.text, text)
	return err
}

// histogramPointsSQL counts the numbers of histograms.
func histogramPointsSQL(buckets bool) string {
	var each []string
	for _, t := range histogramTables {
		n := "2"
		if buckets {
			n += " + " + t.buckets
		}
		each = append(each, "SELECT sum("+n+") AS n FROM "+t.table+ofThese)
	}
	return "SELECT toUInt64(sum(n)) AS points FROM (" + strings.Join(each, "\nUNION ALL ") + ")"
}

// histogramColumns is a block of histograms.
type histogramColumns struct {
	ids           proto.ColUInt64
	at            proto.ColInt64
	count         proto.ColUInt64
	sum           proto.ColFloat64
	bounds        proto.ColFloat64
	counts        proto.ColUInt64
	boundsOffsets *proto.ColUInt64
	countsOffsets *proto.ColUInt64
}

func (c *histogramColumns) query(table string, buckets bool) (string, proto.Results) {
	columns := proto.Results{{Name: "series_id", Data: &c.ids}, {Name: "at", Data: &c.at}, {Name: "count", Data: &c.count}, {Name: "sum", Data: &c.sum}}
	sql := `
SELECT series_id, toUnixTimestamp64Milli(time) AS at, count, sum`
	if buckets {
		bounds, counts := proto.NewArray(&c.bounds), proto.NewArray(&c.counts)
		c.boundsOffsets, c.countsOffsets = &bounds.Offsets, &counts.Offsets
		columns = append(columns, proto.ResultColumn{Name: "bounds", Data: bounds}, proto.ResultColumn{Name: "counts", Data: counts})
		sql += ", bounds, counts"
	}
	return sql + ` FROM ` + table + ofThese, columns
}

// element is row i of an array.
func element[T any](offsets *proto.ColUInt64, data []T, i int) []T {
	if offsets == nil {
		return nil
	}
	begin := uint64(0)
	if i > 0 {
		begin = (*offsets)[i-1]
	}
	return data[begin:(*offsets)[i]]
}

// histograms gathers histograms by series and bounds.
type histograms struct {
	asked
	buckets bool
	out     []promql.Histogram
	last    []int // of each series: which of out its last histogram was added to, or -1
	n       int   // numbers
}

func (h *histograms) add(c *histogramColumns) error {
	h.n += 2*len(c.ids) + len(c.counts)
	if h.n > h.limit {
		return errFull
	}
	h.runs(c.ids, func(i, begin, end int) {
		for row := begin; row < end; row++ {
			to := h.of(i, element(c.boundsOffsets, c.bounds, row))
			to.At, to.Count, to.Sum = append(to.At, c.at[row]), append(to.Count, c.count[row]), append(to.Sum, c.sum[row])
			if h.buckets {
				counts := element(c.countsOffsets, c.counts, row)
				width := len(to.Bounds) + 1
				to.Counts = append(to.Counts, counts[:min(width, len(counts))]...)
				for n := len(counts); n < width; n++ {
					to.Counts = append(to.Counts, 0)
				}
			}
		}
	})
	return nil
}

// of is what the next histogram of series i belongs to. Bounds rarely change.
func (h *histograms) of(i int, bounds []float64) *promql.Histogram {
	if n := h.last[i]; n >= 0 && slices.Equal(h.out[n].Bounds, bounds) {
		return &h.out[n]
	}
	h.last[i], h.out = len(h.out), append(h.out, promql.Histogram{Series: i, Bounds: slices.Clone(bounds)})
	return &h.out[h.last[i]]
}
