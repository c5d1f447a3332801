package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/midwatch/midwatch/bench/load"
	"github.com/midwatch/midwatch/internal/store"
)

// raw is the telemetry as it arrives, in tables that every variant is filled from: what bench/load sends, drawn by the store itself. It lies
// in the order of arrival, in chunks of what one insert brings.
const chunkRows = 100_000

// start is the time of the first row; a day that has begun long enough for one partition.
func start() time.Time { return time.Now().UTC().Truncate(24 * time.Hour).Add(8 * time.Hour) }

// makeRaw fills the tables raw_logs and raw_spans, unless they are there with so many rows.
func makeRaw(ctx context.Context, db *store.DB, logs, spans int) error {
	resources := strings.NewReplacer("$names", literal(serviceNames())).Replace(rawResources)
	for _, make := range []struct {
		table, create, fill string
		rows                int
	}{
		{"raw_resources", "", resources, load.Services * 3},
		{"raw_logs", rawLogsTable, rawLogs, logs},
		{"raw_spans", rawSpansTable, rawSpans, spans},
	} {
		var n uint64
		if err := db.QueryRow(ctx, "SELECT count() FROM "+make.table).Scan(&n); err == nil && n == uint64(make.rows) { //nolint:gosec // not negative
			continue
		}
		if err := db.Exec(ctx, "DROP TABLE IF EXISTS "+make.table); err != nil {
			return err
		}
		if make.create == "" {
			if err := db.Exec(ctx, make.fill); err != nil {
				return err
			}
			continue
		}
		if err := db.Exec(ctx, make.create); err != nil {
			return err
		}
		for from := 0; from < make.rows; from += chunkRows {
			if err := db.Exec(ctx, filling(make.fill, from, make.rows)); err != nil {
				return fmt.Errorf("fill %s: %w", make.table, err)
			}
		}
	}
	return nil
}

func filling(sql string, from, total int) string {
	return strings.NewReplacer("$from", fmt.Sprint(from), "$total", fmt.Sprint(total), "$rows", fmt.Sprint(min(chunkRows, total-from)),
		"$start", fmt.Sprint(start().UnixNano()), "$chunk", fmt.Sprint(from/chunkRows), "$words", literal(load.Words()), "$routes", literal(load.Routes()),
		"$services", literal(serviceNames())).Replace(sql)
}

func serviceNames() []string {
	var names []string
	for n := range load.Services {
		names = append(names, load.Service(n))
	}
	return names
}

func literal(words []string) string { return "['" + strings.Join(words, "', '") + "']" }

