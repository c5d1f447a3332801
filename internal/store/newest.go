package store

import (
	"context"
	"time"
)

const (
	newestWithin = 2 * time.Minute // first look, back from the end
	newestWiden  = 8               // how much longer each further one is at least
)

// Newest returns at most want rows, newest first, of those from from (inclusive) to to (exclusive). ask returns the newest of a stretch, in the
// same order and at most as many. It is asked about the end first and then about longer and longer stretches before that, so that what is
// common is found without reading all of it. Where one has nothing, the next is all the rest.
func Newest[Row any](ctx context.Context, from, to time.Time, want int, ask func(ctx context.Context, from, to time.Time) ([]Row, error)) ([]Row, error) {
	var found []Row
	for within := newestWithin; to.After(from) && len(found) < want; within *= newestWiden {
		begin := to.Add(-within)
		if begin.Before(from) || within > newestWithin && len(found) == 0 {
			begin = from
		}
		rows, err := ask(ctx, begin, to)
		if err != nil {
			return nil, err
		}
		found = append(found, rows[:min(len(rows), want-len(found))]...)
		to = begin
	}
	return found, nil
}
