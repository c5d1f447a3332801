package analysis_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/internal/analysis"
)

func near(t *testing.T, what string, got, want, by float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > by {
		t.Errorf("%s: got %v, want %v ± %v", what, got, want, by)
	}
}

func TestRobust(t *testing.T) {
	near(t, "median", analysis.Median([]float64{9, 1, 5}), 5, 0)
	near(t, "median of two", analysis.Median([]float64{1, 2}), 1.5, 0)
	near(t, "MAD ignores one wild value", analysis.MAD([]float64{1, 2, 3, 4, 1e9}), 1.4826, 1e-9)
	near(t, "quantile", analysis.Quantile([]float64{0, 10}, 0.95), 9.5, 1e-9)
	near(t, "slope ignores one wild value", analysis.Slope([]float64{0, 1, 2, 3, 4}, []float64{0, 2, 400, 6, 8}), 2, 0.01)
}

func TestNothingIsNeverNaN(t *testing.T) {
	for _, values := range [][]float64{nil, {3}} {
		want := 0.0
		if len(values) == 1 {
			want = 3
		}
		near(t, "median", analysis.Median(values), want, 0)
		near(t, "MAD", analysis.MAD(values), 0, 0)
		near(t, "slope", analysis.Slope(values, values), 0, 0)
	}
	near(t, "proportion", analysis.ProportionZ(0, 0, 0, 0), 0, 0)
	near(t, "rate", analysis.RateZ(0, 1, 0, 1), 0, 0)
	near(t, "ratio", analysis.Ratio(1, 0), 0, 0)
	one := []analysis.Bin{{Index: 4, Count: 1}}
	near(t, "rank sum of nothing", analysis.RankSumZ(nil, one), 0, 0)
	near(t, "rank sum of equals", analysis.RankSumZ(one, one), 0, 0)
	if at := analysis.Onset(nil); at != -1 {
		t.Errorf("onset of nothing is %d", at)
	}
	if got := analysis.Judge(analysis.Group{}, analysis.Group{}, analysis.Group{}); got != (analysis.Judgement{}) {
		t.Errorf("nothing is judged %+v", got)
	}
	single := analysis.Group{Requests: 1, Errors: 1, Seconds: 10, P50MS: 900, P95MS: 900, Durations: one}
	for _, healthy := range []analysis.Group{{}, {Requests: 1, Seconds: 10, P50MS: 1, P95MS: 1, Durations: []analysis.Bin{{Index: 1, Count: 1}}}} {
		if got := analysis.Judge(single, single, healthy); got.Failing || got.Slow || got.Quiet || got.Busy {
			t.Errorf("one request is judged %+v", got)
		}
	}
}

func TestProportionZ(t *testing.T) {
	near(t, "20% of 100 against 0% of 300", analysis.ProportionZ(20, 100, 0, 300), 7.9, 0.3)
	near(t, "one error proves nothing", analysis.ProportionZ(1, 5, 0, 5), 0.8, 0.3)
}

func TestRankSumFindsAShiftAndOnlyAShift(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	sample := func(n int, shift float64) []analysis.Bin {
		bins := map[int64]uint64{}
		for range n {
			bins[int64(rng.NormFloat64()*4+shift)]++
		}
		out := make([]analysis.Bin, 0, len(bins))
		for i, c := range bins {
			out = append(out, analysis.Bin{Index: i, Count: c})
		}
		return out
	}
	if z := analysis.RankSumZ(sample(60, 4), sample(200, 0)); z < 4 {
		t.Errorf("a shift of one deviation has z %.1f", z)
	}
	high := 0
	for range 1000 {
		if z := analysis.RankSumZ(sample(60, 0), sample(200, 0)); math.Abs(z) > 3 {
			high++
		}
	}
	if high > 10 { // 2.7 expected of a true normal
		t.Errorf("%d of 1000 equal samples have |z| > 3", high)
	}
}

func TestOnset(t *testing.T) {
	steps := make([]analysis.Step, 40)
	for i := range steps {
		steps[i] = analysis.Step{Total: 20}
		if i >= 25 {
			steps[i].Hits = 4
		}
	}
	steps[7].Hits = 1 // noise
	if got := analysis.Onset(steps); got != 25 {
		t.Errorf("onset is %d, want 25", got)
	}
	for i := range steps {
		steps[i].Hits = 0
	}
	if got := analysis.Onset(steps); got != -1 {
		t.Errorf("a flat series has its onset at %d", got)
	}
}

