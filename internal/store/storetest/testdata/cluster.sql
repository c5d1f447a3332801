CREATE TABLE IF NOT EXISTS request_minutes_local (
    minute          DateTime('UTC'),
    environment     LowCardinality(String),
    service         LowCardinality(String),
    service_version LowCardinality(String),
    operation       LowCardinality(String),
    requests        SimpleAggregateFunction(sum, UInt64),
    errors          SimpleAggregateFunction(sum, UInt64),
    duration_sum_ns SimpleAggregateFunction(sum, UInt64),
    duration_max_ns SimpleAggregateFunction(max, UInt64),
    duration        AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), UInt64)
) ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/main/{shard}/midwatch/request_minutes', '{replica}') PARTITION BY toDate(minute) ORDER BY (environment, service, minute, operation, service_version);

CREATE TABLE IF NOT EXISTS request_minutes AS request_minutes_local ENGINE = Distributed('main', 'midwatch', 'request_minutes_local', cityHash64(environment, service, minute, operation, service_version));

CREATE TABLE IF NOT EXISTS edge_minutes_local (
    minute          DateTime('UTC'),
    environment     LowCardinality(String),
    service         LowCardinality(String),
    peer_service    LowCardinality(String),
    protocol        LowCardinality(String),
    calls           SimpleAggregateFunction(sum, UInt64),
    errors          SimpleAggregateFunction(sum, UInt64),
    duration_sum_ns SimpleAggregateFunction(sum, UInt64),
    duration_max_ns SimpleAggregateFunction(max, UInt64),
    duration        AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), UInt64)
) ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/main/{shard}/midwatch/edge_minutes', '{replica}') PARTITION BY toDate(minute) ORDER BY (environment, service, minute, peer_service, protocol);

CREATE TABLE IF NOT EXISTS edge_minutes AS edge_minutes_local ENGINE = Distributed('main', 'midwatch', 'edge_minutes_local', cityHash64(environment, service, minute, peer_service, protocol));

