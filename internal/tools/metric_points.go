package tools

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/midwatch/midwatch/internal/promql"
)

// Points are read as they lie in the table, in blocks of columns: gathering them by series in the store takes twice its time, and arrays the driver
// takes apart number by number. Within a block the rows of a series mostly lie together.
const (
	ofThese = ` WHERE series_id IN {series:Array(UInt64)} AND ` + timeWindow

	metricPointsSQL = `SELECT toUInt64(count()) AS points FROM metric_samples` + ofThese
	samplesSQL      = `
SELECT series_id, toUnixTimestamp64Milli(time) AS at, value FROM metric_samples` + ofThese
)

// errTooMuch means that what a selector means has more points than may be read.
var errTooMuch = fmt.Errorf("%w: too many points", promql.ErrExpression)

// errFull ends a query that has more rows than are taken.
var errFull = errors.New("more than may be read")

// asked is what points are asked of.
type asked struct {
	series []promql.Stored
	at     map[uint64]int // :: series → its index
	window window
	limit  int // points
	params []param
}

func ask(series []promql.Stored, w window, limit int, more ...param) asked {
	a := asked{series: series, at: make(map[uint64]int, len(series)), window: w, limit: max(0, limit)}
	for i, s := range series {
		a.at[s.ID] = i
	}
	a.params = append([]param{{"from", w.From}, {"to", w.To}, {"series", idsOf(series)}}, more...)
	return a
}

// runs goes through the rows of a block: from begin to end they are of the series with the index i.
func (a asked) runs(ids proto.ColUInt64, each func(i, begin, end int)) {
	for begin := 0; begin < len(ids); {
		end := begin + 1
		for end < len(ids) && ids[end] == ids[begin] {
			end++
		}
		each(a.at[ids[begin]], begin, end)
		begin = end
	}
}

// samples adds samples to the points of their series, and says how many they are.
func (m *metricSource) samples(ctx context.Context, a asked, condition string, into []promql.Points) (n int, err error) {
	var ids proto.ColUInt64
	var at proto.ColInt64
	var values proto.ColFloat64
	columns := proto.Results{{Name: "series_id", Data: &ids}, {Name: "at", Data: &at}, {Name: "value", Data: &values}}
	text, err := read(ctx, m.db, samplesSQL+condition, a.params, columns, func() error {
		if n += len(ids); n > a.limit {
			return errFull
		}
		a.runs(ids, func(i, begin, end int) {
			into[i].Append(promql.Points{At: at[begin:end], Values: values[begin:end]})
		})
		return nil
	})
	if errors.Is(err, errFull) {
		return 0, m.tooMuch(ctx, a, metricPointsSQL)
	}
	m.text = append(m.text, text)
	return n, err
}

// tooMuch is the error of asking for more than may be read. It counts how much that is.
func (m *metricSource) tooMuch(ctx context.Context, a asked, count string) error {
	n, err := m.counted(ctx, a, count)
	if err != nil {
		return err
	}
	return a.tooMuch(n)
}

func (a asked) tooMuch(points uint64) error {
	names := map[string]bool{}
	for _, s := range a.series {
		names[s.Name] = true
	}
	return fmt.Errorf("%w: %s would read %d points, and %d are left; name a service with {service=\"…\"}, or ask for less time",
		errTooMuch, list(slices.Sorted(maps.Keys(names))), points, a.limit)
}

func (m *metricSource) counted(ctx context.Context, a asked, count string) (uint64, error) {
	there, _, err := query[struct {
		Points uint64 `ch:"points"`
	}](ctx, m.db, count, a.params)
	if err != nil || len(there) == 0 {
		return 0, err
	}
	return there[0].Points, nil
}
