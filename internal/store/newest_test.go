package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/internal/store"
)

func TestNewest(t *testing.T) {
	from := time.Unix(1_800_000_000, 0)
	for _, c := range []struct {
		name        string
		every       time.Duration
		want, asked int
	}{
		{"common", time.Second, 100, 1},
		{"less common", 10 * time.Second, 100, 2},
		{"a few, then more", 100 * time.Second, 36, 3},
		{"rare", 20 * time.Minute, 3, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			to := from.Add(time.Hour)
			var stretches [][2]time.Time
			got, err := store.Newest(t.Context(), from, to, 100, func(_ context.Context, a, b time.Time) (rows []time.Time, _ error) {
				stretches = append(stretches, [2]time.Time{a, b})
				for at := to.Add(-c.every); !at.Before(from); at = at.Add(-c.every) {
					if !at.Before(a) && at.Before(b) && len(rows) < 100 {
						rows = append(rows, at)
					}
				}
				return rows, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			var want []time.Time
			for n := range c.want {
				want = append(want, to.Add(-time.Duration(n+1)*c.every))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if len(stretches) != c.asked || stretches[0][1] != to {
				t.Errorf("asked about %v", stretches)
			}
		})
	}
}
