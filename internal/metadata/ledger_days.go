package metadata

import (
	"context"
	"fmt"
	"time"

	"github.com/midwatch/midwatch/internal/llm"
)

// LedgerDay sums up the calls that began on a day, in UTC.
type LedgerDay struct {
	Day   time.Time // its beginning
	Calls int
	Usage llm.Usage
	Cost  int64 // millionths of a US dollar
}

// maxDays bounds LedgerDays.
const maxDays = 31

// LedgerDays sums up what a filter selects by day, newest first, the 31 newest days with calls. Cursor and Limit do not count.
func (d *DB) LedgerDays(ctx context.Context, f LedgerFilter) ([]LedgerDay, error) {
	f.Cursor = ""
	where, args := f.where()
	list := []LedgerDay{}
	const day = int64(24 * time.Hour / time.Microsecond)
	err := d.rows(ctx, d.sql, fmt.Sprintf(`SELECT begun_at / %d AS day, COUNT(*), CAST(SUM(input) AS BIGINT), CAST(SUM(output) AS BIGINT),
		CAST(SUM(cache_read) AS BIGINT), CAST(SUM(cache_write) AS BIGINT), CAST(SUM(cost) AS BIGINT)
		FROM ledger WHERE %s GROUP BY 1 ORDER BY 1 DESC LIMIT %d`, day, where, maxDays), args,
		func(scan func(...any) error) error {
			var l LedgerDay
			var number int64
			err := scan(&number, &l.Calls, &l.Usage.Input, &l.Usage.Output, &l.Usage.CacheRead, &l.Usage.CacheWrite, &l.Cost)
			l.Day = fromMicros(number * day)
			list = append(list, l)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("sum up the ledger by day: %w", err)
	}
	return list, nil
}
