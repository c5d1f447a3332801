package tools_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/midwatch/midwatch/internal/promql"
	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/toolstest"
)

// rename gives all series other ids from a time on, as an ingester with another key does.
func rename(t *testing.T, db *store.DB, from time.Time) {
	t.Helper()
	do := func(query string, args ...any) {
		t.Helper()
		if err := db.Exec(t.Context(), query, args...); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	do("INSERT INTO metric_series SELECT * REPLACE (bitNot(series_id) AS series_id) FROM metric_series")
	for _, table := range []string{"metric_samples", "metric_minutes", "metric_ten_minutes", "histograms", "exponential_histograms"} {
		do("CREATE TABLE renamed_"+table+" ENGINE = Memory AS SELECT * REPLACE (bitNot(series_id) AS series_id) FROM "+table+" WHERE time >= ?", from)
		do("DELETE FROM "+table+" WHERE time >= ?", from)
		do("INSERT INTO " + table + " SELECT * FROM renamed_" + table)
	}
}

// TestSeriesOfTwoIdsAreOne for every tool that reads metrics.
func TestSeriesOfTwoIdsAreOne(t *testing.T) {
	db := storetest.Open(t)
	shop := toolstest.New(toolstest.Plain, 1, start, onset, toolstest.PoolExhausted(toolstest.Plain, true))
	shop.Run(start, end)
	shop.Write(t, db)
	r := tools.All(db)
	answers := func() map[string]any {
		out := map[string]any{}
		for _, name := range []string{"query_metrics", "list_metrics", "process_resources", "host_resources"} {
			tool, err := r.Get(name)
			if err != nil {
				t.Fatal(err)
			}
			arguments := windows(asking[name])
			if !takes(t, tool, "baseline_from") {
				arguments = during(asking[name])
			}
			out[name] = run[any](t, r, toolstest.Environment, name, arguments)
		}
		return out
	}
	before := answers()
	rename(t, db, onset.Add(12*time.Second))
	if diff := cmp.Diff(before, answers(), cmpopts.EquateApprox(1e-9, 1e-9)); diff != "" {
		t.Errorf("(-one id +two ids):\n%s", diff)
	}
	if text, err := json.Marshal(before); err != nil || len(text) < 1000 {
		t.Errorf("nothing to compare: %s, %v", text, err)
	}
}

// TestPromQLMergesSeriesOfTwoIds of every kind, from points, minutes and ten minutes.
func TestPromQLMergesSeriesOfTwoIds(t *testing.T) {
	day := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -2)
	db := everyKind(t, day)
	engine := promql.New()
	answers := func() map[string]promql.Answer {
		t.Helper()
		out := map[string]promql.Answer{}
		for _, window := range []time.Duration{3 * time.Hour, 15 * time.Hour} {
			for _, expression := range []string{`rate(jobs_done[5m])`, `level`, `rate(total[5m])`, `rate(sizes_bucket[5m])`, `rate(sizes_sum[5m])`, `rate(expo_count[5m])`} {
				at := promql.Range{From: day.Add(4 * time.Hour), To: day.Add(4*time.Hour + window), Step: window / 100}
				a, err := engine.Evaluate(t.Context(), tools.Metrics(db, tools.Scope{Environment: toolstest.Environment}), expression, at)
				if err != nil || len(a.Series) == 0 {
					t.Fatalf("%s over %v: %d series, %v, %v", expression, window, len(a.Series), a.Warnings, err)
				}
				out[expression+" over "+window.String()] = a
			}
		}
		return out
	}
	before := answers()
	rename(t, db, day.Add(5*time.Hour))
	near, warned := cmpopts.EquateApprox(1e-9, math.SmallestNonzeroFloat64), cmpopts.IgnoreFields(promql.Answer{}, "Warnings")
	if diff := cmp.Diff(before, answers(), near, warned); diff != "" {
		t.Errorf("(-one id +two ids):\n%.4000s", diff)
	}
}
