package store_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
)

// Metrics as versions 1 to 5 stored them: on two days, of several series and scopes, with attributes in more than one order.
var metricsOfVersion1 = []string{
	`INSERT INTO metrics (time, environment, service, instance, host, name, unit, kind, value, attributes, resource, batch_id)
	SELECT toDateTime64('2026-11-20 23:59:00.123456789', 9, 'UTC') + toIntervalSecond(number), 'prod', 'cart', concat('cart/', toString(number % 3)), 'node-1', 'jobs.done', '{job}',
	    if(number % 2, 'gauge', 'sum_cumulative'), number / 7, if(number % 5, map('a', '1', 'b', '2'), map('b', '2', 'a', '1', 'otel.scope.name', 'meter')),
	    map('service.name', 'cart', 'path', 'a/b'), concat('batch-', toString(number % 4)) FROM numbers(120)`,
	`INSERT INTO metric_histograms (time, environment, service, name, unit, temporality, count, sum, bounds, counts, attributes, resource, batch_id)
	SELECT toDateTime64('2026-11-20 23:59:00.5', 9, 'UTC') + toIntervalSecond(number), 'prod', 'cart', 'latency', 's', if(number % 2, 'delta', 'cumulative'), number, number / 3,
	    [0.1, 1.5], [number, 1, 2], map('http.route', '/'), map('service.name', 'cart'), 'batch' FROM numbers(120)`,
}

const (
	pointsOfVersion1 = `SELECT toString((count(), sum(cityHash64(time, environment, service, instance, host, name, unit, toString(kind), value,
		attributes['a'], attributes['b'], attributes['otel.scope.name'], resource['service.name'], resource['path'])))) FROM metrics`
	histogramsOfVersion1 = `SELECT toString((count(), sum(cityHash64(time, service, name, unit, toString(temporality), count, sum, bounds, counts,
		attributes['http.route'], resource['service.name'])))) FROM metric_histograms`
	pointsNow = `SELECT toString((count(), sum(cityHash64(time, s.environment, s.service, s.instance, s.host, s.name, s.unit, toString(s.kind), value,
		s.attributes['a'], s.attributes['b'], toString(s.scope), s.resource['service.name'], s.resource['path']))))
		FROM metric_samples INNER JOIN (SELECT *, resource FROM metric_series FINAL) AS s ON s.series_id = metric_samples.series_id AND s.day = toDate(time)`
	histogramsNow = `SELECT toString((count(), sum(cityHash64(time, s.service, s.name, s.unit, replaceOne(toString(s.kind), 'histogram_', ''), count, sum, bounds, counts,
		s.attributes['http.route'], s.resource['service.name']))))
		FROM histograms INNER JOIN (SELECT *, resource FROM metric_series FINAL) AS s ON s.series_id = histograms.series_id AND s.day = toDate(time)`
	seriesNow = `SELECT toString((count(), uniqExact(series_id), uniqExact(day))) FROM metric_series FINAL`
)

func answers(t *testing.T, db *store.DB, queries ...string) (out []string) {
	t.Helper()
	for _, query := range queries {
		var text string
		if err := db.QueryRow(t.Context(), query).Scan(&text); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		out = append(out, text)
	}
	return out
}

func measured(t *testing.T, version uint32) (db *store.DB, want []string) {
	t.Helper()
	db = storetest.Empty(t)
	store.MigrateTo(t, db, version)
	for _, insert := range metricsOfVersion1 {
		if err := db.Exec(t.Context(), insert); err != nil {
			t.Fatal(err)
		}
	}
	return db, append(answers(t, db, pointsOfVersion1, histogramsOfVersion1), "(28,14,2)")
}

func TestUpgradeKeepsMetrics(t *testing.T) {
	for _, version := range []uint32{1, 2, 5} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			db, want := measured(t, version)
			if err := store.Migrate(t.Context(), db); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, answers(t, db, pointsNow, histogramsNow, seriesNow)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestUpgradeOfMetricsGoesOnWhereItDied kills it after each of its statements.
func TestUpgradeOfMetricsGoesOnWhereItDied(t *testing.T) {
	for died := 1; ; died++ {
		db, want := measured(t, 5)
		if !store.MigrateAndDie(t, db, 5, died) {
			return
		}
		if err := store.Migrate(t.Context(), db); err != nil {
			t.Fatalf("after statement %d: %v", died, err)
		}
		if diff := cmp.Diff(want, answers(t, db, pointsNow, histogramsNow, seriesNow)); diff != "" {
			t.Errorf("after statement %d (-want +got):\n%s", died, diff)
		}
	}
}
