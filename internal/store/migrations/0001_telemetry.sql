-- Telemetry as ingested. batch_id is the id of the request a row came in; a request whose fate is unknown is looked up by it.

CREATE TABLE IF NOT EXISTS spans (
    time            DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    duration_ns     UInt64 CODEC(ZSTD(1)),
    environment     LowCardinality(String),
    service         LowCardinality(String),
    service_version LowCardinality(String),
    instance        LowCardinality(String),           -- service.instance.id
    host            LowCardinality(String),
    kind            Enum8('unspecified' = 0, 'internal' = 1, 'server' = 2, 'client' = 3, 'producer' = 4, 'consumer' = 5),
    name            LowCardinality(String),
    peer_service    LowCardinality(String),
    status          Enum8('unset' = 0, 'ok' = 1, 'error' = 2),
    status_message  String CODEC(ZSTD(1)),
    error_type      LowCardinality(String),
    trace_id        String CODEC(ZSTD(1)),             -- lower-case hex
    span_id         String CODEC(ZSTD(1)),
    parent_span_id  String CODEC(ZSTD(1)),
    attributes      Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    resource        Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    batch_id        String CODEC(ZSTD(1)),
    INDEX trace_idx trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX batch_idx batch_id TYPE bloom_filter(0.01) GRANULARITY 4
) ENGINE = MergeTree PARTITION BY toDate(time) ORDER BY (environment, service, toStartOfMinute(time), name, time);

CREATE TABLE IF NOT EXISTS logs (
    time            DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    observed_time   DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    environment     LowCardinality(String),
    service         LowCardinality(String),
    instance        LowCardinality(String),
    host            LowCardinality(String),
    severity        UInt8,                            -- OTLP severity number, 0 unknown
    severity_text   LowCardinality(String),
    event_name      LowCardinality(String),
    body            String CODEC(ZSTD(1)),
    trace_id        String CODEC(ZSTD(1)),
    span_id         String CODEC(ZSTD(1)),
    attributes      Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    resource        Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    batch_id        String CODEC(ZSTD(1)),
    INDEX body_idx lower(body) TYPE tokenbf_v1(8192, 3, 0) GRANULARITY 4,
    INDEX batch_idx batch_id TYPE bloom_filter(0.01) GRANULARITY 4
) ENGINE = MergeTree PARTITION BY toDate(time) ORDER BY (environment, service, toStartOfMinute(time), severity, time);

-- One row per point of a gauge or sum. Histograms are in metric_histograms.
CREATE TABLE IF NOT EXISTS metrics (
    time            DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    environment     LowCardinality(String),
    service         LowCardinality(String),
    instance        LowCardinality(String),
    host            LowCardinality(String),
    name            LowCardinality(String),
    unit            LowCardinality(String),
    kind            Enum8('gauge' = 1, 'sum_delta' = 2, 'sum_cumulative' = 3),
    value           Float64 CODEC(ZSTD(1)),
    attributes      Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    resource        Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    batch_id        String CODEC(ZSTD(1)),
    INDEX batch_idx batch_id TYPE bloom_filter(0.01) GRANULARITY 4
) ENGINE = MergeTree PARTITION BY toDate(time) ORDER BY (environment, name, service, time);

CREATE TABLE IF NOT EXISTS metric_histograms (
    time            DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    environment     LowCardinality(String),
    service         LowCardinality(String),
    instance        LowCardinality(String),
    host            LowCardinality(String),
    name            LowCardinality(String),
    unit            LowCardinality(String),
    temporality     Enum8('delta' = 1, 'cumulative' = 2),
    count           UInt64,
    sum             Float64,
    bounds          Array(Float64),
    counts          Array(UInt64),
    attributes      Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    resource        Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    batch_id        String CODEC(ZSTD(1)),
    INDEX batch_idx batch_id TYPE bloom_filter(0.01) GRANULARITY 4
) ENGINE = MergeTree PARTITION BY toDate(time) ORDER BY (environment, name, service, time);

-- Log records that are events (process start, exit, OOM kill, deployment), apart so that they are found at once.
CREATE TABLE IF NOT EXISTS events (
    time            DateTime64(9, 'UTC'),
    environment     LowCardinality(String),
    service         LowCardinality(String),
    instance        LowCardinality(String),
    host            LowCardinality(String),
    event_name      LowCardinality(String),
    body            String,
    attributes      Map(LowCardinality(String), String),
    resource        Map(LowCardinality(String), String),
    batch_id        String
) ENGINE = MergeTree PARTITION BY toDate(time) ORDER BY (environment, time, service);

CREATE MATERIALIZED VIEW IF NOT EXISTS events_mv TO events AS
SELECT time, environment, service, instance, host, event_name, body, attributes, resource, batch_id
FROM logs WHERE event_name != '';

-- Per-minute rollups: requests a service answered (server spans) …
CREATE TABLE IF NOT EXISTS request_minutes (
    minute          DateTime('UTC'),
    environment     LowCardinality(String),
    service         LowCardinality(String),
    service_version LowCardinality(String),
    operation       LowCardinality(String),
    requests        SimpleAggregateFunction(sum, UInt64),
    errors          SimpleAggregateFunction(sum, UInt64),
    duration_sum_ns SimpleAggregateFunction(sum, UInt64),
    duration        AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), UInt64)
) ENGINE = AggregatingMergeTree PARTITION BY toDate(minute) ORDER BY (environment, service, minute, operation, service_version);

CREATE MATERIALIZED VIEW IF NOT EXISTS request_minutes_mv TO request_minutes AS
SELECT toStartOfMinute(time) AS minute, environment, service, service_version, name AS operation,
       count() AS requests, countIf(status = 'error') AS errors, sum(duration_ns) AS duration_sum_ns,
       quantilesTDigestState(0.5, 0.95, 0.99)(duration_ns) AS duration
FROM spans WHERE kind = 'server' GROUP BY minute, environment, service, service_version, operation;

-- … and calls from one service to another (client spans).
CREATE TABLE IF NOT EXISTS edge_minutes (
    minute          DateTime('UTC'),
    environment     LowCardinality(String),
    service         LowCardinality(String),
    peer_service    LowCardinality(String),           -- or host:port when the peer is unknown
    protocol        LowCardinality(String),           -- http, postgresql, redis, tcp (failed connects)
    calls           SimpleAggregateFunction(sum, UInt64),
    errors          SimpleAggregateFunction(sum, UInt64),
    duration_sum_ns SimpleAggregateFunction(sum, UInt64),
    duration        AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), UInt64)
) ENGINE = AggregatingMergeTree PARTITION BY toDate(minute) ORDER BY (environment, service, minute, peer_service, protocol);

CREATE MATERIALIZED VIEW IF NOT EXISTS edge_minutes_mv TO edge_minutes AS
SELECT toStartOfMinute(time) AS minute, environment, service,
       if(peer_service != '', peer_service, concat(attributes['server.address'], ':', attributes['server.port'])) AS peer_service,
       multiIf(attributes['db.system.name'] != '', attributes['db.system.name'], attributes['http.request.method'] != '', 'http', 'tcp') AS protocol,
       count() AS calls, countIf(status = 'error') AS errors, sum(duration_ns) AS duration_sum_ns,
       quantilesTDigestState(0.5, 0.95, 0.99)(duration_ns) AS duration
FROM spans WHERE kind = 'client' GROUP BY minute, environment, service, peer_service, protocol;
