-- Edges say what is spoken on them also where it is no database and no HTTP: they said tcp. Sums of before keep that. Nothing is written meanwhile: what writes
-- waits for the schema.
DROP VIEW IF EXISTS edge_minutes_mv;
CREATE MATERIALIZED VIEW IF NOT EXISTS edge_minutes_mv TO edge_minutes AS
SELECT toStartOfMinute(time) AS minute, environment, service,
       if(peer_service != '', peer_service, concat(attributes['server.address'], ':', attributes['server.port'])) AS peer_service,
       multiIf(attributes['db.system.name'] != '', attributes['db.system.name'], attributes['http.request.method'] != '', 'http',
               attributes['rpc.system'] != '', attributes['rpc.system'], attributes['messaging.system'] != '', attributes['messaging.system'],
               attributes['dns.question.name'] != '', 'dns', 'tcp') AS protocol,
       count() AS calls, countIf(status = 'error') AS errors, sum(duration_ns) AS duration_sum_ns, max(duration_ns) AS duration_max_ns,
       quantilesTDigestState(0.5, 0.95, 0.99)(duration_ns) AS duration
FROM spans WHERE kind = 'client' GROUP BY minute, environment, service, peer_service, protocol;
