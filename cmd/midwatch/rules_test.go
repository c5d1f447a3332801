package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/api/wire"
)

func TestRulesAreListed(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		all  wire.AlertRules
		want []string
	}{
		{wire.AlertRules{}, []string{"Alert rules were never evaluated"}},
		{wire.AlertRules{At: now}, []string{"There is no alert rule"}},
		{wire.AlertRules{At: now.Add(-time.Hour), Problem: "there are 300", Rules: []wire.AlertRule{{Name: "a"}}}, []string{"and not since", "there are 300", "a "}},
		{wire.AlertRules{At: now, Rules: []wire.AlertRule{
			{Name: "shop/deep", Severity: "critical", State: "raised", Series: 3, Raised: 1}, {Name: "shop/" + nasty, Severity: "warning", State: "failed", Problem: nasty},
		}}, []string{"shop/deep", "critical  raised  3       1       -", "failed  0       0       "}},
	} {
		var out bytes.Buffer
		if err := writeRules(&out, c.all, now); err != nil {
			t.Fatal(err)
		}
		wantHarmless(t, out.String())
		for _, want := range c.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("want %q in\n%s", want, &out)
			}
		}
	}
}
