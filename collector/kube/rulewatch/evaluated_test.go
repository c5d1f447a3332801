package rulewatch_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/midwatch/midwatch/collector/exporter/filter"
	"github.com/midwatch/midwatch/collector/kube/rulewatch"
	"github.com/midwatch/midwatch/internal/rules"
)

// evaluated is what the condition Evaluated of a rule says; "" without.
func (c *cluster) evaluated(name string) string {
	o, err := c.rules("AlertRule").Get(c.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		return err.Error()
	}
	list, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	said := ""
	for _, x := range list {
		if m := x.(map[string]any); m["type"] == "Evaluated" {
			said = fmt.Sprintf("%v %v %v", m["status"], m["reason"], m["message"])
		}
	}
	return said
}

func TestTheStatusSaysWhatBecameOfAnAlertRule(t *testing.T) {
	c := start(t)
	c.install()
	var told atomic.Pointer[rules.States]
	live, err := filter.NewLive(nil, nil)
	c.must(err)
	w, err := rulewatch.New(rulewatch.Config{Cluster: c.Config, Filters: live, States: func(context.Context) (rules.States, error) {
		if s := told.Load(); s != nil {
			return *s, nil
		}
		return rules.States{}, errors.New("the ingester is not there yet")
	}})
	c.must(err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()

	names := []string{"quiet", "raised", "waiting", "blind", "slow", "new"}
	for _, name := range names {
		c.must(c.apply("AlertRule", name, `{expr: "queue > 5"}`))
	}
	eventually(t, func() (string, bool) {
		got := c.condition("AlertRule", "new")
		return got, strings.HasPrefix(got, "Accepted=True")
	})
	if got := c.evaluated("quiet"); got != "" {
		t.Errorf("while nobody knows: %q", got)
	}
	told.Store(&rules.States{At: time.Now().Add(time.Hour), Rules: []rules.State{
		{Name: "default/quiet"},
		{Name: "default/raised", Series: 3, Raised: 1},
		{Name: "default/waiting", Series: 3},
		{Name: "default/blind", Blind: true},
		{Name: "default/slow", Error: "it takes more than 3s"},
		{Name: "other/new", Error: "another's"},
	}})
	for i, want := range []string{
		"True Quiet it holds for nothing", "True Raised it holds, and is raised", "True Waiting it holds, and not yet for as long as it has to",
		"True NoData nothing of what it reads was measured lately", "False Failed it takes more than 3s", "Unknown NotEvaluated no worker has evaluated it yet",
	} {
		eventually(t, func() (string, bool) {
			got := c.evaluated(names[i])
			return got, strings.HasPrefix(got, want)
		})
	}
	told.Store(&rules.States{At: time.Now().Add(-time.Hour), Rules: []rules.State{{Name: "default/quiet"}}})
	eventually(t, func() (string, bool) {
		got := c.evaluated("quiet")
		return got, got == "Unknown NotEvaluated no worker evaluates alert rules"
	})
}
