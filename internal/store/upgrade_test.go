package store_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
)

// Rows as version 1 stored them: with ids and without, of an event and of none, on two days, with an attribute that became a column.
var rowsOfVersion1 = []string{
	`INSERT INTO spans (time, duration_ns, environment, service, service_version, kind, name, peer_service, status, trace_id, span_id, parent_span_id, attributes, resource, batch_id)
	SELECT toDateTime64('2026-11-20 23:59:00.123456789', 9, 'UTC') + toIntervalSecond(number), number, 'prod', 'cart', 'v1', if(number % 2, 'server', 'client'), 'GET /', 'redis',
	    if(number % 10 = 0, 'error', 'unset'), if(number % 3, lower(hex(MD5(toString(number)))), ''), if(number % 3, '00f067aa0ba902b7', ''), '',
	    map('otel.scope.name', 'otelhttp', 'db.system.name', 'redis', 'url.path', '/a"b'), map('service.name', 'cart', 'path', 'a/b', 'quoted', '"x"'), concat('batch-', toString(number % 4))
	FROM numbers(120)`,
	`INSERT INTO logs (time, observed_time, environment, service, severity, severity_text, event_name, body, trace_id, span_id, attributes, resource, batch_id)
	SELECT toDateTime64('2026-11-20 23:59:00.5', 9, 'UTC') + toIntervalSecond(number) AS t, t + toIntervalMillisecond(7), 'prod', 'cart', 9, 'INFO', if(number % 40, '', 'midwatch.deployment'),
	    concat('line ', toString(number)), if(number % 3, lower(hex(MD5(toString(number)))), ''), '', map('otel.scope.name', 'slog', 'n', toString(number)), map('service.name', 'cart'), 'batch'
	FROM numbers(120)`,
}

// contents is what a store says of those rows, read as every version can be read.
func contents(t *testing.T, db *store.DB) (out []string) {
	t.Helper()
	for _, query := range []string{
		`SELECT (count(), sum(cityHash64(time, duration_ns, environment, service, service_version, toString(kind), name, peer_service, toString(status), trace_id, span_id, parent_span_id,
			attributes['db.system.name'], attributes['url.path'], resource['service.name'], resource['path'], resource['quoted']))) FROM spans`,
		`SELECT (count(), sum(cityHash64(time, observed_time, environment, service, severity, severity_text, event_name, body, trace_id, span_id, attributes['n'], resource['service.name']))) FROM logs`,
		`SELECT (count(), sum(cityHash64(time, environment, service, event_name, body, attributes['n'], resource['service.name']))) FROM events`,
		`SELECT (sum(requests), sum(errors), quantilesTDigestMerge(0.5, 0.95, 0.99)(duration)) FROM request_minutes`,
		`SELECT (sum(calls), sum(errors), any(protocol)) FROM edge_minutes`,
	} {
		var text string
		if err := db.QueryRow(t.Context(), "SELECT toString(*) FROM ("+query+")").Scan(&text); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		out = append(out, text)
	}
	return out
}

// filled is a store of an earlier version, with rows.
func filled(t *testing.T, version uint32) *store.DB {
	t.Helper()
	db := storetest.Empty(t)
	store.MigrateTo(t, db, version)
	for _, insert := range rowsOfVersion1 {
		if err := db.Exec(t.Context(), insert); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

func TestUpgradeKeepsTheRows(t *testing.T) {
	for _, version := range []uint32{1, 2} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			db := filled(t, version)
			want := contents(t, db)
			if err := store.Migrate(t.Context(), db); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, contents(t, db)); diff != "" {
				t.Errorf("contents (-want +got):\n%s", diff)
			}
			wantNew(t, db)
			for _, insert := range []string{
				"INSERT INTO spans (time, service, kind) SELECT '2026-11-21 12:00:00', 'cart', 'server'",
				"INSERT INTO spans (time, service, kind) SELECT '2026-11-21 12:00:00', 'cart', 'client'",
				"INSERT INTO logs (time, event_name) SELECT '2026-11-21 12:00:00', 'midwatch.deployment'",
			} {
				if err := db.Exec(t.Context(), insert); err != nil {
					t.Fatal(err)
				}
			}
			var views string
			if err := db.QueryRow(t.Context(), `SELECT toString(((SELECT count() FROM request_minutes WHERE minute = '2026-11-21 12:00:00'),
				(SELECT count() FROM edge_minutes WHERE minute = '2026-11-21 12:00:00'), (SELECT count() FROM events WHERE time = '2026-11-21 12:00:00'),
				(SELECT sum(spans) FROM slowest_minutes WHERE minute = '2026-11-21 12:00:00')))`).Scan(&views); err != nil || views != "(1,1,1,2)" {
				t.Errorf("what the views made of new rows: %s, %v; want one each, of two spans", views, err)
			}
		})
	}
}

