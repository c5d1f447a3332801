-- The old tables go, and what is made of spans and logs is made of the new ones.

DROP TABLE IF EXISTS spans_1;
DROP TABLE IF EXISTS logs_1;
DROP TABLE IF EXISTS events_1;

CREATE MATERIALIZED VIEW IF NOT EXISTS events_mv TO events AS
SELECT time, observed_delay_ns, environment, service, instance, host, event_name, body, trace, span, trace_flags, attributes, resource_json, batch_id
FROM logs WHERE event_name != '';

CREATE MATERIALIZED VIEW IF NOT EXISTS request_minutes_mv TO request_minutes AS
SELECT toStartOfMinute(time) AS minute, environment, service, service_version, name AS operation,
       count() AS requests, countIf(status = 'error') AS errors, sum(duration_ns) AS duration_sum_ns,
       quantilesTDigestState(0.5, 0.95, 0.99)(duration_ns) AS duration
FROM spans WHERE kind = 'server' GROUP BY minute, environment, service, service_version, operation;

CREATE MATERIALIZED VIEW IF NOT EXISTS edge_minutes_mv TO edge_minutes AS
SELECT toStartOfMinute(time) AS minute, environment, service,
       if(peer_service != '', peer_service, concat(attributes['server.address'], ':', attributes['server.port'])) AS peer_service,
       multiIf(attributes['db.system.name'] != '', attributes['db.system.name'], attributes['http.request.method'] != '', 'http', 'tcp') AS protocol,
       count() AS calls, countIf(status = 'error') AS errors, sum(duration_ns) AS duration_sum_ns,
       quantilesTDigestState(0.5, 0.95, 0.99)(duration_ns) AS duration
FROM spans WHERE kind = 'client' GROUP BY minute, environment, service, peer_service, protocol;