const (
	rawResources = `CREATE TABLE raw_resources ENGINE = MergeTree ORDER BY (svc, pod) AS
		WITH $names AS names, lower(hex(MD5(concat('pod', toString(svc), '-', toString(pod))))) AS h
		SELECT toUInt8(intDiv(number, 3)) AS svc, toUInt8(number % 3) AS pod, names[svc + 1] AS service, concat('1.', toString(svc), '.3') AS version,
			concat('node-', toString((svc + pod) % 8)) AS node,
			CAST(map('service.name', service, 'service.version', version, 'deployment.environment.name', 'production', 'k8s.cluster.name', 'eu-1',
				'k8s.namespace.name', ['shop', 'core', 'data'][svc % 3 + 1], 'k8s.deployment.name', service,
				'k8s.pod.name', concat(service, '-', substring(h, 1, 10), '-', substring(h, 11, 5)), 'k8s.pod.uid', lower(hex(MD5(h))), 'k8s.node.name', node,
				'k8s.container.name', 'app', 'host.name', node, 'telemetry.sdk.language', 'go'), 'Map(LowCardinality(String), String)') AS resource,
			toJSONString(resource) AS resource_json
		FROM numbers(60)`

	rawLogsTable = `CREATE TABLE raw_logs (chunk UInt16, time DateTime64(9, 'UTC'), svc UInt8, pod UInt8, severity UInt8, severity_text LowCardinality(String), body String,
			trace FixedString(16), span FixedString(8), attributes Map(LowCardinality(String), String), batch_id UInt64)
		ENGINE = MergeTree PARTITION BY intDiv(chunk, 10) ORDER BY chunk SETTINGS index_granularity = 8192`

	rawLogs = `INSERT INTO raw_logs
		WITH $words AS words, $routes AS routes, intDiv(number, 50) AS block, intDiv(number, 1000) AS request,
			randCanonical(1) AS p, randCanonical(2) AS u, exp(randNormal(2.5, 0.8, 3)) AS dur, 1 + rand(4) % 10 AS route, rand(5) % 50000 AS user,
			multiIf(p < 0.02, 17, p < 0.07, 13, p < 0.27, 5, 9) AS sev, if(sev = 17, 500 + rand(6) % 4, 200) AS status,
			concat(['GET', 'POST', 'PUT'][1 + rand(7) % 3], ' ', routes[route], ' ', toString(status), ' ', toString(round(dur, 3)), 'ms user=', toString(user), ' request_id=',
				lower(hex(MD5(toString(rand64(8))))), ' remote=10.', toString(rand(9) % 4), '.', toString(rand(10) % 256), '.', toString(rand(11) % 256), ':') AS head,
			toUInt8(greatest(2, (150 + rand(12) % 150 - length(head)) / 8.2)) AS n
		SELECT $chunk AS chunk, fromUnixTimestamp64Nano(toInt64($start + (request * 1000 + u * 1000) / $total * 3600e9), 'UTC') AS time,
			toUInt8(20 * (cityHash64(block, 1) % 1000003 / 1000003) * (cityHash64(block, 2) % 1000003 / 1000003)) AS svc, toUInt8(cityHash64(block, 3) % 3) AS pod,
			sev AS severity, multiIf(sev = 17, 'ERROR', sev = 13, 'WARN', sev = 5, 'DEBUG', 'INFO') AS severity_text,
			concat(head, ' ', arrayStringConcat(arrayMap(i -> words[1 + rand(i) % 50], range(n)), ' '), if(rand(13) % 100000 = 0, ' needle_in_haystack', '')) AS body,
			if(rand(14) % 10 < 6, MD5(concat('t', toString(rand(15) % intDiv($total, 10)))), toFixedString('', 16)) AS trace,
			if(trace = toFixedString('', 16), toFixedString('', 8), toFixedString(reinterpretAsString(rand64(16)), 8)) AS span,
			CAST(arrayConcat([('http.request.method', 'GET'), ('http.route', routes[route]), ('http.response.status_code', toString(status)), ('duration_ms', toString(round(dur, 3))),
				('user.id', toString(user)), ('log.file.name', 'app.log'), ('code.function.name', concat('handler', toString(rand(17) % 40))), ('thread.id', toString(rand(18) % 64))],
				arrayMap(k -> (concat('app.attr', toString(k)), words[1 + rand(k) % 50]), range(rand(19) % 5))), 'Map(LowCardinality(String), String)') AS attributes,
			cityHash64(request, 'batch') AS batch_id
		FROM numbers($from, $rows)`

	rawSpansTable = `CREATE TABLE raw_spans (chunk UInt16, time DateTime64(9, 'UTC'), svc UInt8, pod UInt8, kind UInt8, name LowCardinality(String), duration_ns UInt64,
			failed Bool, trace FixedString(16), span FixedString(8), parent FixedString(8), attributes Map(LowCardinality(String), String), exception String, batch_id UInt64)
		ENGINE = MergeTree PARTITION BY intDiv(chunk, 10) ORDER BY chunk SETTINGS index_granularity = 8192`

	rawSpans = `INSERT INTO raw_spans
		WITH $words AS words, $routes AS routes, intDiv(number, 1000) AS request, intDiv(number, 10) AS t, number % 10 AS depth, 1 + rand(1) % 10 AS route,
			toUInt64(exp(randNormal(2.5, 1, 2)) * 1e6) AS dur
		SELECT $chunk AS chunk, fromUnixTimestamp64Nano(toInt64($start + (request * 1000 + cityHash64(t, 4) % 1000000 / 1000) / $total * 3600e9 + depth * 1e6 + rand(3) % 1000000), 'UTC') AS time,
			if(depth = 0, 0, toUInt8(20 * randCanonical(4) * randCanonical(5))) AS svc, toUInt8(rand(6) % 3) AS pod, if(depth % 2, 3, 2) AS kind, concat('GET ', routes[route]) AS name,
			dur AS duration_ns, rand(7) % 50 = 0 AS failed, MD5(concat('t', toString(t))) AS trace,
			toFixedString(substring(MD5(concat('s', toString(number))), 1, 8), 8) AS span,
			if(depth = 0, toFixedString('', 8), toFixedString(substring(MD5(concat('s', toString(number - 1 - rand(8) % depth))), 1, 8), 8)) AS parent,
			CAST([('http.request.method', 'GET'), ('http.route', routes[route]), ('http.response.status_code', if(failed, '500', '200')), ('url.scheme', 'http'),
				('server.address', $services[svc + 1]), ('server.port', '8080'), ('network.peer.address', concat('10.', toString(rand(9) % 4), '.', toString(rand(10) % 256), '.', toString(rand(11) % 256))),
				('user_agent.original', 'Go-http-client/1.1'), ('url.path', concat('/api/v1/items/', toString(rand(12) % 100000)))], 'Map(LowCardinality(String), String)') AS attributes,
			if(rand(13) % 20 = 0, words[1 + rand(14) % 50], '') AS exception, cityHash64(request, 'batch') AS batch_id
		FROM numbers($from, $rows)`
)
