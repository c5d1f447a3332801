package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/midwatch/midwatch/bench/questions"
	"github.com/midwatch/midwatch/internal/store"
)

// variant is a way to store one signal.
type variant struct {
	name, signal string
	into         string   // the table that is inserted into
	tables       []string // whose bytes count
	create, drop []string
	structure    string // of what fill selects
	fill         string // ($columns) SELECT … of chunk $chunk
	questions    map[string]bool
	theirs       bool
	edit         func(string) string // of a question's SQL
}

func (v variant) question(q questions.Question) string {
	if !v.questions[q.Name] {
		return ""
	}
	if v.theirs {
		return strings.NewReplacer("otel_logs", "otel_logs_peer", "otel_traces", "otel_traces_peer").Replace(q.Theirs)
	}
	return v.edit(q.Ours)
}

func set(names ...string) map[string]bool {
	m := map[string]bool{}
	for _, n := range names {
		m[n] = true
	}
	return m
}

const (
	ourLogs = `SELECT time, 1000000 AS observed_delay_ns, 'production' AS environment, service, '' AS instance, node AS host, severity, severity_text, '' AS event_name, body, trace, span,
		if(span = toFixedString('', 8), 0, 1) AS trace_flags, 'log/slog' AS scope, '1.0.0' AS scope_version, attributes, resource_json, batch_id
		FROM raw_logs INNER JOIN raw_resources USING (svc, pod) WHERE chunk = $chunk`
	ourSpans = `SELECT time, duration_ns, 'production' AS environment, service, version AS service_version, '' AS instance, node AS host, kind, name, '' AS peer_service, if(failed, 2, 0) AS status,
		if(failed, 'internal error', '') AS status_message, '' AS error_type, trace, span, parent, '' AS trace_state, 'otelhttp' AS scope, '0.60.0' AS scope_version,
		if(exception = '', attributes, mapConcat(attributes, map('exception.type', 'io.EOF', 'exception.message', exception))) AS attributes, resource_json,
		if(exception = '', [], [time]) AS event_times, if(exception = '', [], ['exception']) AS event_names,
		if(exception = '', [], [map('exception.type', 'io.EOF', 'exception.message', exception)]) AS event_attributes, batch_id
		FROM raw_spans INNER JOIN raw_resources USING (svc, pod) WHERE chunk = $chunk`
	theirLogs = `SELECT time AS Timestamp, if(trace = toFixedString('', 16), '', lower(hex(trace))) AS TraceId, if(span = toFixedString('', 8), '', lower(hex(span))) AS SpanId,
		if(span = toFixedString('', 8), 0, 1) AS TraceFlags, severity_text AS SeverityText, severity AS SeverityNumber, service AS ServiceName, body AS Body, resource AS ResourceAttributes,
		'log/slog' AS ScopeName, '1.0.0' AS ScopeVersion, attributes AS LogAttributes
		FROM raw_logs INNER JOIN raw_resources USING (svc, pod) WHERE chunk = $chunk`
	theirSpans = `SELECT time AS Timestamp, lower(hex(trace)) AS TraceId, lower(hex(span)) AS SpanId, if(parent = toFixedString('', 8), '', lower(hex(parent))) AS ParentSpanId,
		name AS SpanName, ['Unspecified', 'Internal', 'Server', 'Client'][kind + 1] AS SpanKind, service AS ServiceName, resource AS ResourceAttributes, 'otelhttp' AS ScopeName, '0.60.0' AS ScopeVersion,
		attributes AS SpanAttributes, duration_ns AS Duration, if(failed, 'Error', 'Unset') AS StatusCode, if(failed, 'internal error', '') AS StatusMessage,
		if(exception = '', [], [time]) AS ${Events.Timestamp}, if(exception = '', [], ['exception']) AS ${Events.Name},
		if(exception = '', [], [map('exception.type', 'io.EOF', 'exception.message', exception)]) AS ${Events.Attributes}
		FROM raw_spans INNER JOIN raw_resources USING (svc, pod) WHERE chunk = $chunk`
)

func (v variant) selecting(ctx context.Context, db *store.DB, query string) (variant, error) {
	query = strings.NewReplacer("${", "`", "}", "`").Replace(query)
	rows, err := db.Query(ctx, "DESCRIBE ("+strings.ReplaceAll(query, "$chunk", "0")+")")
	if err != nil {
		return v, err
	}
	defer rows.Close()
	var names, structure []string
	for rows.Next() {
		var name, kind, a, b, c, d, e string
		if err := rows.Scan(&name, &kind, &a, &b, &c, &d, &e); err != nil {
			return v, err
		}
		names = append(names, "`"+name+"`")
		structure = append(structure, "`"+name+"` "+strings.ReplaceAll(kind, "'", "\\'"))
	}
	v.fill = "(" + strings.Join(names, ", ") + ") " + query
	v.structure = strings.Join(structure, ", ")
	return v, rows.Err()
}

var (
	askedOfLogs  = []string{"rare_word", "common_words", "substring", "errors", "severities"}
	askedOfSpans = []string{"trace", "p99", "slowest"}
)

