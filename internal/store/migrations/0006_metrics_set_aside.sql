-- Metrics are stored as series and samples; here the old tables are set aside. 0007 copies their rows, 0008 drops them.

RENAME TABLE IF EXISTS metrics TO metrics_1;
RENAME TABLE IF EXISTS metric_histograms TO metric_histograms_1;
