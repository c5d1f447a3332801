-- The views in the shape of the OpenTelemetry exporter's tables show exemplars, too.

-- What a point was made of.
DROP VIEW IF EXISTS point_exemplars;
CREATE VIEW IF NOT EXISTS point_exemplars AS
SELECT series_id, time, arraySort(e -> e.1, groupArray((exemplar_time, value, trace_id, span_id, attributes))) AS list
FROM exemplars GROUP BY series_id, time;

DROP VIEW IF EXISTS otel_metrics_gauge;
CREATE VIEW IF NOT EXISTS otel_metrics_gauge AS
SELECT CAST(s.resource, 'Map(LowCardinality(String), String)') AS ResourceAttributes, '' AS ResourceSchemaUrl, toString(s.scope) AS ScopeName, toString(s.scope_version) AS ScopeVersion,
       CAST(map(), 'Map(LowCardinality(String), String)') AS ScopeAttributes, toUInt32(0) AS ScopeDroppedAttrCount, '' AS ScopeSchemaUrl,
       s.service AS ServiceName, s.name AS MetricName, toString(s.description) AS MetricDescription, toString(s.unit) AS MetricUnit, s.attributes AS Attributes,
       toDateTime(p.start_time) AS StartTimeUnix, toDateTime(p.time) AS TimeUnix, p.value AS Value, toUInt32(0) AS Flags,
       arrayMap(x -> x.5, e.list) AS `Exemplars.FilteredAttributes`, arrayMap(x -> toDateTime(x.1), e.list) AS `Exemplars.TimeUnix`,
       arrayMap(x -> x.2, e.list) AS `Exemplars.Value`, arrayMap(x -> x.4, e.list) AS `Exemplars.SpanId`, arrayMap(x -> x.3, e.list) AS `Exemplars.TraceId`
FROM metric_samples AS p INNER JOIN (SELECT *, resource FROM metric_series FINAL WHERE kind = 'gauge') AS s ON s.series_id = p.series_id AND s.day = toDate(p.time)
LEFT JOIN point_exemplars AS e ON e.series_id = p.series_id AND e.time = p.time;

DROP VIEW IF EXISTS otel_metrics_sum;
CREATE VIEW IF NOT EXISTS otel_metrics_sum AS
SELECT CAST(s.resource, 'Map(LowCardinality(String), String)') AS ResourceAttributes, '' AS ResourceSchemaUrl, toString(s.scope) AS ScopeName, toString(s.scope_version) AS ScopeVersion,
       CAST(map(), 'Map(LowCardinality(String), String)') AS ScopeAttributes, toUInt32(0) AS ScopeDroppedAttrCount, '' AS ScopeSchemaUrl,
       s.service AS ServiceName, s.name AS MetricName, toString(s.description) AS MetricDescription, toString(s.unit) AS MetricUnit, s.attributes AS Attributes,
       toDateTime(p.start_time) AS StartTimeUnix, toDateTime(p.time) AS TimeUnix, p.value AS Value, toUInt32(0) AS Flags,
       arrayMap(x -> x.5, e.list) AS `Exemplars.FilteredAttributes`, arrayMap(x -> toDateTime(x.1), e.list) AS `Exemplars.TimeUnix`,
       arrayMap(x -> x.2, e.list) AS `Exemplars.Value`, arrayMap(x -> x.4, e.list) AS `Exemplars.SpanId`, arrayMap(x -> x.3, e.list) AS `Exemplars.TraceId`,
       toInt32(if(s.kind = 'sum_delta', 1, 2)) AS AggregationTemporality, s.monotonic AS IsMonotonic
FROM metric_samples AS p INNER JOIN (SELECT *, resource FROM metric_series FINAL WHERE kind IN ('sum_delta', 'sum_cumulative')) AS s ON s.series_id = p.series_id AND s.day = toDate(p.time)
LEFT JOIN point_exemplars AS e ON e.series_id = p.series_id AND e.time = p.time;

