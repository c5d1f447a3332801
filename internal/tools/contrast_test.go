package tools_test

import (
	"errors"
	"testing"

	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/result"
	"github.com/midwatch/midwatch/internal/tools/toolstest"
)

func TestContrastFindsWhatSlowSpansShare(t *testing.T) {
	n := toolstest.Plain
	r := registry(t, toolstest.MissingIndex(n))
	c := run[result.Contrast](t, r, toolstest.Environment, "contrast", windows(map[string]any{"service": n.Postgres, "by": "slow"}))
	if len(c.Differences) == 0 {
		t.Fatalf("nothing found: %+v", c)
	}
	top := c.Differences[0]
	if top.Attribute != "db.query.text" || top.Phi < 0.8 || top.OfBad < 0.8 || top.OfGood > 0.1 || top.BadRatio.Fault < 0.9 || top.BadRatio.Healthy > 0.2 {
		t.Errorf("first is %+v, want the statement without its index", top)
	}
	if c.ThresholdMS <= 0 || c.Bad.Fault < 10*c.Bad.Healthy/2 || c.Spans.Fault < c.Bad.Fault {
		t.Errorf("%+v", c)
	}
	healthy := run[result.Contrast](t, registry(t, toolstest.Healthy()), toolstest.Environment, "contrast", windows(map[string]any{"service": n.Catalog, "by": "failing"}))
	if len(healthy.Differences) != 0 || healthy.Spans.Fault == 0 {
		t.Errorf("a healthy service has %+v", healthy)
	}
}

func TestContrastOfFailures(t *testing.T) {
	n := toolstest.Plain
	r := registry(t, toolstest.WritesRefused(n))
	c := run[result.Contrast](t, r, toolstest.Environment, "contrast", windows(map[string]any{"service": n.Redis, "by": "failing"}))
	if len(c.Differences) == 0 || c.Differences[0].Phi != 1 || c.Differences[0].OfGood != 0 {
		t.Fatalf("got %+v, want SET alone", c)
	}
	found := false
	for _, also := range append(c.Differences[0].Also, c.Differences[0].Attribute+"="+c.Differences[0].Value) {
		found = found || also == "db.operation.name=SET"
	}
	if !found {
		t.Errorf("SET is not among %+v", c.Differences[0])
	}
	for _, d := range c.Differences {
		if d.Attribute == "error.type" || d.Attribute == "status" {
			t.Errorf("%s says only that they failed", d.Attribute)
		}
	}
}

func TestContrastWithoutHealthyTimeNeedsAThreshold(t *testing.T) {
	r := registry(t, toolstest.Healthy())
	tool, err := r.Get("contrast")
	if err != nil {
		t.Fatal(err)
	}
	_, err = tool.Run(t.Context(), tools.Scope{Environment: "another"}, windows(map[string]any{"service": "cart", "by": "slow"}))
	if !errors.Is(err, tools.ErrNoAnswer) {
		t.Errorf("got %v, want ErrNoAnswer", err)
	}
}