// wantNew checks what has another form in the new tables.
func wantNew(t *testing.T, db *store.DB) {
	t.Helper()
	for query, want := range map[string]string{
		"SELECT toString((uniqExact(scope), any(scope), countIf(mapContains(attributes, 'otel.scope.name')), any(resource_json))) FROM spans":                       `(1,'otelhttp',0,'{"service.name":"cart","path":"a/b","quoted":"\\"x\\""}')`,
		"SELECT toString((sum(lines), uniqExact(minute), any(severity_text))) FROM log_minutes":                                                                     "(120,2,'INFO')",
		"SELECT toString((any(scope), countIf(trace = toFixedString('', 16)))) FROM logs":                                                                           "('slog',40)",
		"SELECT toString((sum(spans), sum(requests), sum(errors), uniqExact(minute), -groupArraySortedMerge(10)(slowest)[10].1)) FROM service_minutes":              "(120,60,0,2,110)",
		"SELECT toString((sum(spans), uniqExact(minute), -groupArraySortedMerge(10)(slowest)[10].1, groupArraySortedMerge(10)(slowest)[1].4)) FROM slowest_minutes": "(120,2,110,'cart')",
		// The first eight bytes of SHA-256, big endian: what the ingester makes of a request's id.
		"SELECT toString(groupUniqArray(batch_id) = [0x4bb24efc9641afc5]) FROM logs": "1",
	} {
		var got string
		if err := db.QueryRow(t.Context(), query).Scan(&got); err != nil || got != want {
			t.Errorf("%s\n got %s, %v\nwant %s", query, got, err, want)
		}
	}
}

// TestUpgradeGoesOnWhereItDied kills an upgrade after each of its statements.
func TestUpgradeGoesOnWhereItDied(t *testing.T) {
	var want []string
	for died, more := 1, true; more; died++ {
		t.Run(fmt.Sprint(died), func(t *testing.T) {
			more = false // unless it comes that far
			db := filled(t, 2)
			if want == nil {
				want = contents(t, db)
			}
			if !store.MigrateAndDie(t, db, 2, died) {
				return
			}
			if err := store.Migrate(t.Context(), db); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, contents(t, db)); diff != "" {
				t.Fatalf("contents (-want +got):\n%s", diff)
			}
			more = true
		})
	}
}

// spansOfMany are of so many minutes before noon, each of two services and twenty spans.
func spansOfMany(minutes int) string {
	return fmt.Sprintf(`INSERT INTO spans (time, duration_ns, environment, service, kind, name, trace, span)
		SELECT toDateTime64('2026-11-20 12:00:00', 9, 'UTC') - toIntervalMinute(intDiv(number, 20)), number, 'prod', if(number %% 2, 'cart', 'payment'), 'server', 'GET /',
		    MD5(toString(number)), substring(MD5(toString(number)), 1, 8)::FixedString(8)
		FROM numbers(%d)`, 20*minutes)
}

// wrongSlowest counts minutes whose slowest spans are not those of the rows.
const wrongSlowest = `SELECT toString((count(), countIf(a.top != b.top OR a.n != b.n))) FROM (
	SELECT toStartOfMinute(time) AS minute, count() AS n, groupArraySorted(10)((-toInt64(duration_ns), trace, span, toString(service), toString(name))) AS top FROM spans GROUP BY minute) AS a
	FULL OUTER JOIN (SELECT minute, sum(spans) AS n, groupArraySortedMerge(10)(slowest) AS top FROM slowest_minutes GROUP BY minute) AS b ON a.minute = b.minute`

// TestUpgradeFindsTheSlowestOfEveryMinute of a store that has rollups, in little memory, and again if it died.
func TestUpgradeFindsTheSlowestOfEveryMinute(t *testing.T) {
	for version, minutes := range map[uint32]int{10: 30, 11: 3 * 24 * 60} {
		db := storetest.Empty(t)
		store.MigrateTo(t, db, version)
		if err := db.Exec(t.Context(), spansOfMany(minutes)); err != nil {
			t.Fatal(err)
		}
		for next := version + 1; next <= 13; next++ {
			if err := store.MigrateWithin(t, db, min(next, 12), 64<<20); err != nil { // the last one twice
				t.Fatal(err)
			}
		}
		if err := store.Migrate(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		if err := db.Exec(t.Context(), spansOfMany(1)); err != nil {
			t.Fatal(err)
		}
		if got := answers(t, db, wrongSlowest)[0]; got != fmt.Sprintf("(%d,0)", minutes) {
			t.Errorf("from version %d: minutes, and those that are wrong: %s", version, got)
		}
	}
}