CREATE TABLE IF NOT EXISTS k8s_objects_local (
    time             DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    observed_time    DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    environment      LowCardinality(String),
    cluster          LowCardinality(String),
    api_version      LowCardinality(String),
    kind             LowCardinality(String),
    namespace        LowCardinality(String),
    name             String CODEC(ZSTD(1)),
    uid              String CODEC(ZSTD(1)),
    resource_version String CODEC(ZSTD(1)),
    action           LowCardinality(String),
    actor            LowCardinality(String),
    workload         LowCardinality(String),
    object           String CODEC(ZSTD(3)),
    diff             String CODEC(ZSTD(3)),
    batch_id         String CODEC(ZSTD(1)),
    INDEX batch_idx batch_id TYPE bloom_filter(0.01) GRANULARITY 4
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/main/{shard}/midwatch/k8s_objects', '{replica}') PARTITION BY toDate(time) ORDER BY (environment, kind, toStartOfHour(time), namespace, name, time)
SETTINGS index_granularity = 512;

CREATE TABLE IF NOT EXISTS k8s_objects AS k8s_objects_local ENGINE = Distributed('main', 'midwatch', 'k8s_objects_local', cityHash64(batch_id));

CREATE TABLE IF NOT EXISTS spans_local (
    time             DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    duration_ns      UInt64 CODEC(ZSTD(1)),
    environment      LowCardinality(String) CODEC(ZSTD(1)),
    service          LowCardinality(String) CODEC(ZSTD(1)),
    service_version  LowCardinality(String) CODEC(ZSTD(1)),
    instance         LowCardinality(String) CODEC(ZSTD(1)),
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
    scope            LowCardinality(String) CODEC(ZSTD(1)),
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
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/main/{shard}/midwatch/spans', '{replica}') PARTITION BY toDate(time) ORDER BY (environment, toStartOfMinute(time), trace, time);

CREATE TABLE IF NOT EXISTS spans AS spans_local ENGINE = Distributed('main', 'midwatch', 'spans_local', cityHash64(batch_id));

CREATE TABLE IF NOT EXISTS logs_local (
    time              DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    observed_delay_ns Int64 CODEC(ZSTD(1)),
    environment       LowCardinality(String) CODEC(ZSTD(1)),
    service           LowCardinality(String) CODEC(ZSTD(1)),
    instance          LowCardinality(String) CODEC(ZSTD(1)),
    host              LowCardinality(String) CODEC(ZSTD(1)),
    severity          UInt8 CODEC(ZSTD(1)),
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
    grams             Array(String) ALIAS arrayFlatten(arrayMap(w -> ngrams(w, 6), arrayFilter(w -> length(w) >= 12, tokens(lower(body))))),
    INDEX time_idx time TYPE minmax GRANULARITY 1,
    INDEX words_idx arrayFilter(w -> length(w) >= 3, alphaTokens(lower(body))) TYPE text(tokenizer = 'array', posting_list_codec = 'bitpacking'),
    INDEX grams_idx arrayFlatten(arrayMap(w -> ngrams(w, 6), arrayFilter(w -> length(w) >= 12, tokens(lower(body))))) TYPE bloom_filter(0.2) GRANULARITY 1,
    INDEX trace_id_idx replaceOne(lower(hex(trace)), '00000000000000000000000000000000', '') TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX batch_idx batch_id TYPE bloom_filter(0.01) GRANULARITY 8
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/main/{shard}/midwatch/logs', '{replica}') PARTITION BY toDate(time) ORDER BY (environment, service, toStartOfMinute(time), severity, time)
SETTINGS index_granularity = 1024, min_compress_block_size = 16384;

CREATE TABLE IF NOT EXISTS logs AS logs_local ENGINE = Distributed('main', 'midwatch', 'logs_local', cityHash64(batch_id));

CREATE TABLE IF NOT EXISTS log_minutes_local (
    minute        DateTime('UTC') CODEC(Delta, ZSTD(1)),
    environment   LowCardinality(String),
    service       LowCardinality(String),
    severity      UInt8,
    severity_text LowCardinality(String),
    lines         SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1))
) ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/main/{shard}/midwatch/log_minutes', '{replica}') PARTITION BY toDate(minute) ORDER BY (environment, minute, service, severity, severity_text);

CREATE TABLE IF NOT EXISTS log_minutes AS log_minutes_local ENGINE = Distributed('main', 'midwatch', 'log_minutes_local', cityHash64(environment, minute, service, severity, severity_text));

CREATE TABLE IF NOT EXISTS events_local (
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
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/main/{shard}/midwatch/events', '{replica}') PARTITION BY toDate(time) ORDER BY (environment, time, service);

CREATE TABLE IF NOT EXISTS events AS events_local ENGINE = Distributed('main', 'midwatch', 'events_local', cityHash64(batch_id));

CREATE TABLE IF NOT EXISTS dead_letters_local (
    time        DateTime64(3, 'UTC') DEFAULT now64(3),
    environment LowCardinality(String),
    target      LowCardinality(String),
    reason      LowCardinality(String),
    error       String CODEC(ZSTD(1)),
    request     String CODEC(ZSTD(1)),
    row_number  UInt64,
    content     String CODEC(ZSTD(1))
) ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/main/{shard}/midwatch/dead_letters', '{replica}', time) PARTITION BY toDate(time) ORDER BY (target, request, row_number);

CREATE TABLE IF NOT EXISTS dead_letters AS dead_letters_local ENGINE = Distributed('main', 'midwatch', 'dead_letters_local', cityHash64(target, request, row_number));

CREATE MATERIALIZED VIEW IF NOT EXISTS events_mv_local TO events_local AS
SELECT time, observed_delay_ns, environment, service, instance, host, event_name, body, trace, span, trace_flags, attributes, resource_json, batch_id
FROM logs_local WHERE event_name != '';

CREATE OR REPLACE VIEW events_mv AS
SELECT time, observed_delay_ns, environment, service, instance, host, event_name, body, trace, span, trace_flags, attributes, resource_json, batch_id
FROM logs WHERE event_name != '';

CREATE MATERIALIZED VIEW IF NOT EXISTS request_minutes_mv_local TO request_minutes_local AS
SELECT toStartOfMinute(time) AS minute, environment, service, service_version, name AS operation,
       count() AS requests, countIf(status = 'error') AS errors, sum(duration_ns) AS duration_sum_ns, max(duration_ns) AS duration_max_ns,
       quantilesTDigestState(0.5, 0.95, 0.99)(duration_ns) AS duration
FROM spans_local WHERE kind = 'server' GROUP BY minute, environment, service, service_version, operation;

CREATE OR REPLACE VIEW request_minutes_mv AS
SELECT toStartOfMinute(time) AS minute, environment, service, service_version, name AS operation,
       count() AS requests, countIf(status = 'error') AS errors, sum(duration_ns) AS duration_sum_ns, max(duration_ns) AS duration_max_ns,
       quantilesTDigestState(0.5, 0.95, 0.99)(duration_ns) AS duration
FROM spans WHERE kind = 'server' GROUP BY minute, environment, service, service_version, operation;

CREATE MATERIALIZED VIEW IF NOT EXISTS log_minutes_mv_local TO log_minutes_local AS
SELECT toStartOfMinute(time) AS minute, environment, service, severity, severity_text, count() AS lines
FROM logs_local GROUP BY minute, environment, service, severity, severity_text;

CREATE OR REPLACE VIEW log_minutes_mv AS
SELECT toStartOfMinute(time) AS minute, environment, service, severity, severity_text, count() AS lines
FROM logs GROUP BY minute, environment, service, severity, severity_text;

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

CREATE VIEW IF NOT EXISTS otel_traces_trace_id_ts AS
SELECT trace_id AS TraceId, toDateTime(time) AS Start, toDateTime(time) AS End FROM spans WHERE trace != toFixedString('', 16);

CREATE TABLE IF NOT EXISTS metric_series_local (
    day           Date,
    series_id     UInt64,
    environment   LowCardinality(String),
    service       LowCardinality(String),
    instance      LowCardinality(String),
    host          LowCardinality(String),
    name          LowCardinality(String),
    unit          LowCardinality(String),
    description   LowCardinality(String),
    kind          Enum8('gauge' = 1, 'sum_delta' = 2, 'sum_cumulative' = 3, 'histogram_delta' = 4, 'histogram_cumulative' = 5,
                        'exponential_delta' = 6, 'exponential_cumulative' = 7, 'summary_quantile' = 8, 'summary_count' = 9, 'summary_sum' = 10),
    monotonic     Bool,
    scope         LowCardinality(String),
    scope_version LowCardinality(String),
    attributes    Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    resource_json LowCardinality(String),
    batch_id      UInt64 CODEC(ZSTD(1)),
    time          Date ALIAS day,
    resource      Map(String, String) ALIAS JSONExtract(resource_json, 'Map(String, String)')
) ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/main/{shard}/midwatch/metric_series', '{replica}') PARTITION BY day ORDER BY (environment, name, service, series_id, day);

CREATE TABLE IF NOT EXISTS metric_series AS metric_series_local ENGINE = Distributed('main', 'midwatch', 'metric_series_local', cityHash64(environment, name, service, series_id, day));

CREATE TABLE IF NOT EXISTS metric_samples_local (
    series_id  UInt64 CODEC(ZSTD(1)),
    time       DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    start_time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    value      Float64 CODEC(ZSTD(1)),
    batch_id   UInt64 CODEC(ZSTD(1)) SETTINGS (min_compress_block_size = 1048576, max_compress_block_size = 4194304),
    INDEX batch_idx batch_id TYPE bloom_filter(0.01) GRANULARITY 4
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/main/{shard}/midwatch/metric_samples', '{replica}') PARTITION BY toDate(time) ORDER BY (toStartOfHour(time), series_id, time);

CREATE TABLE IF NOT EXISTS metric_samples AS metric_samples_local ENGINE = Distributed('main', 'midwatch', 'metric_samples_local', cityHash64(batch_id));

CREATE TABLE IF NOT EXISTS histograms_local (
    series_id  UInt64 CODEC(ZSTD(1)),
    time       DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    start_time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    count      UInt64 CODEC(ZSTD(1)),
    sum        Float64 CODEC(ZSTD(1)),
    min        Float64 CODEC(ZSTD(1)),
    max        Float64 CODEC(ZSTD(1)),
    bounds     Array(Float64) CODEC(ZSTD(1)),
    counts     Array(UInt64) CODEC(ZSTD(1)),
    batch_id   UInt64 CODEC(ZSTD(1)),
    INDEX batch_idx batch_id TYPE bloom_filter(0.01) GRANULARITY 4
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/main/{shard}/midwatch/histograms', '{replica}') PARTITION BY toDate(time) ORDER BY (toStartOfHour(time), series_id, time);

CREATE TABLE IF NOT EXISTS histograms AS histograms_local ENGINE = Distributed('main', 'midwatch', 'histograms_local', cityHash64(batch_id));

CREATE TABLE IF NOT EXISTS exponential_histograms_local (
    series_id       UInt64 CODEC(ZSTD(1)),
    time            DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    start_time      DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    count           UInt64 CODEC(ZSTD(1)),
    sum             Float64 CODEC(ZSTD(1)),
    min             Float64 CODEC(ZSTD(1)),
    max             Float64 CODEC(ZSTD(1)),
    scale           Int32,
    zero_count      UInt64 CODEC(ZSTD(1)),
    zero_threshold  Float64 CODEC(ZSTD(1)),
    positive_offset Int32 CODEC(ZSTD(1)),
    positive_counts Array(UInt64) CODEC(ZSTD(1)),
    negative_offset Int32 CODEC(ZSTD(1)),
    negative_counts Array(UInt64) CODEC(ZSTD(1)),
    batch_id        UInt64 CODEC(ZSTD(1)),
    bounds          Array(Float64) ALIAS arrayConcat(
        arrayMap(i -> -exp2((negative_offset + i - 1) * exp2(-scale)), arrayReverse(arrayEnumerate(negative_counts))),
        [if(empty(positive_counts), zero_threshold, exp2(positive_offset * exp2(-scale)))],
        arrayMap(i -> exp2((positive_offset + i) * exp2(-scale)), arrayEnumerate(positive_counts))),
    counts          Array(UInt64) ALIAS arrayConcat(arrayReverse(negative_counts), [zero_count], positive_counts, [toUInt64(0)]),
    INDEX batch_idx batch_id TYPE bloom_filter(0.01) GRANULARITY 4
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/main/{shard}/midwatch/exponential_histograms', '{replica}') PARTITION BY toDate(time) ORDER BY (toStartOfHour(time), series_id, time);

CREATE TABLE IF NOT EXISTS exponential_histograms AS exponential_histograms_local ENGINE = Distributed('main', 'midwatch', 'exponential_histograms_local', cityHash64(batch_id));

CREATE TABLE IF NOT EXISTS exemplars_local (
    series_id     UInt64 CODEC(ZSTD(1)),
    time          DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    exemplar_time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    value         Float64 CODEC(ZSTD(1)),
    trace         FixedString(16) CODEC(ZSTD(1)),
    span          FixedString(8) CODEC(ZSTD(1)),
    attributes    Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    batch_id      UInt64 CODEC(ZSTD(1)),
    trace_id      String ALIAS if(trace = toFixedString('', 16), '', lower(hex(trace))),
    span_id       String ALIAS if(span = toFixedString('', 8), '', lower(hex(span))),
    INDEX trace_idx trace TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX batch_idx batch_id TYPE bloom_filter(0.01) GRANULARITY 4
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/main/{shard}/midwatch/exemplars', '{replica}') PARTITION BY toDate(time) ORDER BY (toStartOfHour(time), series_id, time);

CREATE TABLE IF NOT EXISTS exemplars AS exemplars_local ENGINE = Distributed('main', 'midwatch', 'exemplars_local', cityHash64(batch_id));

CREATE TABLE IF NOT EXISTS metric_minutes_local (
    series_id UInt64 CODEC(ZSTD(1)),
    time      DateTime('UTC') CODEC(Delta, ZSTD(1)),
    count     UInt32 CODEC(ZSTD(1)),
    min       Float64 CODEC(ZSTD(1)),
    max       Float64 CODEC(ZSTD(1)),
    sum       Float64 CODEC(ZSTD(1)),
    first     Float64 CODEC(ZSTD(1)),
    last      Float64 CODEC(ZSTD(1))
) ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/main/{shard}/midwatch/metric_minutes', '{replica}', count) PARTITION BY toDate(time) ORDER BY (series_id, time);

CREATE TABLE IF NOT EXISTS metric_minutes AS metric_minutes_local ENGINE = Distributed('main', 'midwatch', 'metric_minutes_local', cityHash64(series_id, time));

CREATE TABLE IF NOT EXISTS metric_ten_minutes_local AS metric_minutes_local
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/main/{shard}/midwatch/metric_ten_minutes', '{replica}', count) PARTITION BY toDate(time) ORDER BY (series_id, time);

CREATE TABLE IF NOT EXISTS metric_ten_minutes AS metric_ten_minutes_local ENGINE = Distributed('main', 'midwatch', 'metric_ten_minutes_local', cityHash64(series_id, time));

CREATE TABLE IF NOT EXISTS profile_stacks_local (
    day      Date,
    stack_id UInt64,
    frames   Array(String) CODEC(ZSTD(1)),
    files    Array(LowCardinality(String)) CODEC(ZSTD(1)),
    lines    Array(UInt32) CODEC(ZSTD(1)),
    batch_id UInt64 CODEC(ZSTD(1)),
    time     Date ALIAS day
) ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/main/{shard}/midwatch/profile_stacks', '{replica}') PARTITION BY day ORDER BY (stack_id, day);

CREATE TABLE IF NOT EXISTS profile_stacks AS profile_stacks_local ENGINE = Distributed('main', 'midwatch', 'profile_stacks_local', cityHash64(stack_id, day));

CREATE TABLE IF NOT EXISTS profile_samples_local (
    time          DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    duration_ns   UInt64 CODEC(ZSTD(1)),
    environment   LowCardinality(String),
    service       LowCardinality(String),
    instance      LowCardinality(String),
    host          LowCardinality(String),
    type          LowCardinality(String),
    unit          LowCardinality(String),
    stack_id      UInt64 CODEC(ZSTD(1)),
    value         Int64 CODEC(ZSTD(1)),
    trace         FixedString(16) CODEC(ZSTD(1)),
    span          FixedString(8) CODEC(ZSTD(1)),
    scope         LowCardinality(String),
    attributes    Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    resource_json LowCardinality(String),
    batch_id      UInt64 CODEC(ZSTD(1)),
    trace_id      String ALIAS if(trace = toFixedString('', 16), '', lower(hex(trace))),
    span_id       String ALIAS if(span = toFixedString('', 8), '', lower(hex(span))),
    resource      Map(String, String) ALIAS JSONExtract(resource_json, 'Map(String, String)'),
    INDEX trace_idx trace TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX batch_idx batch_id TYPE bloom_filter(0.01) GRANULARITY 4
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/main/{shard}/midwatch/profile_samples', '{replica}') PARTITION BY toDate(time) ORDER BY (environment, service, type, toStartOfMinute(time), stack_id, time);

CREATE TABLE IF NOT EXISTS profile_samples AS profile_samples_local ENGINE = Distributed('main', 'midwatch', 'profile_samples_local', cityHash64(batch_id));

CREATE OR REPLACE VIEW otel_metrics_summary AS
SELECT CAST(any(JSONExtract(s.resource_json, 'Map(String, String)')), 'Map(LowCardinality(String), String)') AS ResourceAttributes, '' AS ResourceSchemaUrl, toString(s.scope) AS ScopeName, toString(s.scope_version) AS ScopeVersion,
       CAST(map(), 'Map(LowCardinality(String), String)') AS ScopeAttributes, toUInt32(0) AS ScopeDroppedAttrCount, '' AS ScopeSchemaUrl,
       s.service AS ServiceName, s.metric AS MetricName, toString(any(s.description)) AS MetricDescription, toString(anyIf(s.unit, s.kind != 'summary_count')) AS MetricUnit, s.own AS Attributes,
       toDateTime(any(p.start_time)) AS StartTimeUnix, toDateTime(p.time) AS TimeUnix, toUInt64(anyIf(p.value, s.kind = 'summary_count')) AS Count, anyIf(p.value, s.kind = 'summary_sum') AS Sum,
       arrayMap(q -> q.1, arraySort(groupArrayIf((toFloat64OrZero(s.quantile), p.value), s.kind = 'summary_quantile')) AS quantiles) AS `ValueAtQuantiles.Quantile`,
       arrayMap(q -> q.2, quantiles) AS `ValueAtQuantiles.Value`, toUInt32(0) AS Flags
FROM metric_samples AS p GLOBAL INNER JOIN (
    SELECT day, series_id, service, scope, scope_version, resource_json, description, unit, kind, attributes['quantile'] AS quantile,
           if(kind = 'summary_quantile', mapFilter((k, v) -> k != 'quantile', attributes), attributes) AS own,
           multiIf(kind = 'summary_count', replaceRegexpOne(name, '_count$', ''), kind = 'summary_sum', replaceRegexpOne(name, '_sum$', ''), toString(name)) AS metric
    FROM metric_series FINAL WHERE kind IN ('summary_quantile', 'summary_count', 'summary_sum')) AS s ON s.series_id = p.series_id AND s.day = toDate(p.time)
GROUP BY s.service, s.scope, s.scope_version, s.resource_json, s.metric, s.own, p.time;

CREATE TABLE IF NOT EXISTS service_minutes_local (
    minute          DateTime('UTC') CODEC(Delta, ZSTD(1)),
    environment     LowCardinality(String),
    service         LowCardinality(String),
    spans           SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    requests        SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    errors          SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    duration_sum_ns SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    duration        AggregateFunction(quantilesDD(0.01, 0.5, 0.95, 0.99), UInt64) CODEC(ZSTD(1)),
    slowest         AggregateFunction(groupArraySorted(10), Tuple(Int64, FixedString(16), FixedString(8), String)) CODEC(ZSTD(1))
) ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/main/{shard}/midwatch/service_minutes', '{replica}') PARTITION BY toDate(minute) ORDER BY (environment, service, minute)
SETTINGS index_granularity = 64;

CREATE TABLE IF NOT EXISTS service_minutes AS service_minutes_local ENGINE = Distributed('main', 'midwatch', 'service_minutes_local', cityHash64(environment, service, minute));

CREATE MATERIALIZED VIEW IF NOT EXISTS service_minutes_mv_local TO service_minutes_local AS
SELECT toStartOfMinute(time) AS minute, environment, service, count() AS spans, countIf(kind = 'server') AS requests, countIf(kind = 'server' AND status = 'error') AS errors,
       sumIf(duration_ns, kind = 'server') AS duration_sum_ns, quantilesDDStateIf(0.01, 0.5, 0.95, 0.99)(duration_ns, kind = 'server') AS duration,
       groupArraySortedState(10)((-toInt64(duration_ns), trace, span, toString(name))) AS slowest
FROM spans_local GROUP BY minute, environment, service;

CREATE OR REPLACE VIEW service_minutes_mv AS
SELECT toStartOfMinute(time) AS minute, environment, service, count() AS spans, countIf(kind = 'server') AS requests, countIf(kind = 'server' AND status = 'error') AS errors,
       sumIf(duration_ns, kind = 'server') AS duration_sum_ns, quantilesDDStateIf(0.01, 0.5, 0.95, 0.99)(duration_ns, kind = 'server') AS duration,
       groupArraySortedState(10)((-toInt64(duration_ns), trace, span, toString(name))) AS slowest
FROM spans GROUP BY minute, environment, service;

CREATE VIEW IF NOT EXISTS point_exemplars AS
SELECT series_id, time, arraySort(e -> e.1, groupArray((exemplar_time, value, trace_id, span_id, attributes))) AS list
FROM exemplars GROUP BY series_id, time;

CREATE VIEW IF NOT EXISTS otel_metrics_gauge AS
SELECT CAST(s.resource, 'Map(LowCardinality(String), String)') AS ResourceAttributes, '' AS ResourceSchemaUrl, toString(s.scope) AS ScopeName, toString(s.scope_version) AS ScopeVersion,
       CAST(map(), 'Map(LowCardinality(String), String)') AS ScopeAttributes, toUInt32(0) AS ScopeDroppedAttrCount, '' AS ScopeSchemaUrl,
       s.service AS ServiceName, s.name AS MetricName, toString(s.description) AS MetricDescription, toString(s.unit) AS MetricUnit, s.attributes AS Attributes,
       toDateTime(p.start_time) AS StartTimeUnix, toDateTime(p.time) AS TimeUnix, p.value AS Value, toUInt32(0) AS Flags,
       arrayMap(x -> x.5, e.list) AS `Exemplars.FilteredAttributes`, arrayMap(x -> toDateTime(x.1), e.list) AS `Exemplars.TimeUnix`,
       arrayMap(x -> x.2, e.list) AS `Exemplars.Value`, arrayMap(x -> x.4, e.list) AS `Exemplars.SpanId`, arrayMap(x -> x.3, e.list) AS `Exemplars.TraceId`
FROM metric_samples AS p GLOBAL INNER JOIN (SELECT *, resource FROM metric_series FINAL WHERE kind = 'gauge') AS s ON s.series_id = p.series_id AND s.day = toDate(p.time)
GLOBAL LEFT JOIN point_exemplars AS e ON e.series_id = p.series_id AND e.time = p.time;

CREATE VIEW IF NOT EXISTS otel_metrics_sum AS
SELECT CAST(s.resource, 'Map(LowCardinality(String), String)') AS ResourceAttributes, '' AS ResourceSchemaUrl, toString(s.scope) AS ScopeName, toString(s.scope_version) AS ScopeVersion,
       CAST(map(), 'Map(LowCardinality(String), String)') AS ScopeAttributes, toUInt32(0) AS ScopeDroppedAttrCount, '' AS ScopeSchemaUrl,
       s.service AS ServiceName, s.name AS MetricName, toString(s.description) AS MetricDescription, toString(s.unit) AS MetricUnit, s.attributes AS Attributes,
       toDateTime(p.start_time) AS StartTimeUnix, toDateTime(p.time) AS TimeUnix, p.value AS Value, toUInt32(0) AS Flags,
       arrayMap(x -> x.5, e.list) AS `Exemplars.FilteredAttributes`, arrayMap(x -> toDateTime(x.1), e.list) AS `Exemplars.TimeUnix`,
       arrayMap(x -> x.2, e.list) AS `Exemplars.Value`, arrayMap(x -> x.4, e.list) AS `Exemplars.SpanId`, arrayMap(x -> x.3, e.list) AS `Exemplars.TraceId`,
       toInt32(if(s.kind = 'sum_delta', 1, 2)) AS AggregationTemporality, s.monotonic AS IsMonotonic
FROM metric_samples AS p GLOBAL INNER JOIN (SELECT *, resource FROM metric_series FINAL WHERE kind IN ('sum_delta', 'sum_cumulative')) AS s ON s.series_id = p.series_id AND s.day = toDate(p.time)
GLOBAL LEFT JOIN point_exemplars AS e ON e.series_id = p.series_id AND e.time = p.time;

CREATE VIEW IF NOT EXISTS otel_metrics_histogram AS
SELECT CAST(s.resource, 'Map(LowCardinality(String), String)') AS ResourceAttributes, '' AS ResourceSchemaUrl, toString(s.scope) AS ScopeName, toString(s.scope_version) AS ScopeVersion,
       CAST(map(), 'Map(LowCardinality(String), String)') AS ScopeAttributes, toUInt32(0) AS ScopeDroppedAttrCount, '' AS ScopeSchemaUrl,
       s.service AS ServiceName, s.name AS MetricName, toString(s.description) AS MetricDescription, toString(s.unit) AS MetricUnit, s.attributes AS Attributes,
       toDateTime(p.start_time) AS StartTimeUnix, toDateTime(p.time) AS TimeUnix, p.count AS Count, p.sum AS Sum, p.counts AS BucketCounts, p.bounds AS ExplicitBounds,
       arrayMap(x -> x.5, e.list) AS `Exemplars.FilteredAttributes`, arrayMap(x -> toDateTime(x.1), e.list) AS `Exemplars.TimeUnix`,
       arrayMap(x -> x.2, e.list) AS `Exemplars.Value`, arrayMap(x -> x.4, e.list) AS `Exemplars.SpanId`, arrayMap(x -> x.3, e.list) AS `Exemplars.TraceId`,
       toUInt32(0) AS Flags, ifNotFinite(p.min, 0.) AS Min, ifNotFinite(p.max, 0.) AS Max, toInt32(if(s.kind = 'histogram_delta', 1, 2)) AS AggregationTemporality
FROM histograms AS p GLOBAL INNER JOIN (SELECT *, resource FROM metric_series FINAL) AS s ON s.series_id = p.series_id AND s.day = toDate(p.time)
GLOBAL LEFT JOIN point_exemplars AS e ON e.series_id = p.series_id AND e.time = p.time;

CREATE VIEW IF NOT EXISTS otel_metrics_exponential_histogram AS
SELECT CAST(s.resource, 'Map(LowCardinality(String), String)') AS ResourceAttributes, '' AS ResourceSchemaUrl, toString(s.scope) AS ScopeName, toString(s.scope_version) AS ScopeVersion,
       CAST(map(), 'Map(LowCardinality(String), String)') AS ScopeAttributes, toUInt32(0) AS ScopeDroppedAttrCount, '' AS ScopeSchemaUrl,
       s.service AS ServiceName, s.name AS MetricName, toString(s.description) AS MetricDescription, toString(s.unit) AS MetricUnit, s.attributes AS Attributes,
       toDateTime(p.start_time) AS StartTimeUnix, toDateTime(p.time) AS TimeUnix, p.count AS Count, p.sum AS Sum, p.scale AS Scale, p.zero_count AS ZeroCount,
       p.positive_offset AS PositiveOffset, p.positive_counts AS PositiveBucketCounts, p.negative_offset AS NegativeOffset, p.negative_counts AS NegativeBucketCounts,
       arrayMap(x -> x.5, e.list) AS `Exemplars.FilteredAttributes`, arrayMap(x -> toDateTime(x.1), e.list) AS `Exemplars.TimeUnix`,
       arrayMap(x -> x.2, e.list) AS `Exemplars.Value`, arrayMap(x -> x.4, e.list) AS `Exemplars.SpanId`, arrayMap(x -> x.3, e.list) AS `Exemplars.TraceId`,
       toUInt32(0) AS Flags, ifNotFinite(p.min, 0.) AS Min, ifNotFinite(p.max, 0.) AS Max, toInt32(if(s.kind = 'exponential_delta', 1, 2)) AS AggregationTemporality
FROM exponential_histograms AS p GLOBAL INNER JOIN (SELECT *, resource FROM metric_series FINAL) AS s ON s.series_id = p.series_id AND s.day = toDate(p.time)
GLOBAL LEFT JOIN point_exemplars AS e ON e.series_id = p.series_id AND e.time = p.time;

CREATE TABLE IF NOT EXISTS slowest_minutes_local (
    minute      DateTime('UTC') CODEC(Delta, ZSTD(1)),
    environment LowCardinality(String),
    spans       SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    slowest     AggregateFunction(groupArraySorted(10), Tuple(Int64, FixedString(16), FixedString(8), String, String)) CODEC(ZSTD(1))
) ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/main/{shard}/midwatch/slowest_minutes', '{replica}') PARTITION BY toDate(minute) ORDER BY (environment, minute)
SETTINGS index_granularity = 16;

CREATE TABLE IF NOT EXISTS slowest_minutes AS slowest_minutes_local ENGINE = Distributed('main', 'midwatch', 'slowest_minutes_local', cityHash64(environment, minute));

CREATE MATERIALIZED VIEW IF NOT EXISTS slowest_minutes_mv_local TO slowest_minutes_local AS
SELECT minute, environment, sum(s.spans) AS spans,
       groupArraySortedStateArray(10)(arrayMap(x -> (x.1, x.2, x.3, toString(service), x.4), finalizeAggregation(s.slowest))) AS slowest
FROM service_minutes_local AS s GROUP BY minute, environment;

CREATE OR REPLACE VIEW slowest_minutes_mv AS
SELECT minute, environment, sum(s.spans) AS spans,
       groupArraySortedStateArray(10)(arrayMap(x -> (x.1, x.2, x.3, toString(service), x.4), finalizeAggregation(s.slowest))) AS slowest
FROM service_minutes AS s GROUP BY minute, environment;

CREATE TABLE IF NOT EXISTS series_key_local (
    made   DateTime64(9, 'UTC'),
    since  Date,
    secret FixedString(16)
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/main/{shard}/midwatch/series_key', '{replica}') ORDER BY made;

CREATE TABLE IF NOT EXISTS series_key AS series_key_local ENGINE = Distributed('main', 'midwatch', 'series_key_local', cityHash64(made));

CREATE MATERIALIZED VIEW IF NOT EXISTS edge_minutes_mv_local TO edge_minutes_local AS
SELECT toStartOfMinute(time) AS minute, environment, service,
       if(peer_service != '', peer_service, concat(attributes['server.address'], ':', attributes['server.port'])) AS peer_service,
       multiIf(attributes['db.system.name'] != '', attributes['db.system.name'], attributes['http.request.method'] != '', 'http',
               attributes['rpc.system'] != '', attributes['rpc.system'], attributes['messaging.system'] != '', attributes['messaging.system'],
               attributes['dns.question.name'] != '', 'dns', 'tcp') AS protocol,
       count() AS calls, countIf(status = 'error') AS errors, sum(duration_ns) AS duration_sum_ns, max(duration_ns) AS duration_max_ns,
       quantilesTDigestState(0.5, 0.95, 0.99)(duration_ns) AS duration
FROM spans_local WHERE kind = 'client' GROUP BY minute, environment, service, peer_service, protocol;

CREATE OR REPLACE VIEW edge_minutes_mv AS
SELECT toStartOfMinute(time) AS minute, environment, service,
       if(peer_service != '', peer_service, concat(attributes['server.address'], ':', attributes['server.port'])) AS peer_service,
       multiIf(attributes['db.system.name'] != '', attributes['db.system.name'], attributes['http.request.method'] != '', 'http',
               attributes['rpc.system'] != '', attributes['rpc.system'], attributes['messaging.system'] != '', attributes['messaging.system'],
               attributes['dns.question.name'] != '', 'dns', 'tcp') AS protocol,
       count() AS calls, countIf(status = 'error') AS errors, sum(duration_ns) AS duration_sum_ns, max(duration_ns) AS duration_max_ns,
       quantilesTDigestState(0.5, 0.95, 0.99)(duration_ns) AS duration
FROM spans WHERE kind = 'client' GROUP BY minute, environment, service, peer_service, protocol;
