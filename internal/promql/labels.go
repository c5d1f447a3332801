package promql

import (
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// Labels that come from columns, the last of them as PromQL calls it, and that of a bucket.
const serviceLabel, instanceLabel, hostLabel, nameLabel, boundLabel = "service", "instance", "host", "__name__", "le"

// The series of a histogram.
const bucketSuffix, sumSuffix, countSuffix = "_bucket", "_sum", "_count"

var histogramSuffixes = []string{bucketSuffix, sumSuffix, countSuffix}

// labels are a series' as PromQL sees them. Empty ones are none.
func (s Stored) labels(b *labels.Builder, name string) labels.Labels {
	b.Reset(labels.EmptyLabels())
	for _, k := range slices.Sorted(maps.Keys(s.Attributes)) {
		key := Translate(k)
		if key == serviceLabel || key == instanceLabel || key == hostLabel || key == boundLabel && s.Histogram { // a bucket that Prometheus wrote has its own
			key = "exported_" + key
		}
		b.Set(key, s.Attributes[k])
	}
	b.Set(nameLabel, name)
	b.Set(serviceLabel, s.Service)
	b.Set(instanceLabel, s.Instance)
	b.Set(hostLabel, s.Host)
	return b.Labels()
}

// Translate is a name as PromQL allows it.
func Translate(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == ':' {
			return r
		}
		return '_'
	}, name)
}

// matches says whether a selector allows the value of a label.
func matches(matchers []*labels.Matcher, name, value string) bool {
	for _, m := range matchers {
		if m.Name == name && !m.Matches(value) {
			return false
		}
	}
	return true
}

// matchesAll says whether a selector allows labels, but for some that are not looked at.
func matchesAll(matchers []*labels.Matcher, l labels.Labels, but ...string) bool {
	for _, m := range matchers {
		if !slices.Contains(but, m.Name) && !m.Matches(l.Get(m.Name)) {
			return false
		}
	}
	return true
}
