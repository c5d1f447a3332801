-- Metrics: what a series is called is said once a day, a sample is its series' id, a time and a value. docs/schema.md says why keys and codecs are as they are.

-- A series has a row for each day that it has samples on, so that old days can be dropped. The id is a hash of everything that makes it one series:
-- all columns but the description. Its upper 12 bits are those of the name, so that what is asked for together lies together, and the next 8 those of
-- the host, because series of one host have the same times and came in the same requests: side by side they take a third of the room. What is stored
-- twice is merged.
CREATE TABLE IF NOT EXISTS metric_series (
    day           Date,
    series_id     UInt64,
    environment   LowCardinality(String),
    service       LowCardinality(String),
    instance      LowCardinality(String),              -- service.instance.id
    host          LowCardinality(String),
    name          LowCardinality(String),              -- of a summary's parts: its own, with _count or _sum
    unit          LowCardinality(String),
    description   LowCardinality(String),
    kind          Enum8('gauge' = 1, 'sum_delta' = 2, 'sum_cumulative' = 3, 'histogram_delta' = 4, 'histogram_cumulative' = 5,
                        'exponential_delta' = 6, 'exponential_cumulative' = 7, 'summary_quantile' = 8, 'summary_count' = 9, 'summary_sum' = 10),
    monotonic     Bool,                                -- a sum that only grows
    scope         LowCardinality(String),              -- name of the OTLP scope
    scope_version LowCardinality(String),
    attributes    Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    resource_json LowCardinality(String),              -- a JSON object of strings
    batch_id      UInt64 CODEC(ZSTD(1)),
    time          Date ALIAS day,
    resource      Map(String, String) ALIAS JSONExtract(resource_json, 'Map(String, String)')
) ENGINE = ReplacingMergeTree PARTITION BY day ORDER BY (environment, name, service, series_id, day);

-- Points of gauges, sums and of the parts of summaries. start_time is since when a sum counts; 1970 where nobody said.
CREATE TABLE IF NOT EXISTS metric_samples (
    series_id  UInt64 CODEC(ZSTD(1)),
    time       DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    start_time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    value      Float64 CODEC(ZSTD(1)),
    batch_id   UInt64 CODEC(ZSTD(1)) SETTINGS (min_compress_block_size = 1048576, max_compress_block_size = 4194304), -- rarely read
    INDEX batch_idx batch_id TYPE bloom_filter(0.01) GRANULARITY 4
) ENGINE = MergeTree PARTITION BY toDate(time) ORDER BY (toStartOfHour(time), series_id, time);

-- counts[i] is how many values were above bounds[i - 1] and at most bounds[i]; there is one count more than bounds, or none of both.
CREATE TABLE IF NOT EXISTS histograms (
    series_id  UInt64 CODEC(ZSTD(1)),
    time       DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    start_time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    count      UInt64 CODEC(ZSTD(1)),
    sum        Float64 CODEC(ZSTD(1)),
    min        Float64 CODEC(ZSTD(1)),                 -- NaN: not told
    max        Float64 CODEC(ZSTD(1)),
    bounds     Array(Float64) CODEC(ZSTD(1)),
    counts     Array(UInt64) CODEC(ZSTD(1)),
    batch_id   UInt64 CODEC(ZSTD(1)),
    INDEX batch_idx batch_id TYPE bloom_filter(0.01) GRANULARITY 4
) ENGINE = MergeTree PARTITION BY toDate(time) ORDER BY (toStartOfHour(time), series_id, time);

-- Bucket i of the positive ones holds the values above 2^((offset + i) / 2^scale) and at most 2^((offset + i + 1) / 2^scale), the negative ones likewise.
-- bounds and counts are the same as in histograms.
CREATE TABLE IF NOT EXISTS exponential_histograms (
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
) ENGINE = MergeTree PARTITION BY toDate(time) ORDER BY (toStartOfHour(time), series_id, time);

-- Single values that a point was made of, with the span they were measured in. time is the point's.
CREATE TABLE IF NOT EXISTS exemplars (
    series_id     UInt64 CODEC(ZSTD(1)),
    time          DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    exemplar_time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    value         Float64 CODEC(ZSTD(1)),
    trace         FixedString(16) CODEC(ZSTD(1)),      -- zeros: none
    span          FixedString(8) CODEC(ZSTD(1)),
    attributes    Map(LowCardinality(String), String) CODEC(ZSTD(1)), -- those that the point does not have
    batch_id      UInt64 CODEC(ZSTD(1)),
    trace_id      String ALIAS if(trace = toFixedString('', 16), '', lower(hex(trace))),
    span_id       String ALIAS if(span = toFixedString('', 8), '', lower(hex(span))),
    INDEX trace_idx trace TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX batch_idx batch_id TYPE bloom_filter(0.01) GRANULARITY 4
) ENGINE = MergeTree PARTITION BY toDate(time) ORDER BY (toStartOfHour(time), series_id, time);

