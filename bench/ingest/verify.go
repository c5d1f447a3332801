package main

import (
	"context"
	"fmt"
	"time"

	"github.com/midwatch/midwatch/bench/figure"
	"github.com/midwatch/midwatch/bench/load"
	"github.com/midwatch/midwatch/bench/rig"
)

// verdict compares what was taken with what is stored.
type verdict struct {
	rows, lost, twice int64
}

func (v verdict) figures(name string) []figure.Figure {
	return []figure.Figure{
		figure.AtLeast(name+"_rows_stored", float64(v.rows), "rows", 1),
		figure.AtMost(name+"_rows_lost", float64(v.lost), "rows", 0),
		figure.AtMost(name+"_rows_twice", float64(v.twice), "rows", 0),
	}
}

// verify looks at every request: each has an id that its rows carry, and as many rows as any other.
func (d *delivery) verify(ctx context.Context) (v verdict, err error) {
	for signal, l := range d.lanes {
		var requests, rows, missing, twice int64
		err := d.side.DB.QueryRow(ctx, fmt.Sprintf(`SELECT toInt64(count()), toInt64(sum(n)), toInt64(sum(greatest(%[1]d - n, 0))), toInt64(sum(greatest(n - %[1]d, 0)))
			FROM (SELECT batch_id, toInt64(count()) AS n FROM %[2]s GROUP BY batch_id)`, load.Rows, d.side.Tables[signal][0])).Scan(&requests, &rows, &missing, &twice)
		if err != nil {
			return v, fmt.Errorf("count %s: %w", signal, err)
		}
		acked := l.sent.Acked.Load()
		if acked != l.next.Load() {
			return v, fmt.Errorf("%d requests of %s were made and %d taken", l.next.Load(), signal, acked)
		}
		v.rows += rows
		v.lost += missing + max(0, acked-requests)*load.Rows
		v.twice += twice + max(0, requests-acked)*load.Rows
	}
	return v, nil
}

// repaired is how long after the last kill the rollups may differ from the rows: the ingester compares what was in doubt once a minute is over.
const repaired = 3 * time.Minute

// rollups says in how many minutes they differ from the rows they come from.
func (d *delivery) rollups(ctx context.Context) (wrong uint64, err error) {
	err = rig.Await(ctx, repaired, "the rollups to be as the rows are", func() (bool, error) {
		wrong = 0
		for _, sql := range differences() {
			var n uint64
			if err := d.side.DB.QueryRow(ctx, sql).Scan(&n); err != nil {
				return false, err
			}
			wrong += n
		}
		return wrong == 0, nil
	})
	if wrong > 0 && ctx.Err() == nil {
		err = nil // the figure says it
	}
	return wrong, err
}

// differences count the minutes in which a rollup's sums are not those of the spans.
func differences() []string {
	compare := func(table, count, operation, spans, kind string) string {
		return fmt.Sprintf(`SELECT uniqExact(minute) FROM (
			SELECT minute, service, what FROM (
				SELECT toStartOfMinute(time) AS minute, service, %s AS what, toInt64(count()) AS n, toInt64(countIf(status = 'error')) AS failed, toInt64(sum(duration_ns)) AS took
				FROM spans WHERE kind = '%s' GROUP BY minute, service, what
				UNION ALL SELECT minute, service, %s AS what, -toInt64(sum(%s)), -toInt64(sum(errors)), -toInt64(sum(duration_sum_ns)) FROM %s GROUP BY minute, service, what)
			GROUP BY minute, service, what HAVING sum(n) != 0 OR sum(failed) != 0 OR sum(took) != 0)`, spans, kind, operation, count, table)
	}
	return []string{
		compare("request_minutes", "requests", "operation", "name", "server"),
		compare("edge_minutes", "calls", "''", "''", "client"),
		compare("service_minutes", "requests", "''", "''", "server"),
		`SELECT countIf(a.n != b.n OR a.top != b.top) FROM (
			SELECT toStartOfMinute(time) AS minute, count() AS n, groupArraySorted(10)((-toInt64(duration_ns), trace, span, toString(service), toString(name))) AS top
			FROM spans GROUP BY minute) AS a
		FULL OUTER JOIN (SELECT minute, sum(spans) AS n, groupArraySortedMerge(10)(slowest) AS top FROM slowest_minutes GROUP BY minute) AS b ON a.minute = b.minute`,
	}
}
