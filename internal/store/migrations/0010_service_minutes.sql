-- What a service did in a minute, in one row: it answers what is asked most often of a few rows. The sketch is DDSketch with 1% of relative error; slowest
-- has ten spans as (minus duration in ns, trace, span, name), smallest first.
CREATE TABLE IF NOT EXISTS service_minutes (
    minute          DateTime('UTC') CODEC(Delta, ZSTD(1)),
    environment     LowCardinality(String),
    service         LowCardinality(String),
    spans           SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    requests        SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)), -- server spans, as the next four
    errors          SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    duration_sum_ns SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    duration        AggregateFunction(quantilesDD(0.01, 0.5, 0.95, 0.99), UInt64) CODEC(ZSTD(1)),
    slowest         AggregateFunction(groupArraySorted(10), Tuple(Int64, FixedString(16), FixedString(8), String)) CODEC(ZSTD(1))
) ENGINE = AggregatingMergeTree PARTITION BY toDate(minute) ORDER BY (environment, service, minute)
SETTINGS index_granularity = 64;

-- Of the spans that are there; the order of aggregation is theirs, so that memory holds a minute at a time.
TRUNCATE TABLE service_minutes;
INSERT INTO service_minutes (minute, environment, service, spans, requests, errors, duration_sum_ns, duration, slowest)
SELECT toStartOfMinute(time) AS minute, environment, service, count() AS spans, countIf(kind = 'server') AS requests, countIf(kind = 'server' AND status = 'error') AS errors,
       sumIf(duration_ns, kind = 'server') AS duration_sum_ns, quantilesDDStateIf(0.01, 0.5, 0.95, 0.99)(duration_ns, kind = 'server') AS duration,
       groupArraySortedState(10)((-toInt64(duration_ns), trace, span, toString(name))) AS slowest
FROM spans GROUP BY environment, minute, service
SETTINGS optimize_aggregation_in_order = 1, max_partitions_per_insert_block = 0;

CREATE MATERIALIZED VIEW IF NOT EXISTS service_minutes_mv TO service_minutes AS
SELECT toStartOfMinute(time) AS minute, environment, service, count() AS spans, countIf(kind = 'server') AS requests, countIf(kind = 'server' AND status = 'error') AS errors,
       sumIf(duration_ns, kind = 'server') AS duration_sum_ns, quantilesDDStateIf(0.01, 0.5, 0.95, 0.99)(duration_ns, kind = 'server') AS duration,
       groupArraySortedState(10)((-toInt64(duration_ns), trace, span, toString(name))) AS slowest
FROM spans GROUP BY minute, environment, service;

-- A granule of logs has 8 KB of times: in blocks of 64 KB eight times as much was unpacked for each line found.
ALTER TABLE logs MODIFY SETTING min_compress_block_size = 16384;
