package main

import (
	"context"
	"crypto/md5" //nolint:gosec // the traces of raw.go have such ids
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/bench/questions"
	"github.com/midwatch/midwatch/bench/rig"
	"github.com/midwatch/midwatch/internal/store"
)

// measure makes a variant's tables, fills them, asks, prints, and drops them.
func measure(ctx context.Context, s *rig.Side, o options, v variant) error {
	for _, sql := range append(v.drop, v.create...) {
		if err := s.DB.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%.200s: %w", sql, err)
		}
	}
	rows, from := o.logs, "raw_logs"
	if v.signal == "spans" {
		rows, from = o.spans, "raw_spans"
	}
	reading, err := cpu(s, func() error { return fill(ctx, s, "FUNCTION null('"+v.structure+"')", v, rows) })
	if err != nil {
		return fmt.Errorf("read %s: %w", from, err)
	}
	inserting, err := cpu(s, func() error { return fill(ctx, s, v.into, v, rows) })
	if err != nil {
		return err
	}
	merging, err := cpu(s, func() error { return s.Merged(ctx) })
	if err != nil {
		return err
	}
	d, err := s.Disk(ctx, v.tables...)
	if err != nil {
		return err
	}
	per := func(n uint64) float64 { return float64(n) / float64(rows) }
	us := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(rows) }
	fmt.Printf("\n%s: %.1f bytes/row (%.1f of them indexes, %d parts); CPU %.2f us/row inserting, %.2f merging (%.2f reading left out)\n  %s\n", v.name, per(d.Bytes), per(d.Indexes), d.Parts,
		us(inserting-reading), us(merging), us(reading), d.Top(12, rows))
	for _, q := range questions.All() {
		if sql := v.question(q); sql != "" {
			if v.theirs {
				q.Newest = 0
			}
			if err := ask(ctx, s, o, q, sql); err != nil {
				return fmt.Errorf("%s: %w", q.Name, err)
			}
		}
	}
	if o.keep {
		return nil
	}
	for _, sql := range v.drop {
		if err := s.DB.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

func fill(ctx context.Context, s *rig.Side, into string, v variant, rows int) error {
	for from := 0; from < rows; from += chunkRows {
		sql := "INSERT INTO " + into + " " + strings.ReplaceAll(v.fill, "$chunk", fmt.Sprint(from/chunkRows))
		if err := s.DB.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%.300s: %w", sql, err)
		}
	}
	return nil
}

// cpu is what the store's process took while something was done.
func cpu(s *rig.Side, do func() error) (time.Duration, error) {
	before, err := s.Store.Usage()
	if err != nil {
		return 0, err
	}
	if err := do(); err != nil {
		return 0, err
	}
	after, err := s.Store.Usage()
	return after.CPU - before.CPU, err
}

// ask prints what a question took: CPU, which a busy machine does not change much, and time.
func ask(ctx context.Context, s *rig.Side, o options, q questions.Question, sql string) error {
	pieces, err := someIDs(ctx, s, o.runs+1)
	if err != nil {
		return err
	}
	var took []float64
	var answered int
	spent, err := cpu(s, func() error {
		for n := range o.runs + 1 {
			began, from, to := time.Now(), start(), start().Add(time.Hour+time.Minute)
			trace := md5.Sum(fmt.Appendf(nil, "t%d", n*7919%(o.spans/10))) //nolint:gosec // an id
			in := func(ctx context.Context, from, to time.Time) ([]struct{}, error) {
				return count(ctx, s, sql, questions.Parameters(from, to, n, trace, pieces[n]))
			}
			var rows []struct{}
			var err error
			if q.Newest > 0 {
				rows, err = store.Newest(ctx, from, to, q.Newest, in)
			} else {
				rows, err = in(ctx, from, to)
			}
			if err != nil {
				return err
			}
			answered = len(rows)
			if n > 0 { // the first is not warm
				took = append(took, float64(time.Since(began).Microseconds())/1000)
			}
		}
		return nil
	})
	slices.Sort(took)
	fmt.Printf("  %-14s %8.1f ms CPU, median %8.1f ms, worst %8.1f ms, %d rows\n", q.Name, spent.Seconds()*1000/float64(o.runs+1), took[len(took)/2], took[len(took)-1], answered)
	return err
}

// count reads an answer and forgets it.
func count(ctx context.Context, s *rig.Side, sql string, args []any) (all []struct{}, err error) {
	rows, err := s.DB.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		all = append(all, struct{}{})
	}
	return all, rows.Err()
}

// someIDs returns pieces of the ids of n requests, as the logs have them.
func someIDs(ctx context.Context, s *rig.Side, n int) (pieces []string, err error) {
	err = s.DB.QueryRow(ctx, "SELECT groupArray(substring(extract(body, 'request_id=([0-9a-f]+)'), 5, 16)) FROM (SELECT body FROM raw_logs LIMIT ?)", n).Scan(&pieces)
	return pieces, err
}
