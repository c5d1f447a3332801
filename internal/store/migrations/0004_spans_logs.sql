-- Spans, logs and events; docs/schema.md says why their keys, codecs and indexes are as they are. Ids are bytes, zeros where there is none; what
-- is said of a resource is one JSON object of strings, kept once per part of a table. batch_id is the first 8 bytes of SHA-256 of the id of the
-- request that a row came in: a request whose fate is unknown is looked up by it. Aliases are for reading; filters use the columns themselves.

CREATE TABLE IF NOT EXISTS spans (
    time             DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    duration_ns      UInt64 CODEC(ZSTD(1)),
    environment      LowCardinality(String),
    service          LowCardinality(String),
    service_version  LowCardinality(String),
    instance         LowCardinality(String),           -- service.instance.id
    host             LowCardinality(String),
    kind             Enum8('unspecified' = 0, 'internal' = 1, 'server' = 2, 'client' = 3, 'producer' = 4, 'consumer' = 5),
    name             LowCardinality(String),
    peer_service     LowCardinality(String),
    status           Enum8('unset' = 0, 'ok' = 1, 'error' = 2),
    status_message   String CODEC(ZSTD(1)),
    error_type       LowCardinality(String),
    trace            FixedString(16) CODEC(ZSTD(1)),
    span             FixedString(8) CODEC(ZSTD(1)),
    parent           FixedString(8) CODEC(ZSTD(1)),
    trace_state      String CODEC(ZSTD(1)),
    scope            LowCardinality(String),           -- name of the OTLP scope
    scope_version    LowCardinality(String),
    attributes       Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    resource_json    LowCardinality(String),
    event_times      Array(DateTime64(9, 'UTC')) CODEC(ZSTD(1)),
    event_names      Array(LowCardinality(String)) CODEC(ZSTD(1)),
    event_attributes Array(Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
    link_traces      Array(FixedString(16)) CODEC(ZSTD(1)),
    link_spans       Array(FixedString(8)) CODEC(ZSTD(1)),
    link_states      Array(String) CODEC(ZSTD(1)),
    link_attributes  Array(Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
    batch_id         UInt64 CODEC(ZSTD(1)),
    trace_id         String ALIAS if(trace = toFixedString('', 16), '', lower(hex(trace))),
    span_id          String ALIAS if(span = toFixedString('', 8), '', lower(hex(span))),
    parent_span_id   String ALIAS if(parent = toFixedString('', 8), '', lower(hex(parent))),
    resource         Map(String, String) ALIAS JSONExtract(resource_json, 'Map(String, String)'),
    INDEX trace_idx trace TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX batch_idx batch_id TYPE bloom_filter(0.01) GRANULARITY 4
) ENGINE = MergeTree PARTITION BY toDate(time) ORDER BY (environment, service, toStartOfMinute(time), name, time);

CREATE TABLE IF NOT EXISTS logs (
    time              DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    observed_delay_ns Int64 CODEC(ZSTD(1)),            -- when it was observed, from time on
    environment       LowCardinality(String),
    service           LowCardinality(String),
    instance          LowCardinality(String),
    host              LowCardinality(String),
    severity          UInt8,                           -- OTLP severity number, 0 unknown
    severity_text     LowCardinality(String),
    event_name        LowCardinality(String),
    body              String CODEC(ZSTD(1)),
    trace             FixedString(16) CODEC(ZSTD(1)),
    span              FixedString(8) CODEC(ZSTD(1)),
    trace_flags       UInt8,
    scope             LowCardinality(String),
    scope_version     LowCardinality(String),
    attributes        Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    resource_json     LowCardinality(String),
    batch_id          UInt64 CODEC(ZSTD(1)),
    observed_time     DateTime64(9, 'UTC') ALIAS fromUnixTimestamp64Nano(toUnixTimestamp64Nano(time) + observed_delay_ns, 'UTC'),
    trace_id          String ALIAS if(trace = toFixedString('', 16), '', lower(hex(trace))),
    span_id           String ALIAS if(span = toFixedString('', 8), '', lower(hex(span))),
    resource          Map(String, String) ALIAS JSONExtract(resource_json, 'Map(String, String)'),
    INDEX body_idx lower(body) TYPE tokenbf_v1(8192, 3, 0) GRANULARITY 4,
    INDEX batch_idx batch_id TYPE bloom_filter(0.01) GRANULARITY 4
) ENGINE = MergeTree PARTITION BY toDate(time) ORDER BY (environment, service, toStartOfMinute(time), severity, time);

-- Log records that are events (process start, exit, OOM kill, deployment), apart so that they are found at once.
CREATE TABLE IF NOT EXISTS events (
    time              DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    observed_delay_ns Int64 CODEC(ZSTD(1)),
    environment       LowCardinality(String),
    service           LowCardinality(String),
    instance          LowCardinality(String),
    host              LowCardinality(String),
    event_name        LowCardinality(String),
    body              String CODEC(ZSTD(1)),
    trace             FixedString(16) CODEC(ZSTD(1)),
    span              FixedString(8) CODEC(ZSTD(1)),
    trace_flags       UInt8,
    attributes        Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    resource_json     LowCardinality(String),
    batch_id          UInt64 CODEC(ZSTD(1)),
    observed_time     DateTime64(9, 'UTC') ALIAS fromUnixTimestamp64Nano(toUnixTimestamp64Nano(time) + observed_delay_ns, 'UTC'),
    trace_id          String ALIAS if(trace = toFixedString('', 16), '', lower(hex(trace))),
    span_id           String ALIAS if(span = toFixedString('', 8), '', lower(hex(span))),
    resource          Map(String, String) ALIAS JSONExtract(resource_json, 'Map(String, String)')
) ENGINE = MergeTree PARTITION BY toDate(time) ORDER BY (environment, time, service);

-- What could not be stored, and why. The same row of a request is told once, however often the request comes.
CREATE TABLE IF NOT EXISTS dead_letters (
    time        DateTime64(3, 'UTC') DEFAULT now64(3),
    environment LowCardinality(String),
    target      LowCardinality(String),                -- the table it was meant for
    reason      LowCardinality(String),
    error       String CODEC(ZSTD(1)),
    request     String CODEC(ZSTD(1)),                 -- id of the request it came in
    row_number  UInt64,
    content     String CODEC(ZSTD(1))
) ENGINE = ReplacingMergeTree(time) PARTITION BY toDate(time) ORDER BY (target, request, row_number);

-- A copy that was killed half way starts again from nothing.
TRUNCATE TABLE spans;
INSERT INTO spans (time, duration_ns, environment, service, service_version, instance, host, kind, name, peer_service, status, status_message, error_type,
                   trace, span, parent, scope, attributes, resource_json, batch_id)
SELECT time, duration_ns, environment, service, service_version, instance, host, kind, name, peer_service, status, status_message, error_type,
       toFixedString(substring(unhex(trace_id), 1, 16), 16), toFixedString(substring(unhex(span_id), 1, 8), 8), toFixedString(substring(unhex(parent_span_id), 1, 8), 8),
       attributes['otel.scope.name'], mapFilter((k, v) -> k != 'otel.scope.name', attributes), toJSONString(resource),
       reinterpretAsUInt64(reverse(substring(SHA256(batch_id), 1, 8)))
FROM spans_1
SETTINGS max_partitions_per_insert_block = 0, output_format_json_escape_forward_slashes = 0;

TRUNCATE TABLE logs;
INSERT INTO logs (time, observed_delay_ns, environment, service, instance, host, severity, severity_text, event_name, body,
                  trace, span, scope, attributes, resource_json, batch_id)
SELECT time, toUnixTimestamp64Nano(observed_time) - toUnixTimestamp64Nano(time), environment, service, instance, host, severity, severity_text, event_name, body,
       toFixedString(substring(unhex(trace_id), 1, 16), 16), toFixedString(substring(unhex(span_id), 1, 8), 8),
       attributes['otel.scope.name'], mapFilter((k, v) -> k != 'otel.scope.name', attributes), toJSONString(resource),
       reinterpretAsUInt64(reverse(substring(SHA256(batch_id), 1, 8)))
FROM logs_1
SETTINGS max_partitions_per_insert_block = 0, output_format_json_escape_forward_slashes = 0;

TRUNCATE TABLE events;
INSERT INTO events (time, environment, service, instance, host, event_name, body, attributes, resource_json, batch_id)
SELECT time, environment, service, instance, host, event_name, body,
       mapFilter((k, v) -> k != 'otel.scope.name', attributes), toJSONString(resource),
       reinterpretAsUInt64(reverse(substring(SHA256(batch_id), 1, 8)))
FROM events_1
SETTINGS max_partitions_per_insert_block = 0, output_format_json_escape_forward_slashes = 0;
