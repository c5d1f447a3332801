package remotewrite

import (
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"
)

// Version is how a request is written.
type Version int

// The versions.
const (
	V1 Version = 1 // prometheus.WriteRequest
	V2 Version = 2 // io.prometheus.write.v2.Request
)

// ErrMalformed means that a request is no message of its version, or would take too much memory as one.
var ErrMalformed = errors.New("malformed remote write request")

// ErrMany is an ErrMalformed of the second kind.
var ErrMany = fmt.Errorf("%w: it takes more than %d MiB when it is read: send less at a time", ErrMalformed, 2*maxExpanded>>20)

// series is one time series of a request, of either version.
type series struct {
	labels     []label // sorted by name, none empty, without those that became something else
	name       string  // of the metric
	meta       metadata
	samples    []sample
	histograms []native
	exemplars  []exemplar
}

type label struct{ name, value string }

// sample times are milliseconds since 1970; start 0: not known.
type sample struct {
	value     float64
	at, start int64
}

// native is a native histogram; floats are not among them, see translate.
type native struct {
	is        *histogram.Histogram // nil: its counts are floats
	at, start int64
}

type exemplar struct {
	labels []label
	value  float64
	at     int64
}

// Translate reads a request, decompressed, and returns it as OTLP has it. What is wrong with single series is in the result; the error wraps ErrMalformed.
func Translate(v Version, body []byte) (out *Metrics, err error) {
	defer func() { // the decoders are generated, and read what anyone may have sent
		if r := recover(); r != nil {
			out, err = nil, fmt.Errorf("%w: the decoder gave up on it: %v", ErrMalformed, r)
		}
	}()
	if Size(v, body) > 2*maxExpanded {
		return nil, ErrMany
	}
	b := newBuilder()
	if v == V2 {
		err = readV2(body, b)
	} else {
		err = readV1(body, b)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return b.out, nil
}

func readV1(body []byte, b *builder) error {
	var in prompb.WriteRequest
	if err := in.Unmarshal(body); err != nil {
		return err
	}
	families := map[string]metadata{}
	for _, m := range in.Metadata {
		families[m.MetricFamilyName] = metadata{kind: kind(m.Type), help: m.Help, unit: m.Unit}
	}
	for _, t := range in.Timeseries {
		s := series{labels: labelsV1(t.Labels)}
		for _, x := range t.Samples {
			s.samples = append(s.samples, sample{value: x.Value, at: x.Timestamp})
		}
		for _, h := range t.Histograms {
			n := native{at: h.Timestamp}
			if !h.IsFloatHistogram() {
				n.is = h.ToIntHistogram()
			}
			s.histograms = append(s.histograms, n)
		}
		for _, e := range t.Exemplars {
			s.exemplars = append(s.exemplars, exemplar{labels: labelsV1(e.Labels), value: e.Value, at: e.Timestamp})
		}
		b.add(s, func(name string) metadata { return families[family(name, families)] })
	}
	return nil
}

func labelsV1(in []prompb.Label) []label {
	out := make([]label, len(in))
	for i, l := range in {
		out[i] = label{l.Name, l.Value}
	}
	return out
}

func readV2(body []byte, b *builder) error {
	var in writev2.Request
	if err := in.Unmarshal(body); err != nil {
		return err
	}
	if len(in.Symbols) > 0 && in.Symbols[0] != "" {
		return errors.New("the first symbol is not empty")
	}
	for _, t := range in.Timeseries {
		s := series{}
		var ok bool
		if s.labels, ok = labelsV2(t.LabelsRefs, in.Symbols); !ok || int(t.Metadata.HelpRef) >= max(1, len(in.Symbols)) || int(t.Metadata.UnitRef) >= max(1, len(in.Symbols)) {
			b.out.reject(BadReference, len(t.Samples)+len(t.Histograms))
			b.out.reject(BadExemplar, len(t.Exemplars))
			continue
		}
		meta := metadata{kind: kind(t.Metadata.Type), help: symbol(in.Symbols, t.Metadata.HelpRef), unit: symbol(in.Symbols, t.Metadata.UnitRef)}
		for _, x := range t.Samples {
			s.samples = append(s.samples, sample{value: x.Value, at: x.Timestamp, start: x.StartTimestamp})
		}
		for _, h := range t.Histograms {
			n := native{at: h.Timestamp, start: h.StartTimestamp}
			if !h.IsFloatHistogram() {
				n.is = h.ToIntHistogram()
			}
			s.histograms = append(s.histograms, n)
		}
		for _, e := range t.Exemplars {
			if list, ok := labelsV2(e.LabelsRefs, in.Symbols); ok {
				s.exemplars = append(s.exemplars, exemplar{labels: list, value: e.Value, at: e.Timestamp})
			} else {
				b.out.reject(BadExemplar, 1)
			}
		}
		b.add(s, func(string) metadata { return meta })
	}
	return nil
}

func symbol(symbols []string, ref uint32) string {
	if len(symbols) == 0 {
		return ""
	}
	return symbols[ref]
}

// labelsV2 resolves pairs of references; not ok: one points past the symbols, or has no partner.
func labelsV2(refs []uint32, symbols []string) ([]label, bool) {
	if len(refs)%2 != 0 {
		return nil, false
	}
	out := make([]label, 0, len(refs)/2)
	for i := 0; i < len(refs); i += 2 {
		if int64(refs[i]) >= int64(len(symbols)) || int64(refs[i+1]) >= int64(len(symbols)) {
			return nil, false
		}
		out = append(out, label{symbols[refs[i]], symbols[refs[i+1]]})
	}
	return out, true
}

// nanoseconds converts a time of Prometheus. What OTLP cannot write is the nearest it can, which nobody takes for a time of today.
func nanoseconds(ms int64) uint64 {
	switch {
	case ms < 0:
		return 1
	case ms > math.MaxInt64/1_000_000:
		return math.MaxUint64
	}
	return uint64(ms) * 1_000_000
}

func validText(list []label) bool {
	for _, l := range list {
		if !utf8.ValidString(l.name) || !utf8.ValidString(l.value) {
			return false
		}
	}
	return true
}
