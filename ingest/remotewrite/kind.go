package remotewrite

import "strings"

// kind is what Prometheus knows of a metric. Both versions number them alike.
type kind int

const (
	unknown kind = iota
	counter
	gauge
	classic // histogram: classic or native
	gaugeHistogram
	summary
	info
	stateSet
)

// metadata is what is told of a metric besides its samples.
type metadata struct {
	kind       kind
	help, unit string
}

// counts says whether the samples of a metric only grow. What is not told is read off the name, where that is certain: the same series must be
// the same whether its metadata came along or not.
func (m metadata) counts(name string, labels []label) bool {
	switch m.kind {
	case counter:
		return true
	case classic:
		return hasSuffix(name, "_bucket", "_count", "_sum")
	case summary:
		return hasSuffix(name, "_count", "_sum")
	case unknown:
		return hasSuffix(name, "_total") || hasSuffix(name, "_bucket") && valueOf(labels, "le") != ""
	}
	return false
}

// family is the name under which metadata of a metric is told.
func family(name string, known map[string]metadata) string {
	if _, ok := known[name]; ok {
		return name
	}
	for _, suffix := range []string{"_total", "_bucket", "_count", "_sum", "_created", "_info"} {
		if base, cut := strings.CutSuffix(name, suffix); cut {
			return base
		}
	}
	return name
}

func hasSuffix(s string, any ...string) bool {
	for _, suffix := range any {
		if strings.HasSuffix(s, suffix) {
			return true
		}
	}
	return false
}

func valueOf(list []label, name string) string {
	for _, l := range list {
		if l.name == name {
			return l.value
		}
	}
	return ""
}
