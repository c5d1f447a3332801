-- Spans, logs and events; docs/schema.md says why their keys, codecs and indexes are as they are. Ids are bytes, zeros where there is none; what
-- is said of a resource is one JSON object of strings, kept once per part of a table. batch_id is the first 8 bytes of SHA-256 of the id of the
-- request that a row came in: a request whose fate is unknown is looked up by it. Aliases are for reading; filters use the columns themselves.

CREATE TABLE IF NOT EXISTS spans (
    time             DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    duration_ns      UInt64 CODEC(ZSTD(1)),
    environment      LowCardinality(String) CODEC(ZSTD(1)),
    service          LowCardinality(String) CODEC(ZSTD(1)),
    service_version  LowCardinality(String) CODEC(ZSTD(1)),
    instance         LowCardinality(String) CODEC(ZSTD(1)),           -- service.instance.id
    host             LowCardinality(String) CODEC(ZSTD(1)),
    kind             Enum8('unspecified' = 0, 'internal' = 1, 'server' = 2, 'client' = 3, 'producer' = 4, 'consumer' = 5) CODEC(ZSTD(1)),
    name             LowCardinality(String) CODEC(ZSTD(1)),
    peer_service     LowCardinality(String) CODEC(ZSTD(1)),
    status           Enum8('unset' = 0, 'ok' = 1, 'error' = 2) CODEC(ZSTD(1)),
    status_message   String CODEC(ZSTD(1)),
    error_type       LowCardinality(String) CODEC(ZSTD(1)),
    trace            FixedString(16) CODEC(ZSTD(1)),
    span             FixedString(8) CODEC(ZSTD(1)),
    parent           FixedString(8) CODEC(ZSTD(1)),
    trace_state      String CODEC(ZSTD(1)),
    scope            LowCardinality(String) CODEC(ZSTD(1)),           -- name of the OTLP scope
    scope_version    LowCardinality(String) CODEC(ZSTD(1)),
    attributes       Map(LowCardinality(String), String) CODEC(ZSTD(3)),
    resource_json    LowCardinality(String) CODEC(ZSTD(1)),
    event_times      Array(DateTime64(9, 'UTC')) CODEC(ZSTD(1)),
    event_names      Array(LowCardinality(String)) CODEC(ZSTD(1)),
    event_attributes Array(Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
    link_traces      Array(FixedString(16)) CODEC(ZSTD(1)),
    link_spans       Array(FixedString(8)) CODEC(ZSTD(1)),
    link_states      Array(String) CODEC(ZSTD(1)),
    link_attributes  Array(Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
    batch_id         UInt64 CODEC(ZSTD(1)),
    trace_id         String ALIAS replaceOne(lower(hex(trace)), '00000000000000000000000000000000', ''),
    span_id          String ALIAS replaceOne(lower(hex(span)), '0000000000000000', ''),
    parent_span_id   String ALIAS replaceOne(lower(hex(parent)), '0000000000000000', ''),
    resource         Map(String, String) ALIAS JSONExtract(resource_json, 'Map(String, String)'),
    INDEX trace_idx trace TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX trace_id_idx replaceOne(lower(hex(trace)), '00000000000000000000000000000000', '') TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX duration_idx duration_ns TYPE minmax GRANULARITY 1,
    INDEX batch_idx batch_id TYPE bloom_filter(0.01) GRANULARITY 8
) ENGINE = MergeTree PARTITION BY toDate(time) ORDER BY (environment, toStartOfMinute(time), trace, time);

CREATE TABLE IF NOT EXISTS logs (
    time              DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    observed_delay_ns Int64 CODEC(ZSTD(1)),            -- when it was observed, from time on
    environment       LowCardinality(String) CODEC(ZSTD(1)),
    service           LowCardinality(String) CODEC(ZSTD(1)),
    instance          LowCardinality(String) CODEC(ZSTD(1)),
    host              LowCardinality(String) CODEC(ZSTD(1)),
    severity          UInt8 CODEC(ZSTD(1)),            -- OTLP severity number, 0 unknown
    severity_text     LowCardinality(String) CODEC(ZSTD(1)),
    event_name        LowCardinality(String) CODEC(ZSTD(1)),
    body              String CODEC(ZSTD(1)),
    trace             FixedString(16) CODEC(ZSTD(1)),
    span              FixedString(8) CODEC(ZSTD(1)),
    trace_flags       UInt8 CODEC(ZSTD(1)),
    scope             LowCardinality(String) CODEC(ZSTD(1)),
    scope_version     LowCardinality(String) CODEC(ZSTD(1)),
    attributes        Map(LowCardinality(String), String) CODEC(ZSTD(3)),
    resource_json     LowCardinality(String) CODEC(ZSTD(1)),
    batch_id          UInt64 CODEC(ZSTD(1)),
    observed_time     DateTime64(9, 'UTC') ALIAS fromUnixTimestamp64Nano(toUnixTimestamp64Nano(time) + observed_delay_ns, 'UTC'),
    trace_id          String ALIAS replaceOne(lower(hex(trace)), '00000000000000000000000000000000', ''),
    span_id           String ALIAS replaceOne(lower(hex(span)), '0000000000000000', ''),
    resource          Map(String, String) ALIAS JSONExtract(resource_json, 'Map(String, String)'),
    words             Array(String) ALIAS arrayFilter(w -> length(w) >= 3, alphaTokens(lower(body))),
    grams             Array(String) ALIAS arrayFlatten(arrayMap(w -> ngrams(w, 6), arrayFilter(w -> length(w) >= 12, tokens(lower(body))))), -- pieces of ids
    INDEX time_idx time TYPE minmax GRANULARITY 1,
    INDEX words_idx arrayFilter(w -> length(w) >= 3, alphaTokens(lower(body))) TYPE text(tokenizer = 'array', posting_list_codec = 'bitpacking'),
    INDEX grams_idx arrayFlatten(arrayMap(w -> ngrams(w, 6), arrayFilter(w -> length(w) >= 12, tokens(lower(body))))) TYPE bloom_filter(0.2) GRANULARITY 1,
    INDEX trace_id_idx replaceOne(lower(hex(trace)), '00000000000000000000000000000000', '') TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX batch_idx batch_id TYPE bloom_filter(0.01) GRANULARITY 8
) ENGINE = MergeTree PARTITION BY toDate(time) ORDER BY (environment, service, toStartOfMinute(time), severity, time)
SETTINGS index_granularity = 1024;

-- Lines per minute, service and severity.
CREATE TABLE IF NOT EXISTS log_minutes (
    minute        DateTime('UTC') CODEC(Delta, ZSTD(1)),
    environment   LowCardinality(String),
    service       LowCardinality(String),
    severity      UInt8,
    severity_text LowCardinality(String),
    lines         SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1))
) ENGINE = AggregatingMergeTree PARTITION BY toDate(minute) ORDER BY (environment, minute, service, severity, severity_text);

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
    trace_id          String ALIAS replaceOne(lower(hex(trace)), '00000000000000000000000000000000', ''),
    span_id           String ALIAS replaceOne(lower(hex(span)), '0000000000000000', ''),
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