func TestJudge(t *testing.T) {
	bins := func(index int64, n uint64) []analysis.Bin { return []analysis.Bin{{Index: index, Count: n}} }
	healthy := analysis.Group{Requests: 200, Seconds: 40, P50MS: 2, P95MS: 5, Durations: bins(10, 200)}
	for name, c := range map[string]struct {
		fault, tail analysis.Group
		want        func(analysis.Judgement) bool
	}{
		"as before": {
			analysis.Group{Requests: 100, Seconds: 20, P50MS: 2, P95MS: 5, Durations: bins(10, 100)},
			analysis.Group{Requests: 30, Seconds: 7, P50MS: 2, P95MS: 5},
			func(j analysis.Judgement) bool { return !j.Failing && !j.Slow && !j.Healed && !j.Quiet && !j.Busy },
		},
		"failing": {
			analysis.Group{Requests: 100, Errors: 20, Seconds: 20, Durations: bins(10, 100)},
			analysis.Group{Requests: 30, Errors: 6, Seconds: 7},
			func(j analysis.Judgement) bool { return j.Failing && !j.Slow },
		},
		"a blip that healed": {
			analysis.Group{Requests: 100, Errors: 20, Seconds: 20, Durations: bins(10, 100)},
			analysis.Group{Requests: 30, Seconds: 7},
			func(j analysis.Judgement) bool { return !j.Failing && j.Healed },
		},
		"slow": {
			analysis.Group{Requests: 100, Seconds: 20, P50MS: 80, P95MS: 160, Durations: bins(40, 100)},
			analysis.Group{Requests: 30, Seconds: 7, P50MS: 80, P95MS: 160},
			func(j analysis.Judgement) bool { return j.Slow && !j.Failing },
		},
		"slower by an amount nobody notices": {
			analysis.Group{Requests: 100, Seconds: 20, P50MS: 4.5, P95MS: 12, Durations: bins(20, 100)},
			analysis.Group{Requests: 30, Seconds: 7, P50MS: 4.5, P95MS: 12},
			func(j analysis.Judgement) bool { return !j.Slow },
		},
		"silent": {
			analysis.Group{Seconds: 20},
			analysis.Group{Seconds: 7},
			func(j analysis.Judgement) bool { return j.Quiet && !j.Failing && !j.Slow },
		},
		"a surge": {
			analysis.Group{Requests: 300, Seconds: 20, P50MS: 2, P95MS: 5, Durations: bins(10, 300)},
			analysis.Group{Requests: 100, Seconds: 7, P50MS: 2, P95MS: 5},
			func(j analysis.Judgement) bool { return j.Busy },
		},
	} {
		if got := analysis.Judge(c.fault, c.tail, healthy); !c.want(got) {
			t.Errorf("%s is judged %+v", name, got)
		}
	}
}

func TestTemplate(t *testing.T) {
	for line, want := range map[string]string{
		"cart 17: pool timeout after 1.5s":                                       "cart <n>: pool timeout after <n>s",
		`time=2026-03-01T12:00:00.123Z level=error msg="order 7 failed" user=ab`: `time=<time> level=error msg="<text>" user=ab`,
		"dial tcp 127.0.0.1:8084: connect: connection refused":                   "dial tcp <address>: connect: connection refused",
		"job 123e4567-e89b-12d3-a456-426614174000 took 12ms":                     "job <id> took <n>ms",
		"": "",
	} {
		if got := analysis.Template(line); got != want {
			t.Errorf("Template(%q) = %q, want %q", line, got, want)
		}
	}
}

func TestSuspectsBlameTheCauseNotTheEffect(t *testing.T) {
	node := func(bad bool, names ...string) (out []analysis.Node) {
		for _, n := range names {
			out = append(out, analysis.Node{Name: n, Bad: bad})
		}
		return out
	}
	for name, c := range map[string]struct {
		nodes []analysis.Node
		calls []analysis.Call
		want  []analysis.Suspect
	}{
		"nothing": {nil, nil, nil},
		"a chain": {
			append(node(true, "gateway", "catalog", "db"), node(false, "cart")...),
			[]analysis.Call{{"gateway", "catalog", true}, {"catalog", "db", true}, {"gateway", "cart", false}},
			[]analysis.Suspect{{Name: "db", Explains: 2}},
		},
		"a healthy dependency clears nobody": {
			append(node(true, "gateway", "cart"), node(false, "cache")...),
			[]analysis.Call{{"gateway", "cart", true}, {"cart", "cache", true}},
			[]analysis.Suspect{{Name: "cart", Explains: 1}},
		},
		"a dependency nobody sees": {
			node(true, "gateway"),
			[]analysis.Call{{"gateway", "10.0.0.1:443", true}},
			[]analysis.Suspect{{Name: "10.0.0.1:443", Explains: 1, Unseen: true}},
		},
		"two apart": {
			node(true, "a", "b"), nil, []analysis.Suspect{{Name: "a"}, {Name: "b"}},
		},
		"a cycle is its own suspect": {
			node(true, "a", "b"),
			[]analysis.Call{{"a", "b", true}, {"b", "a", true}},
			[]analysis.Suspect{{Name: "a", Explains: 1}, {Name: "b", Explains: 1}},
		},
	} {
		if diff := cmp.Diff(c.want, analysis.Suspects(c.nodes, c.calls)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
