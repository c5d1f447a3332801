-- The ten slowest spans of a minute, whatever service they are of: of service_minutes each service's ten would be read for them.
-- slowest has them as (minus duration in ns, trace, span, service, name), smallest first.
CREATE TABLE IF NOT EXISTS slowest_minutes (
    minute      DateTime('UTC') CODEC(Delta, ZSTD(1)),
    environment LowCardinality(String),
    spans       SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    slowest     AggregateFunction(groupArraySorted(10), Tuple(Int64, FixedString(16), FixedString(8), String, String)) CODEC(ZSTD(1))
) ENGINE = AggregatingMergeTree PARTITION BY toDate(minute) ORDER BY (environment, minute)
SETTINGS index_granularity = 16;

-- A row for each of a service, which merges add up: nothing is aggregated here, so that memory holds few of them at a time.
TRUNCATE TABLE slowest_minutes;
INSERT INTO slowest_minutes (minute, environment, spans, slowest)
SELECT minute, environment, spans,
       arrayReduce('groupArraySortedState(10)', arrayMap(x -> (x.1, x.2, x.3, toString(service), x.4), finalizeAggregation(s.slowest))) AS slowest
FROM service_minutes AS s
SETTINGS max_threads = 1, max_block_size = 2048, min_insert_block_size_rows = 8192, max_partitions_per_insert_block = 0, insert_deduplicate = 0;

-- Of what was made of spans, not of spans themselves: the ten slowest are among the ten of each service.
CREATE MATERIALIZED VIEW IF NOT EXISTS slowest_minutes_mv TO slowest_minutes AS
SELECT minute, environment, sum(s.spans) AS spans,
       groupArraySortedStateArray(10)(arrayMap(x -> (x.1, x.2, x.3, toString(service), x.4), finalizeAggregation(s.slowest))) AS slowest
FROM service_minutes AS s GROUP BY minute, environment;
