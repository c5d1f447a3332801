-- Every version of every watched Kubernetes object: what was there at a moment is the last version of each uid before it.
-- Nothing of it is in logs. Versions of one object lie side by side, so they compress against each other (docs/telemetry.md has the
-- measurement); the hour comes before them so that what happened lately is found without reading the rest of the day. Small granules:
-- reading one version must not mean reading thousands of others.
CREATE TABLE IF NOT EXISTS k8s_objects (
    time             DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),  -- since when the object is like this
    observed_time    DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),  -- when the watch saw it
    environment      LowCardinality(String),
    cluster          LowCardinality(String),                      -- uid of the namespace kube-system
    api_version      LowCardinality(String),
    kind             LowCardinality(String),
    namespace        LowCardinality(String),                      -- empty: the object is the cluster's
    name             String CODEC(ZSTD(1)),
    uid              String CODEC(ZSTD(1)),
    resource_version String CODEC(ZSTD(1)),
    action           LowCardinality(String),                      -- added, modified, deleted, snapshot
    actor            LowCardinality(String),                      -- field manager of what changed; empty: not told
    workload         LowCardinality(String),                      -- kind/name of the topmost controller
    object           String CODEC(ZSTD(3)),                       -- JSON
    diff             String CODEC(ZSTD(3)),                       -- JSON [{path, before, after}] to the version before
    batch_id         String CODEC(ZSTD(1)),
    INDEX batch_idx batch_id TYPE bloom_filter(0.01) GRANULARITY 4
) ENGINE = MergeTree PARTITION BY toDate(time) ORDER BY (environment, kind, toStartOfHour(time), namespace, name, time)
SETTINGS index_granularity = 512;