// variants are the exporter's tables, ours as they are, and ours as they might be.
func variants(ctx context.Context, db *store.DB, o options) (all []variant, err error) {
	if o.peer != "" {
		if all, err = theirs(o); err != nil {
			return nil, err
		}
	}
	logs, err := ours(ctx, db, "logs", logEdits())
	if err != nil {
		return nil, err
	}
	spans, err := ours(ctx, db, "spans", spanEdits())
	if err != nil {
		return nil, err
	}
	all = append(append(all, logs...), spans...)
	for i, v := range all {
		query := map[string]string{"logs": ourLogs, "spans": ourSpans}[v.signal]
		v.questions = set(askedOfLogs...)
		if v.signal == "spans" {
			v.questions = set(askedOfSpans...)
		}
		if v.theirs {
			query = map[string]string{"logs": theirLogs, "spans": theirSpans}[v.signal]
		}
		if all[i], err = v.selecting(ctx, db, query); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// theirs are the exporter's tables, made by its own templates.
func theirs(o options) ([]variant, error) {
	logs := struct {
		Database, TableName, ClusterString, Engine, TTL string
		HasFullTextSearch                               bool
	}{"midwatch", "otel_logs_peer", "", "MergeTree()", "", true}
	t, err := template.New("").Funcs(template.FuncMap{"ident": func(s string) string { return "`" + s + "`" }}).ParseFiles(filepath.Join(o.peer, "logs_table.sql"))
	if err != nil {
		return nil, err
	}
	var logsTable bytes.Buffer
	if err := t.ExecuteTemplate(&logsTable, "logs_table.sql", logs); err != nil {
		return nil, err
	}
	var sql [3]string
	for i, name := range []string{"traces_table", "traces_id_ts_lookup_table", "traces_id_ts_lookup_mv"} {
		b, err := os.ReadFile(filepath.Join(o.peer, name+".sql"))
		if err != nil {
			return nil, err
		}
		sql[i] = string(b)
	}
	const db, table = "midwatch", "otel_traces_peer"
	return []variant{
		{
			name: "peer-logs", signal: "logs", into: logs.TableName, tables: []string{logs.TableName}, theirs: true,
			create: []string{logsTable.String()}, drop: []string{"DROP TABLE IF EXISTS " + logs.TableName},
		},
		{
			name: "peer-spans", signal: "spans", into: table, tables: []string{table, table + "_trace_id_ts"}, theirs: true,
			create: []string{
				fmt.Sprintf(sql[0], db, table, "", "MergeTree()", ""), fmt.Sprintf(sql[1], db, table, "", "MergeTree()", ""), fmt.Sprintf(sql[2], db, table, "", db, table, db, table),
			},
			drop: []string{"DROP TABLE IF EXISTS " + table + "_trace_id_ts_mv", "DROP TABLE IF EXISTS " + table, "DROP TABLE IF EXISTS " + table + "_trace_id_ts"},
		},
	}, nil
}

// edited is a change of our table's definition: pairs of what to replace by what. A piece that is not found is an error.
type edited struct {
	name  string
	pairs []string
	also  []string            // statements after it, of table $table
	ask   func(string) string // of questions
}

func ours(ctx context.Context, db *store.DB, table string, edits []edited) ([]variant, error) {
	var ddl string
	if err := db.QueryRow(ctx, "SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND name = ?", table).Scan(&ddl); err != nil {
		return nil, err
	}
	rollups := map[string][]string{"logs": {"log_minutes", "events"}, "spans": {"request_minutes", "edge_minutes", "service_minutes", "slowest_minutes"}}
	real := variant{name: table + "-and-rollups", signal: table, into: table, tables: append([]string{table}, rollups[table]...), edit: func(sql string) string { return sql }}
	for _, t := range real.tables {
		real.drop = append(real.drop, "TRUNCATE TABLE "+t)
	}
	all := []variant{real}
	for _, e := range append([]edited{{name: "alone"}}, edits...) {
		name := strings.ReplaceAll(table+"_"+e.name, "-", "_")
		made := strings.Replace(ddl, "midwatch."+table+" ", name+" ", 1)
		for i := 0; i+1 < len(e.pairs); i += 2 {
			if !strings.Contains(made, e.pairs[i]) {
				return nil, fmt.Errorf("%s: no %q in %s", e.name, e.pairs[i], made)
			}
			made = strings.ReplaceAll(made, e.pairs[i], e.pairs[i+1])
		}
		v := variant{
			name: table + "-" + e.name, signal: table, into: name, tables: []string{name}, create: []string{made}, drop: []string{"DROP TABLE IF EXISTS " + name},
			edit: func(sql string) string {
				sql = strings.NewReplacer("FROM "+table+"\n", "FROM "+name+"\n", "FROM "+table+" PREWHERE", "FROM "+name+" PREWHERE").Replace(sql)
				if e.ask != nil {
					sql = e.ask(sql)
				}
				return sql
			},
		}
		for _, also := range e.also {
			v.create = append(v.create, strings.ReplaceAll(also, "$table", name))
		}
		all = append(all, v)
	}
	return all, nil
}