-- What is kept of samples for longer: of each minute and of each ten minutes of a series. The ingester makes them of what is finer, and again when
-- something was late. The row that was made of more samples is the truer one, so asking takes FINAL.
CREATE TABLE IF NOT EXISTS metric_minutes (
    series_id UInt64 CODEC(ZSTD(1)),
    time      DateTime('UTC') CODEC(Delta, ZSTD(1)),   -- when the minute begins
    count     UInt32 CODEC(ZSTD(1)),
    min       Float64 CODEC(ZSTD(1)),
    max       Float64 CODEC(ZSTD(1)),
    sum       Float64 CODEC(ZSTD(1)),
    first     Float64 CODEC(ZSTD(1)),
    last      Float64 CODEC(ZSTD(1))
) ENGINE = ReplacingMergeTree(count) PARTITION BY toDate(time) ORDER BY (series_id, time);

CREATE TABLE IF NOT EXISTS metric_ten_minutes AS metric_minutes
ENGINE = ReplacingMergeTree(count) PARTITION BY toDate(time) ORDER BY (series_id, time);

-- A copy that was killed half way starts again from nothing, if what it is copied from is still there (see 0004). Ids of old series are made by the store; nothing else makes the same ones again.
-- A series gets a row for each of its points, and the table merges them, most at once and the rest later: a GROUP BY would have to hold all series of all days, and may not spill.
SELECT count() FROM metrics_1;
SELECT count() FROM metric_histograms_1;
TRUNCATE TABLE metric_series;
INSERT INTO metric_series (day, series_id, environment, service, instance, host, name, unit, kind, scope, attributes, resource_json)
SELECT toDate(time), cityHash64(environment, service, instance, host, name, unit, toString(kind), mapSort(attributes), mapSort(resource)),
       environment, service, instance, host, name, unit, toString(kind),
       attributes['otel.scope.name'], mapFilter((k, v) -> k != 'otel.scope.name', attributes), toJSONString(resource)
FROM metrics_1
SETTINGS max_partitions_per_insert_block = 0, output_format_json_escape_forward_slashes = 0, min_insert_block_size_rows = 262144, min_insert_block_size_bytes = 33554432, max_insert_threads = 1, max_threads = 1, max_block_size = 8192;
INSERT INTO metric_series (day, series_id, environment, service, instance, host, name, unit, kind, scope, attributes, resource_json)
SELECT toDate(time), cityHash64(environment, service, instance, host, name, unit, toString(temporality), mapSort(attributes), mapSort(resource)),
       environment, service, instance, host, name, unit, if(temporality = 'delta', 'histogram_delta', 'histogram_cumulative'),
       attributes['otel.scope.name'], mapFilter((k, v) -> k != 'otel.scope.name', attributes), toJSONString(resource)
FROM metric_histograms_1
SETTINGS max_partitions_per_insert_block = 0, output_format_json_escape_forward_slashes = 0, min_insert_block_size_rows = 262144, min_insert_block_size_bytes = 33554432, max_insert_threads = 1, max_threads = 1, max_block_size = 8192;

SELECT count() FROM metrics_1;
TRUNCATE TABLE metric_samples;
INSERT INTO metric_samples (series_id, time, value, batch_id)
SELECT cityHash64(environment, service, instance, host, name, unit, toString(kind), mapSort(attributes), mapSort(resource)), time, value,
       reinterpretAsUInt64(reverse(substring(SHA256(batch_id), 1, 8)))
FROM metrics_1
SETTINGS max_partitions_per_insert_block = 0;

SELECT count() FROM metric_histograms_1;
TRUNCATE TABLE histograms;
INSERT INTO histograms (series_id, time, count, sum, min, max, bounds, counts, batch_id)
SELECT cityHash64(environment, service, instance, host, name, unit, toString(temporality), mapSort(attributes), mapSort(resource)),
       time, count, sum, nan, nan, bounds, counts, reinterpretAsUInt64(reverse(substring(SHA256(batch_id), 1, 8)))
FROM metric_histograms_1
SETTINGS max_partitions_per_insert_block = 0;

-- What is dropped next has to be here. Where it is not, the file is not done, and the next start copies again.
SELECT throwIf((SELECT count() FROM metric_samples) < (SELECT count() FROM metrics_1)
    OR (SELECT count() FROM histograms) < (SELECT count() FROM metric_histograms_1),
    'rows came while the old tables were copied; start again');
