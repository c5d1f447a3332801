package tools

// Metrics are read by their series: a query says first which ones it wants, as the common table series, and reads their samples by id. Both are
// ordered so that little else is read.
const (
	// Whose series a caller may see.
	seriesScope = `environment = {environment:String}
      AND (empty({namespaces:Array(String)}) OR has({namespaces:Array(String)}, ` + namespaceOf + `))`
	seriesWindow = seriesScope + ` AND day >= toDate({from:DateTime64(9,'UTC')}) AND day <= toDate({to:DateTime64(9,'UTC')})`
	seriesEither = seriesScope + `
      AND (day >= toDate({from:DateTime64(9,'UTC')}) AND day <= toDate({to:DateTime64(9,'UTC')})
        OR day >= toDate({baseline_from:DateTime64(9,'UTC')}) AND day <= toDate({baseline_to:DateTime64(9,'UTC')}))`
	timeWindow = `time >= {from:DateTime64(9,'UTC')} AND time < {to:DateTime64(9,'UTC')}`
	timeEither = `(` + timeWindow + `
      OR time >= {baseline_from:DateTime64(9,'UTC')} AND time < {baseline_to:DateTime64(9,'UTC')})`
	wanted   = `series_id IN (SELECT series_id FROM series)`
	ofSeries = ` WHERE ` + wanted + ` AND ` + timeWindow

	// Samples of the series, with what series has of them.
	samplesEither = `(SELECT series_id, time, value FROM metric_samples WHERE ` + wanted + ` AND ` + timeEither + `) AS samples INNER JOIN series USING (series_id)`

	// What PromQL calls the attributes of a series: those of its points, and which library measured it.
	seriesAttributes = `mapSort(if(scope = '', attributes, mapUpdate(attributes, map('otel.scope.name', toString(scope)))))`

	// Kinds of series whose points are in histograms and exponential_histograms, and all others.
	histogramKinds = `kind IN ('histogram_delta', 'histogram_cumulative', 'exponential_delta', 'exponential_cumulative')`
	sampleKinds    = `NOT ` + histogramKinds
)
