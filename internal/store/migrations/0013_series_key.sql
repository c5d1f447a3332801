-- What the ids of metric series and stacks are hashed with, made by the first ingester that finds none (series_key.go): who could compute ids could
-- write into series of others. The oldest row counts.
CREATE TABLE IF NOT EXISTS series_key (
    made   DateTime64(9, 'UTC'),
    since  Date,                                       -- from this day on no series has an id that was made without the key
    secret FixedString(16)
) ENGINE = MergeTree ORDER BY made;
