package promql

import (
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
)

// Labels that come from columns, the last of them as PromQL calls it.
const serviceLabel, instanceLabel, hostLabel, nameLabel = "service", "instance", "host", "__name__"

// The series of a histogram.
const bucketSuffix, sumSuffix, countSuffix = "_bucket", "_sum", "_count"

var histogramSuffixes = []string{bucketSuffix, sumSuffix, countSuffix}

// sample is a number at a time.
type sample struct {
	t int64
	f float64
}

func (s sample) T() int64                      { return s.t }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.f }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }

// add adds a series of numbers under a name.
func (g *gathered) add(s Stored, name string) {
	samples, total := make([]chunks.Sample, len(s.At)), 0.0
	for i, v := range s.Values {
		if s.Delta {
			total += v
			v = total
		}
		samples[i] = sample{s.At[i], v}
	}
	g.put(s.labels(name, ""), samples)
}

// addHistogram adds the series of a histogram that a selector asks for, by suffix.
func (g *gathered) addHistogram(h StoredHistogram, as map[string]string) {
	buckets, sum, count := make([][]chunks.Sample, len(h.Bounds)+1), []chunks.Sample{}, []chunks.Sample{}
	totals, totalSum, totalCount := make([]float64, len(h.Bounds)+1), 0.0, 0.0
	for i, t := range h.At {
		if !h.Delta {
			clear(totals)
			totalSum, totalCount = 0, 0
		}
		below := 0.0
		for b := range totals {
			if b < len(h.Counts[i]) {
				below += float64(h.Counts[i][b])
			}
			totals[b] += below
			buckets[b] = append(buckets[b], sample{t, totals[b]})
		}
		totalSum, totalCount = totalSum+h.Sum[i], totalCount+float64(h.Count[i])
		sum, count = append(sum, sample{t, totalSum}), append(count, sample{t, totalCount})
	}
	if name, ok := as[bucketSuffix]; ok {
		for b, samples := range buckets {
			bound := math.Inf(1)
			if b < len(h.Bounds) {
				bound = h.Bounds[b]
			}
			g.put(h.labels(name, strconv.FormatFloat(bound, 'g', -1, 64)), samples)
		}
	}
	if name, ok := as[sumSuffix]; ok {
		g.put(h.labels(name, ""), sum)
	}
	if name, ok := as[countSuffix]; ok {
		g.put(h.labels(name, ""), count)
	}
}

// labels are a series' as PromQL sees them. Empty ones are none.
func (id Identity) labels(name, le string) labels.Labels {
	b := labels.NewBuilder(labels.EmptyLabels())
	for _, k := range slices.Sorted(maps.Keys(id.Attributes)) {
		key := Translate(k)
		if key == serviceLabel || key == instanceLabel || key == hostLabel || key == "le" {
			key = "exported_" + key
		}
		b.Set(key, id.Attributes[k])
	}
	b.Set(nameLabel, name)
	b.Set(serviceLabel, id.Service)
	b.Set(instanceLabel, id.Instance)
	b.Set(hostLabel, id.Host)
	b.Set("le", le)
	return b.Labels()
}
