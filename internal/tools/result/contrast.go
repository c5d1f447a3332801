package result

// Contrast is the result of contrast: what spans that are bad (slow or failed) have in common that others have not.
type Contrast struct {
	By          string  `json:"by"`                     // slow or failing
	ThresholdMS float64 `json:"threshold_ms,omitempty"` // slow: spans that took at least this long
	Side        string  `json:"side"`                   // server or client
	// Spans and bad ones among them, in each window, judged by the same threshold.
	Spans Pair `json:"spans"`
	Bad   Pair `json:"bad"`
	// Differences are values of attributes that bad spans of the fault window have more often than others, by Phi.
	Differences []Difference `json:"differences"`
	Omitted     int          `json:"omitted"` // differences that are not listed: the smallest
	Method      string       `json:"method"`
}

// Difference is a value that distinguishes bad spans.
type Difference struct {
	Attribute string   `json:"attribute"` // operation, peer, instance, host, version, or an attribute's name
	Value     string   `json:"value"`
	Also      []string `json:"also,omitempty"` // attribute=value that exactly the same spans have
	Bad       uint64   `json:"bad"`            // bad spans of the fault window that have it
	Good      uint64   `json:"good"`
	// Share of the bad, and of the good, spans that have it.
	OfBad  float64 `json:"of_bad"`
	OfGood float64 `json:"of_good"`
	Phi    float64 `json:"phi"` // effect size, 0..1: 1 means that exactly the bad spans have it
	Z      float64 `json:"z"`   // two-proportion z of of_bad against of_good
	// BadRatio is how many of the spans that have it are bad, in each window: what was as bad in healthy time is no cause.
	BadRatio Pair `json:"bad_ratio"`
}