-- A copy that was killed half way starts again from nothing. Each is cleared only while what it is copied from is there: the SELECT before fails
-- when it is gone, and then the copy is the only one.
SELECT count() FROM spans_1;
TRUNCATE TABLE spans;
INSERT INTO spans (time, duration_ns, environment, service, service_version, instance, host, kind, name, peer_service, status, status_message, error_type,
                   trace, span, parent, scope, attributes, resource_json, batch_id)
SELECT time, duration_ns, environment, service, service_version, instance, host, kind, name, peer_service, status, status_message, error_type,
       toFixedString(substring(unhex(trace_id), 1, 16), 16), toFixedString(substring(unhex(span_id), 1, 8), 8), toFixedString(substring(unhex(parent_span_id), 1, 8), 8),
       attributes['otel.scope.name'], mapFilter((k, v) -> k != 'otel.scope.name', attributes), toJSONString(resource),
       reinterpretAsUInt64(reverse(substring(SHA256(batch_id), 1, 8)))
FROM spans_1
SETTINGS max_partitions_per_insert_block = 0, output_format_json_escape_forward_slashes = 0;

SELECT count() FROM logs_1;
TRUNCATE TABLE logs;
INSERT INTO logs (time, observed_delay_ns, environment, service, instance, host, severity, severity_text, event_name, body,
                  trace, span, scope, attributes, resource_json, batch_id)
SELECT time, toUnixTimestamp64Nano(observed_time) - toUnixTimestamp64Nano(time), environment, service, instance, host, severity, severity_text, event_name, body,
       toFixedString(substring(unhex(trace_id), 1, 16), 16), toFixedString(substring(unhex(span_id), 1, 8), 8),
       attributes['otel.scope.name'], mapFilter((k, v) -> k != 'otel.scope.name', attributes), toJSONString(resource),
       reinterpretAsUInt64(reverse(substring(SHA256(batch_id), 1, 8)))
FROM logs_1
SETTINGS max_partitions_per_insert_block = 0, output_format_json_escape_forward_slashes = 0;

SELECT count() FROM logs_1;
TRUNCATE TABLE log_minutes;
INSERT INTO log_minutes (minute, environment, service, severity, severity_text, lines)
SELECT toStartOfMinute(time), environment, service, severity, severity_text, 1 -- the table sums; a GROUP BY would hold all minutes of all days, and may not spill
FROM logs_1
SETTINGS max_partitions_per_insert_block = 0;

SELECT count() FROM events_1;
TRUNCATE TABLE events;
INSERT INTO events (time, environment, service, instance, host, event_name, body, attributes, resource_json, batch_id)
SELECT time, environment, service, instance, host, event_name, body,
       mapFilter((k, v) -> k != 'otel.scope.name', attributes), toJSONString(resource),
       reinterpretAsUInt64(reverse(substring(SHA256(batch_id), 1, 8)))
FROM events_1
SETTINGS max_partitions_per_insert_block = 0, output_format_json_escape_forward_slashes = 0;

-- What is dropped next has to be here. Where it is not, the file is not done, and the next start copies again.
SELECT throwIf((SELECT count() FROM spans) < (SELECT count() FROM spans_1)
    OR (SELECT count() FROM logs) < (SELECT count() FROM logs_1)
    OR (SELECT count() FROM events) < (SELECT count() FROM events_1),
    'rows came while the old tables were copied; start again');
