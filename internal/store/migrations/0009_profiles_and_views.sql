-- Profiles: where programs spend time and memory. A stack is told once a day, a sample is its stack's id and a value.

CREATE TABLE IF NOT EXISTS profile_stacks (
    day      Date,
    stack_id UInt64,                                   -- hash of the frames
    frames   Array(String) CODEC(ZSTD(1)),             -- function names, the innermost first; an address where there is no name
    files    Array(LowCardinality(String)) CODEC(ZSTD(1)), -- of each frame; empty: not told
    lines    Array(UInt32) CODEC(ZSTD(1)),             -- 0: not told
    batch_id UInt64 CODEC(ZSTD(1)),
    time     Date ALIAS day
) ENGINE = ReplacingMergeTree PARTITION BY day ORDER BY (stack_id, day);

CREATE TABLE IF NOT EXISTS profile_samples (
    time          DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)), -- of the sample, else when its profile began
    duration_ns   UInt64 CODEC(ZSTD(1)),               -- of the profile; 0: not told
    environment   LowCardinality(String),
    service       LowCardinality(String),
    instance      LowCardinality(String),
    host          LowCardinality(String),
    type          LowCardinality(String),              -- cpu, samples, off_cpu, alloc_space …, as the profile says
    unit          LowCardinality(String),
    stack_id      UInt64 CODEC(ZSTD(1)),
    value         Int64 CODEC(ZSTD(1)),
    trace         FixedString(16) CODEC(ZSTD(1)),      -- zeros: none
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
) ENGINE = MergeTree PARTITION BY toDate(time) ORDER BY (environment, service, type, toStartOfMinute(time), stack_id, time);

-- Metrics as the tables of the OpenTelemetry exporter for ClickHouse have them, for dashboards that know those. What Midwatch does not keep (URLs of
-- schemas, attributes of scopes, flags) is empty; exemplars are in the table of that name.

CREATE OR REPLACE VIEW otel_metrics_gauge AS
SELECT CAST(s.resource, 'Map(LowCardinality(String), String)') AS ResourceAttributes, '' AS ResourceSchemaUrl, toString(s.scope) AS ScopeName, toString(s.scope_version) AS ScopeVersion,
       CAST(map(), 'Map(LowCardinality(String), String)') AS ScopeAttributes, toUInt32(0) AS ScopeDroppedAttrCount, '' AS ScopeSchemaUrl,
       s.service AS ServiceName, s.name AS MetricName, toString(s.description) AS MetricDescription, toString(s.unit) AS MetricUnit, s.attributes AS Attributes,
       toDateTime(p.start_time) AS StartTimeUnix, toDateTime(p.time) AS TimeUnix, p.value AS Value, toUInt32(0) AS Flags,
       CAST([], 'Array(Map(LowCardinality(String), String))') AS `Exemplars.FilteredAttributes`, CAST([], 'Array(DateTime)') AS `Exemplars.TimeUnix`,
       CAST([], 'Array(Float64)') AS `Exemplars.Value`, CAST([], 'Array(String)') AS `Exemplars.SpanId`, CAST([], 'Array(String)') AS `Exemplars.TraceId`
FROM metric_samples AS p INNER JOIN (SELECT *, resource FROM metric_series FINAL WHERE kind = 'gauge') AS s ON s.series_id = p.series_id AND s.day = toDate(p.time);

CREATE OR REPLACE VIEW otel_metrics_sum AS
SELECT CAST(s.resource, 'Map(LowCardinality(String), String)') AS ResourceAttributes, '' AS ResourceSchemaUrl, toString(s.scope) AS ScopeName, toString(s.scope_version) AS ScopeVersion,
       CAST(map(), 'Map(LowCardinality(String), String)') AS ScopeAttributes, toUInt32(0) AS ScopeDroppedAttrCount, '' AS ScopeSchemaUrl,
       s.service AS ServiceName, s.name AS MetricName, toString(s.description) AS MetricDescription, toString(s.unit) AS MetricUnit, s.attributes AS Attributes,
       toDateTime(p.start_time) AS StartTimeUnix, toDateTime(p.time) AS TimeUnix, p.value AS Value, toUInt32(0) AS Flags,
       CAST([], 'Array(Map(LowCardinality(String), String))') AS `Exemplars.FilteredAttributes`, CAST([], 'Array(DateTime)') AS `Exemplars.TimeUnix`,
       CAST([], 'Array(Float64)') AS `Exemplars.Value`, CAST([], 'Array(String)') AS `Exemplars.SpanId`, CAST([], 'Array(String)') AS `Exemplars.TraceId`,
       toInt32(if(s.kind = 'sum_delta', 1, 2)) AS AggregationTemporality, s.monotonic AS IsMonotonic
FROM metric_samples AS p INNER JOIN (SELECT *, resource FROM metric_series FINAL WHERE kind IN ('sum_delta', 'sum_cumulative')) AS s ON s.series_id = p.series_id AND s.day = toDate(p.time);

