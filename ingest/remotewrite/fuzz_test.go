package remotewrite_test

import (
	"testing"

	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"

	"github.com/midwatch/midwatch/ingest/remotewrite"
)

// seeds are requests whose mutations lead far.
func seeds(write func(testing.TB, ...a) []byte, f *testing.F) {
	f.Add([]byte{})
	f.Add(write(f, a{labels: []string{"__name__", "x_total", "job", "api", "instance", "i"}, kind: 1, help: "h", unit: "s", values: []float64{1, 2}, start: at}))
	f.Add(write(f, a{
		labels: []string{"__name__", "d"}, kind: 3, exemplars: []exemplar{{[]string{"trace_id", "0102030405060708090a0b0c0d0e0f10"}, 1}},
		histograms: []writev2.Histogram{
			{Count: &writev2.Histogram_CountInt{CountInt: 3}, Sum: 1, Schema: 2, PositiveSpans: []writev2.BucketSpan{{Offset: 1, Length: 2}}, PositiveDeltas: []int64{1, 1}, Timestamp: at},
			{Count: &writev2.Histogram_CountInt{CountInt: 3}, Sum: 1, Schema: -53, CustomValues: []float64{1, 2}, PositiveSpans: []writev2.BucketSpan{{Length: 1}}, PositiveDeltas: []int64{1}},
		},
	}))
}

// FuzzV1 and FuzzV2 feed any bytes. Whatever they are, the result is an error or a whole answer.
func FuzzV1(f *testing.F) {
	seeds(v1, f)
	f.Fuzz(func(t *testing.T, body []byte) { check(t, remotewrite.V1, body) })
}

func FuzzV2(f *testing.F) {
	seeds(v2, f)
	f.Fuzz(func(t *testing.T, body []byte) { check(t, remotewrite.V2, body) })
}

func check(t *testing.T, v remotewrite.Version, body []byte) {
	out, err := remotewrite.Translate(v, body)
	if err != nil {
		if out != nil {
			t.Fatal("an error and a result")
		}
		return
	}
	_ = tell(out)
	for why, n := range out.Rejected {
		if n <= 0 {
			t.Fatalf("%d rejected for %s", n, why)
		}
	}
}
