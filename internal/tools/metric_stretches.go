package tools

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/midwatch/midwatch/internal/promql"
)

// Kinds of series by what of a stretch stands for its samples.
const (
	counting   = iota // its ends
	level             // lowest, highest, first and last
	increasing        // the sum
)

func shapeOf(s promql.Stored) int {
	switch s.Kind {
	case "gauge", "summary_quantile":
		return level
	case "sum_delta":
		return increasing
	}
	return counting
}

// pointsOfStretch is how many points a stretch becomes at most, and is counted for.
const pointsOfStretch = 4

// stretchColumns are those that a shape is made of.
var stretchColumns = map[int][]string{counting: {"first", "last"}, level: {"first", "last", "min", "max"}, increasing: {"sum"}}

// stretchesOf is the stretches of one series.
type stretchesOf struct {
	at     []uint32 // seconds since 1970
	n      []uint32
	values map[string][]float64 // :: column → values
}

// readStretches reads a table of stretches by series, at most so many rows.
func (m *metricSource) readStretches(ctx context.Context, r resolution, a asked, most int) ([]stretchesOf, error) {
	out := make([]stretchesOf, len(a.series))
	var names []string
	for i, s := range a.series {
		out[i].values = map[string][]float64{}
		names = append(names, stretchColumns[shapeOf(s)]...)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	var ids proto.ColUInt64
	var at, n proto.ColUInt32
	values, rows := make([]proto.ColFloat64, len(names)), 0
	columns := proto.Results{{Name: "series_id", Data: &ids}, {Name: "at", Data: &at}, {Name: "count", Data: &n}}
	for i, name := range names {
		columns = append(columns, proto.ResultColumn{Name: name, Data: &values[i]})
	}
	sql := `
SELECT series_id, toUInt32(time) AS at, count, ` + strings.Join(names, ", ") + ` FROM ` + r.table() + made
	text, err := read(ctx, m.db, sql, a.params, columns, func() error {
		if rows += len(ids); rows > most {
			return errFull
		}
		a.runs(ids, func(i, begin, end int) {
			s := &out[i]
			s.at, s.n = append(s.at, at[begin:end]...), append(s.n, n[begin:end]...)
			for c, name := range names {
				s.values[name] = append(s.values[name], values[c][begin:end]...)
			}
		})
		return nil
	})
	m.text = append(m.text, text)
	return out, err
}

// stretches reads minutes or ten minutes, and where there are none yet, samples.
func (m *metricSource) stretches(ctx context.Context, r resolution, a asked, out []promql.Points) error {
	end := r.Last.Add(r.length())
	count := fmt.Sprintf("SELECT toUInt64(%d * count()) AS points FROM %s%s", pointsOfStretch, r.table(), made)
	most := len(a.series) * (int(a.window.To.Sub(a.window.From)/r.length()) + 2) * pointsOfStretch
	if most > a.limit { // which is sooner known than read
		n, err := m.counted(ctx, a, count)
		if err != nil {
			return err
		}
		if n > uint64(a.limit) {
			return a.tooMuch(n)
		}
	}
	n := 0
	if a.window.From.Before(r.First) || a.window.To.After(end) {
		var err error
		if n, err = m.samples(ctx, a, apart, out); err != nil {
			return err
		}
	}
	read, err := m.readStretches(ctx, r, a, (a.limit-n)/pointsOfStretch)
	if errors.Is(err, errFull) {
		return m.tooMuch(ctx, a, count)
	}
	for i, s := range read {
		out[i].Append(s.points(shapeOf(a.series[i]), r.length().Milliseconds()))
	}
	return err
}

// points are those that PromQL makes of a stretch what it would make of its samples: lowest, highest, first and last value of what goes up and down,
// the ends of what counts, and the whole increase of what is told as increases. None are 5 min apart, which is when a value is old.
func (s stretchesOf) points(shape int, ms int64) promql.Points {
	first, last, low, high, sum := s.values["first"], s.values["last"], s.values["min"], s.values["max"], s.values["sum"]
	var out promql.Points
	put := func(at int64, v float64) { out.At, out.Values = append(out.At, at), append(out.Values, v) }
	for _, i := range s.best() {
		t := int64(s.at[i]) * int64(time.Second/time.Millisecond)
		switch shape {
		case increasing:
			put(t+ms/2, sum[i]/2)
			put(t+ms-1, sum[i]/2)
		case level:
			put(t, first[i])
			put(t+ms/3, low[i])
			put(t+ms*2/3, high[i])
			put(t+ms-1, last[i])
		default:
			middle := last[i]
			if first[i] <= last[i] {
				middle = (first[i] + last[i]) / 2
			}
			put(t, first[i])
			put(t+ms/2, middle)
			put(t+ms-1, last[i])
		}
	}
	return out
}

// best are the indexes of the right row of each stretch, by time: of several the one that was made of most samples.
func (s stretchesOf) best() []int {
	order := make([]int, len(s.at))
	for i := range order {
		order[i] = i
	}
	byTime := func(a, b int) int { return cmp.Or(cmp.Compare(s.at[a], s.at[b]), cmp.Compare(s.n[b], s.n[a])) }
	if !slices.IsSortedFunc(order, byTime) {
		slices.SortFunc(order, byTime)
	}
	return slices.CompactFunc(order, func(a, b int) bool { return s.at[a] == s.at[b] })
}
