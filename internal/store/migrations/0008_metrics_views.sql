-- The old tables of metrics go.

DROP TABLE IF EXISTS metrics_1;
DROP TABLE IF EXISTS metric_histograms_1;