DROP VIEW IF EXISTS otel_metrics_histogram;
CREATE VIEW IF NOT EXISTS otel_metrics_histogram AS
SELECT CAST(s.resource, 'Map(LowCardinality(String), String)') AS ResourceAttributes, '' AS ResourceSchemaUrl, toString(s.scope) AS ScopeName, toString(s.scope_version) AS ScopeVersion,
       CAST(map(), 'Map(LowCardinality(String), String)') AS ScopeAttributes, toUInt32(0) AS ScopeDroppedAttrCount, '' AS ScopeSchemaUrl,
       s.service AS ServiceName, s.name AS MetricName, toString(s.description) AS MetricDescription, toString(s.unit) AS MetricUnit, s.attributes AS Attributes,
       toDateTime(p.start_time) AS StartTimeUnix, toDateTime(p.time) AS TimeUnix, p.count AS Count, p.sum AS Sum, p.counts AS BucketCounts, p.bounds AS ExplicitBounds,
       arrayMap(x -> x.5, e.list) AS `Exemplars.FilteredAttributes`, arrayMap(x -> toDateTime(x.1), e.list) AS `Exemplars.TimeUnix`,
       arrayMap(x -> x.2, e.list) AS `Exemplars.Value`, arrayMap(x -> x.4, e.list) AS `Exemplars.SpanId`, arrayMap(x -> x.3, e.list) AS `Exemplars.TraceId`,
       toUInt32(0) AS Flags, ifNotFinite(p.min, 0.) AS Min, ifNotFinite(p.max, 0.) AS Max, toInt32(if(s.kind = 'histogram_delta', 1, 2)) AS AggregationTemporality
FROM histograms AS p INNER JOIN (SELECT *, resource FROM metric_series FINAL) AS s ON s.series_id = p.series_id AND s.day = toDate(p.time)
LEFT JOIN point_exemplars AS e ON e.series_id = p.series_id AND e.time = p.time;

DROP VIEW IF EXISTS otel_metrics_exponential_histogram;
CREATE VIEW IF NOT EXISTS otel_metrics_exponential_histogram AS
SELECT CAST(s.resource, 'Map(LowCardinality(String), String)') AS ResourceAttributes, '' AS ResourceSchemaUrl, toString(s.scope) AS ScopeName, toString(s.scope_version) AS ScopeVersion,
       CAST(map(), 'Map(LowCardinality(String), String)') AS ScopeAttributes, toUInt32(0) AS ScopeDroppedAttrCount, '' AS ScopeSchemaUrl,
       s.service AS ServiceName, s.name AS MetricName, toString(s.description) AS MetricDescription, toString(s.unit) AS MetricUnit, s.attributes AS Attributes,
       toDateTime(p.start_time) AS StartTimeUnix, toDateTime(p.time) AS TimeUnix, p.count AS Count, p.sum AS Sum, p.scale AS Scale, p.zero_count AS ZeroCount,
       p.positive_offset AS PositiveOffset, p.positive_counts AS PositiveBucketCounts, p.negative_offset AS NegativeOffset, p.negative_counts AS NegativeBucketCounts,
       arrayMap(x -> x.5, e.list) AS `Exemplars.FilteredAttributes`, arrayMap(x -> toDateTime(x.1), e.list) AS `Exemplars.TimeUnix`,
       arrayMap(x -> x.2, e.list) AS `Exemplars.Value`, arrayMap(x -> x.4, e.list) AS `Exemplars.SpanId`, arrayMap(x -> x.3, e.list) AS `Exemplars.TraceId`,
       toUInt32(0) AS Flags, ifNotFinite(p.min, 0.) AS Min, ifNotFinite(p.max, 0.) AS Max, toInt32(if(s.kind = 'exponential_delta', 1, 2)) AS AggregationTemporality
FROM exponential_histograms AS p INNER JOIN (SELECT *, resource FROM metric_series FINAL) AS s ON s.series_id = p.series_id AND s.day = toDate(p.time)
LEFT JOIN point_exemplars AS e ON e.series_id = p.series_id AND e.time = p.time;
