package judge_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/midwatch/midwatch/deploy/shop/judge"
	"github.com/midwatch/midwatch/deploy/shop/plan"
	"github.com/midwatch/midwatch/internal/investigation"
)

func blame(culprit, mechanism string) judge.Report {
	return judge.Report{Verdict: "root_cause", Culprit: culprit, Mechanism: mechanism, Confidence: 0.9}
}

func TestJudge(t *testing.T) {
	p := plan.Default()
	p.Postgres.Database, p.Postgres.Products = "warehouse", "articles"
	unsure := blame("service/payment", "bad_deployment")
	unsure.Confidence = 0.3
	open := judge.Report{Verdict: "inconclusive", Culprit: "service/gateway", Confidence: 0.9}
	for _, c := range []struct {
		name    string
		fault   string
		reports []judge.Report
		right   bool
		why     string
	}{
		{"named, with the names of the run", "index-dropped", []judge.Report{blame("table/warehouse/articles", "missing_index")}, true, ""},
		{"plain name in a renamed run", "index-dropped", []judge.Report{blame("table/shop/products", "missing_index")}, false, "is blamed, not"},
		{"culprit's victim", "bad-release", []judge.Report{blame("service/checkout", "bad_deployment")}, false, "is blamed, not"},
		{"wrong mechanism", "bad-release", []judge.Report{blame("service/payment", "memory_leak")}, false, "is blamed for"},
		{"two reports agree", "memory-leak", []judge.Report{blame("service/checkout", "memory_leak"), blame("service/checkout", "memory_leak")}, true, ""},
		{"second culprit", "memory-leak", []judge.Report{blame("service/checkout", "memory_leak"), blame("service/cart", "memory_leak")}, false, "is blamed, not"},
		{"two right culprits are one too many", "locked-stock", []judge.Report{
			blame("service/catalog", "failing_dependency"), blame("service/postgres", "failing_dependency"),
		}, false, "two culprits"},
		{"an open question beside it", "memory-leak", []judge.Report{blame("service/checkout", "memory_leak"), open}, true, ""},
		{"no report", "memory-leak", nil, false, "nobody is blamed"},
		{"not confident", "bad-release", []judge.Report{unsure}, false, "nobody is blamed"},
		{"harmless, no report", "quiet-release", nil, true, ""},
		{"harmless, open", "quiet-release", []judge.Report{open, unsure}, true, ""},
		{"harmless, blamed", "chatty-log", []judge.Report{blame("service/catalog", "failing_dependency")}, false, "nothing is broken"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := judge.Find(p, c.fault)
			if err != nil {
				t.Fatal(err)
			}
			right, why := judge.Judge(f, c.reports)
			if right != c.right || !strings.Contains(why, c.why) || (why == "") != c.right {
				t.Errorf("got %v, %q", right, why)
			}
		})
	}
}

// TestFaultsYAML: mechanisms are those that a report can name, names are filled in, and every fault expects something.
func TestFaultsYAML(t *testing.T) {
	mechanisms := map[string]bool{}
	for _, m := range []investigation.Mechanism{
		investigation.MissingIndex, investigation.WritesRefused, investigation.BadDeployment, investigation.CPUContention,
		investigation.MemoryLeak, investigation.PoolExhausted, investigation.WrongConfiguration, investigation.DependencyDown,
		investigation.CrashLoop, investigation.SlowDependency, investigation.FailingDependency, investigation.ResourceExhausted,
	} {
		mechanisms[string(m)] = true
	}
	all, err := judge.Faults(plan.Default())
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[judge.Kind]int{}
	for _, f := range all {
		kinds[f.Kind]++
		if strings.ContainsAny(f.Story+strings.Join(f.Culprits, ""), "{}") {
			t.Errorf("%s: a name is not filled in: %+v", f.Name, f)
		}
		if (f.Kind == judge.Harmless) != (len(f.Culprits) == 0) || len(f.Culprits) > 0 && len(f.Mechanisms) == 0 {
			t.Errorf("%s: expects %v and %v", f.Name, f.Culprits, f.Mechanisms)
		}
		for _, m := range f.Mechanisms {
			if !mechanisms[m] {
				t.Errorf("%s: no report can name %q", f.Name, m)
			}
		}
	}
	if kinds[judge.Known] != 7 || kinds[judge.New] != 2 || kinds[judge.Harmless] != 2 || len(kinds) != 3 {
		t.Errorf("kinds: %v", kinds)
	}
	if _, err := judge.Find(plan.Default(), "plague"); !errors.Is(err, judge.ErrUnknown) {
		t.Errorf("unknown fault: %v", err)
	}
}
