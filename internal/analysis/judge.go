package analysis

// Group is what is known of a group of requests in one window.
type Group struct {
	Requests, Errors uint64
	Seconds          float64 // length of the window
	P50MS, P95MS     float64
	Durations        []Bin
}

// ErrorRatio of the group, 0 without requests.
func (g Group) ErrorRatio() float64 { return Ratio(float64(g.Errors), float64(g.Requests)) }

// Judgement is what changed, in the sense of result.Change.
type Judgement struct {
	ErrorZ, LatencyZ           float64
	Failing, Slow, Quiet, Busy bool
	Healed                     bool
}

// Thresholds of a material change. A change has to be both big and unlikely by chance: a window of seconds holds hundreds of
// groups, so z is set for one false flag in about 10^4 comparisons.
const (
	significant     = 3.7
	minErrors       = 3
	minErrorRatio   = 0.02
	minErrorGrowth  = 2.0
	minLatencyRatio = 2.0
	minP50DeltaMS   = 5.0
	minP95DeltaMS   = 20.0
	minSamples      = 5
	// likely is enough for the few things that something bad calls: one false flag in about a hundred comparisons.
	likely = 2.33
)

// Judge compares fault with healthy; tail is the last third of the fault window, in which a change must go on or it has
// healed.
func Judge(fault, tail, healthy Group) Judgement {
	j := Judgement{
		ErrorZ:   ProportionZ(fault.Errors, fault.Requests, healthy.Errors, healthy.Requests),
		LatencyZ: RankSumZ(fault.Durations, healthy.Durations),
	}
	failed, slowed := failing(fault, healthy, j.ErrorZ, significant), slow(fault, healthy, j.LatencyZ)
	j.Failing = failed && stillFailing(tail, healthy)
	j.Slow = slowed && stillSlow(tail, healthy)
	j.Healed = (failed || slowed) && !j.Failing && !j.Slow
	rate := RateZ(fault.Requests, fault.Seconds, healthy.Requests, healthy.Seconds)
	growth := Ratio(Ratio(float64(fault.Requests), fault.Seconds), Ratio(float64(healthy.Requests), healthy.Seconds))
	j.Quiet = healthy.Requests >= minSamples && growth < 0.5 && rate < -significant
	j.Busy = healthy.Requests >= minSamples && growth > 1.6 && rate > significant
	return j
}

// Leans says that a group fails or is slow by a change that is as big as Judge wants it and unlikely by chance, but not as
// unlikely: too little to accuse it for, enough to doubt it once something that calls it is known to be bad. The z are those of
// the Judgement; Durations are not needed.
func Leans(fault, healthy Group, errorZ, latencyZ float64) (fails, slows bool) {
	sampled := fault.Requests >= minSamples && healthy.Requests >= minSamples
	return healthy.Requests > 0 && failing(fault, healthy, errorZ, likely), sampled && latencyZ >= likely && slower(fault, healthy)
}

func failing(fault, healthy Group, z, limit float64) bool {
	if fault.Errors < minErrors || fault.ErrorRatio() < minErrorRatio {
		return false
	}
	if healthy.Requests == 0 { // a group that did not exist, such as connects to a port nobody asked for before
		return fault.ErrorRatio() >= 0.5
	}
	return z >= limit && fault.ErrorRatio() >= minErrorGrowth*healthy.ErrorRatio()
}

// stillFailing gives a tail without requests the benefit of the doubt: clients that wait are not healed.
func stillFailing(tail, healthy Group) bool {
	if tail.Requests == 0 {
		return true
	}
	return tail.ErrorRatio() >= max(minErrorRatio, minErrorGrowth*healthy.ErrorRatio())
}

func slow(fault, healthy Group, z float64) bool {
	if fault.Requests < minSamples || healthy.Requests < minSamples {
		return false
	}
	// The upper tail alone may move (one operation of many): then ranks hardly change, and the share of requests above the
	// healthy 95th percentile is the better test.
	return slower(fault, healthy) && (z >= significant || exceedZ(fault, healthy) >= significant)
}

func slower(g, healthy Group) bool {
	byMedian := g.P50MS >= minLatencyRatio*healthy.P50MS && g.P50MS-healthy.P50MS >= minP50DeltaMS
	byTail := g.P95MS >= minLatencyRatio*healthy.P95MS && g.P95MS-healthy.P95MS >= minP95DeltaMS
	return byMedian || byTail
}

func stillSlow(tail, healthy Group) bool { return tail.Requests < minSamples || slower(tail, healthy) }

// exceedZ tests the share of requests in bins above the healthy 95th percentile.
func exceedZ(fault, healthy Group) float64 {
	var total uint64
	for _, b := range healthy.Durations {
		total += b.Count
	}
	limit, below := int64(0), uint64(0)
	for _, b := range sorted(healthy.Durations) {
		below += b.Count
		limit = b.Index
		if float64(below) >= 0.95*float64(total) {
			break
		}
	}
	return ProportionZ(above(fault.Durations, limit), fault.Requests, above(healthy.Durations, limit), healthy.Requests)
}

func above(bins []Bin, limit int64) uint64 {
	var n uint64
	for _, b := range bins {
		if b.Index > limit {
			n += b.Count
		}
	}
	return n
}