CREATE OR REPLACE VIEW otel_metrics_histogram AS
SELECT CAST(s.resource, 'Map(LowCardinality(String), String)') AS ResourceAttributes, '' AS ResourceSchemaUrl, toString(s.scope) AS ScopeName, toString(s.scope_version) AS ScopeVersion,
       CAST(map(), 'Map(LowCardinality(String), String)') AS ScopeAttributes, toUInt32(0) AS ScopeDroppedAttrCount, '' AS ScopeSchemaUrl,
       s.service AS ServiceName, s.name AS MetricName, toString(s.description) AS MetricDescription, toString(s.unit) AS MetricUnit, s.attributes AS Attributes,
       toDateTime(p.start_time) AS StartTimeUnix, toDateTime(p.time) AS TimeUnix, p.count AS Count, p.sum AS Sum, p.counts AS BucketCounts, p.bounds AS ExplicitBounds,
       CAST([], 'Array(Map(LowCardinality(String), String))') AS `Exemplars.FilteredAttributes`, CAST([], 'Array(DateTime)') AS `Exemplars.TimeUnix`,
       CAST([], 'Array(Float64)') AS `Exemplars.Value`, CAST([], 'Array(String)') AS `Exemplars.SpanId`, CAST([], 'Array(String)') AS `Exemplars.TraceId`,
       toUInt32(0) AS Flags, ifNotFinite(p.min, 0.) AS Min, ifNotFinite(p.max, 0.) AS Max, toInt32(if(s.kind = 'histogram_delta', 1, 2)) AS AggregationTemporality
FROM histograms AS p INNER JOIN (SELECT *, resource FROM metric_series FINAL) AS s ON s.series_id = p.series_id AND s.day = toDate(p.time);

CREATE OR REPLACE VIEW otel_metrics_exponential_histogram AS
SELECT CAST(s.resource, 'Map(LowCardinality(String), String)') AS ResourceAttributes, '' AS ResourceSchemaUrl, toString(s.scope) AS ScopeName, toString(s.scope_version) AS ScopeVersion,
       CAST(map(), 'Map(LowCardinality(String), String)') AS ScopeAttributes, toUInt32(0) AS ScopeDroppedAttrCount, '' AS ScopeSchemaUrl,
       s.service AS ServiceName, s.name AS MetricName, toString(s.description) AS MetricDescription, toString(s.unit) AS MetricUnit, s.attributes AS Attributes,
       toDateTime(p.start_time) AS StartTimeUnix, toDateTime(p.time) AS TimeUnix, p.count AS Count, p.sum AS Sum, p.scale AS Scale, p.zero_count AS ZeroCount,
       p.positive_offset AS PositiveOffset, p.positive_counts AS PositiveBucketCounts, p.negative_offset AS NegativeOffset, p.negative_counts AS NegativeBucketCounts,
       CAST([], 'Array(Map(LowCardinality(String), String))') AS `Exemplars.FilteredAttributes`, CAST([], 'Array(DateTime)') AS `Exemplars.TimeUnix`,
       CAST([], 'Array(Float64)') AS `Exemplars.Value`, CAST([], 'Array(String)') AS `Exemplars.SpanId`, CAST([], 'Array(String)') AS `Exemplars.TraceId`,
       toUInt32(0) AS Flags, ifNotFinite(p.min, 0.) AS Min, ifNotFinite(p.max, 0.) AS Max, toInt32(if(s.kind = 'exponential_delta', 1, 2)) AS AggregationTemporality
FROM exponential_histograms AS p INNER JOIN (SELECT *, resource FROM metric_series FINAL) AS s ON s.series_id = p.series_id AND s.day = toDate(p.time);

-- A summary is stored as its parts; here they come together again.
CREATE OR REPLACE VIEW otel_metrics_summary AS
SELECT CAST(any(JSONExtract(s.resource_json, 'Map(String, String)')), 'Map(LowCardinality(String), String)') AS ResourceAttributes, '' AS ResourceSchemaUrl, toString(s.scope) AS ScopeName, toString(s.scope_version) AS ScopeVersion,
       CAST(map(), 'Map(LowCardinality(String), String)') AS ScopeAttributes, toUInt32(0) AS ScopeDroppedAttrCount, '' AS ScopeSchemaUrl,
       s.service AS ServiceName, s.metric AS MetricName, toString(any(s.description)) AS MetricDescription, toString(anyIf(s.unit, s.kind != 'summary_count')) AS MetricUnit, s.own AS Attributes,
       toDateTime(any(p.start_time)) AS StartTimeUnix, toDateTime(p.time) AS TimeUnix, toUInt64(anyIf(p.value, s.kind = 'summary_count')) AS Count, anyIf(p.value, s.kind = 'summary_sum') AS Sum,
       arrayMap(q -> q.1, arraySort(groupArrayIf((toFloat64OrZero(s.quantile), p.value), s.kind = 'summary_quantile')) AS quantiles) AS `ValueAtQuantiles.Quantile`,
       arrayMap(q -> q.2, quantiles) AS `ValueAtQuantiles.Value`, toUInt32(0) AS Flags
FROM metric_samples AS p INNER JOIN (
    SELECT day, series_id, service, scope, scope_version, resource_json, description, unit, kind, attributes['quantile'] AS quantile,
           if(kind = 'summary_quantile', mapFilter((k, v) -> k != 'quantile', attributes), attributes) AS own,
           multiIf(kind = 'summary_count', replaceRegexpOne(name, '_count$', ''), kind = 'summary_sum', replaceRegexpOne(name, '_sum$', ''), toString(name)) AS metric
    FROM metric_series FINAL WHERE kind IN ('summary_quantile', 'summary_count', 'summary_sum')) AS s ON s.series_id = p.series_id AND s.day = toDate(p.time)
GROUP BY s.service, s.scope, s.scope_version, s.resource_json, s.metric, s.own, p.time;
