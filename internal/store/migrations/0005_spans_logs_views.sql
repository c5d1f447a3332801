-- The old tables go, and what is made of spans and logs is made of the new ones.

DROP TABLE IF EXISTS spans_1;
DROP TABLE IF EXISTS logs_1;
DROP TABLE IF EXISTS events_1;

CREATE MATERIALIZED VIEW IF NOT EXISTS events_mv TO events AS
SELECT time, observed_delay_ns, environment, service, instance, host, event_name, body, trace, span, trace_flags, attributes, resource_json, batch_id
FROM logs WHERE event_name != '';

CREATE MATERIALIZED VIEW IF NOT EXISTS request_minutes_mv TO request_minutes AS
SELECT toStartOfMinute(time) AS minute, environment, service, service_version, name AS operation,
       count() AS requests, countIf(status = 'error') AS errors, sum(duration_ns) AS duration_sum_ns, max(duration_ns) AS duration_max_ns,
       quantilesTDigestState(0.5, 0.95, 0.99)(duration_ns) AS duration
FROM spans WHERE kind = 'server' GROUP BY minute, environment, service, service_version, operation;

CREATE MATERIALIZED VIEW IF NOT EXISTS edge_minutes_mv TO edge_minutes AS
SELECT toStartOfMinute(time) AS minute, environment, service,
       if(peer_service != '', peer_service, concat(attributes['server.address'], ':', attributes['server.port'])) AS peer_service,
       multiIf(attributes['db.system.name'] != '', attributes['db.system.name'], attributes['http.request.method'] != '', 'http', 'tcp') AS protocol,
       count() AS calls, countIf(status = 'error') AS errors, sum(duration_ns) AS duration_sum_ns, max(duration_ns) AS duration_max_ns,
       quantilesTDigestState(0.5, 0.95, 0.99)(duration_ns) AS duration
FROM spans WHERE kind = 'client' GROUP BY minute, environment, service, peer_service, protocol;

CREATE MATERIALIZED VIEW IF NOT EXISTS log_minutes_mv TO log_minutes AS
SELECT toStartOfMinute(time) AS minute, environment, service, severity, severity_text, count() AS lines
FROM logs GROUP BY minute, environment, service, severity, severity_text;

-- The tables of OpenTelemetry's ClickHouse exporter, for dashboards that were made for them.
CREATE VIEW IF NOT EXISTS otel_logs AS
SELECT time AS Timestamp, trace_id AS TraceId, span_id AS SpanId, trace_flags AS TraceFlags, severity_text AS SeverityText, severity AS SeverityNumber,
       service AS ServiceName, body AS Body, toLowCardinality('') AS ResourceSchemaUrl, JSONExtract(resource_json, 'Map(LowCardinality(String), String)') AS ResourceAttributes,
       toLowCardinality('') AS ScopeSchemaUrl, CAST(scope, 'String') AS ScopeName, scope_version AS ScopeVersion,
       CAST(map(), 'Map(LowCardinality(String), String)') AS ScopeAttributes, attributes AS LogAttributes, CAST(event_name, 'String') AS EventName,
       simpleJSONExtractString(resource_json, 'k8s.cluster.name') AS `__otel_materialized_k8s.cluster.name`,
       simpleJSONExtractString(resource_json, 'k8s.container.name') AS `__otel_materialized_k8s.container.name`,
       simpleJSONExtractString(resource_json, 'k8s.deployment.name') AS `__otel_materialized_k8s.deployment.name`,
       simpleJSONExtractString(resource_json, 'k8s.namespace.name') AS `__otel_materialized_k8s.namespace.name`,
       simpleJSONExtractString(resource_json, 'k8s.node.name') AS `__otel_materialized_k8s.node.name`,
       simpleJSONExtractString(resource_json, 'k8s.pod.name') AS `__otel_materialized_k8s.pod.name`,
       simpleJSONExtractString(resource_json, 'k8s.pod.uid') AS `__otel_materialized_k8s.pod.uid`,
       simpleJSONExtractString(resource_json, 'deployment.environment.name') AS `__otel_materialized_deployment.environment.name`
FROM logs;

CREATE VIEW IF NOT EXISTS otel_traces AS
SELECT time AS Timestamp, trace_id AS TraceId, span_id AS SpanId, parent_span_id AS ParentSpanId, trace_state AS TraceState, name AS SpanName,
       toLowCardinality(initcap(toString(kind))) AS SpanKind, service AS ServiceName, JSONExtract(resource_json, 'Map(LowCardinality(String), String)') AS ResourceAttributes,
       CAST(scope, 'String') AS ScopeName, CAST(scope_version, 'String') AS ScopeVersion, attributes AS SpanAttributes, duration_ns AS Duration,
       toLowCardinality(initcap(toString(status))) AS StatusCode, status_message AS StatusMessage,
       event_times AS `Events.Timestamp`, event_names AS `Events.Name`, event_attributes AS `Events.Attributes`,
       arrayMap(t -> replaceOne(lower(hex(t)), '00000000000000000000000000000000', ''), link_traces) AS `Links.TraceId`, arrayMap(s -> replaceOne(lower(hex(s)), '0000000000000000', ''), link_spans) AS `Links.SpanId`,
       link_states AS `Links.TraceState`, link_attributes AS `Links.Attributes`
FROM spans;

-- When a trace began and ended; as in the exporter's table a trace has several rows, of which min and max are taken.
CREATE VIEW IF NOT EXISTS otel_traces_trace_id_ts AS
SELECT trace_id AS TraceId, toDateTime(time) AS Start, toDateTime(time) AS End FROM spans WHERE trace != toFixedString('', 16);
