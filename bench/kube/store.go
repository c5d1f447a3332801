package main

import (
	"context"
	"fmt"
	"time"
)

// listed waits until the store has a version of every object.
func (in *installation) listed(ctx context.Context, total int) error {
	var n uint64
	told := time.Now()
	for deadline := time.Now().Add(15 * time.Minute); ; time.Sleep(time.Second) {
		err := in.db.QueryRow(ctx, "SELECT uniqExact(uid) FROM k8s_objects").Scan(&n)
		if time.Since(told) > 10*time.Second {
			told = time.Now()
			fmt.Printf("%d of %d objects stored\n", n, total)
		}
		switch {
		case err == nil && n >= uint64(total): //nolint:gosec // not negative
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Now().After(deadline):
			return fmt.Errorf("the store has %d of %d objects: %w", n, total, err)
		}
	}
}

// lookout is what became of the new pods.
type lookout struct {
	delays []time.Duration // from the watch event of a pod's creation to the store's answer
	rows   uint64
	err    error
}

// drainWithin is how long after the churn the last versions are waited for.
const drainWithin = 30 * time.Second

// lookOut asks the store ten times a second which new pods it has, until it has all that were made before churning ended.
func (in *installation) lookOut(ctx, churning context.Context, made *seen) (out lookout) {
	found := map[string]bool{}
	from := time.Now().Add(-time.Minute)
	for end := (time.Time{}); ; time.Sleep(lookEvery) {
		if churning.Err() != nil && end.IsZero() {
			end = time.Now().Add(drainWithin)
		}
		asked := time.Now()
		rows, err := in.db.Query(ctx, "SELECT DISTINCT uid FROM k8s_objects WHERE environment = 'bench' AND kind = 'Pod' AND action = 'added' AND time > ?", asked.Add(-15*time.Second))
		if err != nil {
			return lookout{err: err}
		}
		now := time.Now()
		for rows.Next() {
			var uid string
			if err := rows.Scan(&uid); err != nil {
				return lookout{err: err}
			}
			if at, ok := made.when(uid); ok && !found[uid] {
				found[uid] = true
				out.delays = append(out.delays, now.Sub(at))
			}
		}
		if err := rows.Err(); err != nil {
			return lookout{err: err}
		}
		if !end.IsZero() && (len(found) == made.count() || now.After(end)) {
			break
		}
	}
	out.err = in.db.QueryRow(ctx, "SELECT (SELECT count() FROM k8s_objects WHERE observed_time > ?) + (SELECT count() FROM logs WHERE time > ?)", from, from).Scan(&out.rows)
	return out
}

func (s *seen) when(uid string) (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.at[uid]
	return at, ok
}

func (s *seen) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.at)
}
