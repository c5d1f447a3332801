package sample_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/deploy/demo"
	"github.com/midwatch/midwatch/deploy/testcluster/clustertest"
	"github.com/midwatch/midwatch/internal/investigation"
)

// written are rules as people write them: one that always holds, one that only its data shows to be wrong, one that is told and not raised.
const written = `
apiVersion: midwatch.dev/v1alpha1
kind: AlertRule
metadata: {name: always, namespace: default}
spec: {expr: "sum(process_memory_usage) > 0", severity: critical, summary: "all use {{ $value }} bytes"}
---
apiVersion: midwatch.dev/v1alpha1
kind: AlertRule
metadata: {name: broken, namespace: default}
spec: {expr: "process_memory_usage + on(nothing) group_left process_memory_usage"}
---
apiVersion: midwatch.dev/v1alpha1
kind: AlertRule
metadata: {name: remark, namespace: default}
spec: {expr: "max(process_memory_usage) > 0", severity: info}
`

// TestAnAppliedRuleRaisesAnIncident applies AlertRules to a real cluster that Midwatch watches.
func TestAnAppliedRuleRaisesAnIncident(t *testing.T) {
	dir := t.TempDir()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	n := &night{T: t, cluster: clustertest.Start(t)}
	for _, crd := range []string{"alertrules", "droprules", "redactionrules"} {
		n.kubectl("", "apply", "-f", filepath.Join(root, "deploy/helm/midwatch/crds", crd+".yaml"))
	}
	n.stage = &demo.Stage{
		Midwatch: filepath.Join(root, "bin/midwatch"), Data: filepath.Join(dir, "midwatch"), Say: demo.NewNarrator(t.Output()),
		Settings: map[string]any{"exporter": map[string]any{"kubeconfig": n.cluster.Kubeconfig(), "kubernetes": map[string]any{"rules": true}}},
	}
	n.must(os.MkdirAll(n.stage.Data, 0o700))
	n.must(n.stage.Configure(t.Context()))
	n.must(n.stage.StartMidwatch(t.Context()))
	t.Cleanup(n.stage.Stop)
	if n.api, err = n.stage.Client(t.Context(), "approver"); err != nil {
		t.Fatal(err)
	}
	n.wait("the CRDs", time.Minute, func() bool {
		_, err := n.cluster.Kubectl(t.Context(), written, "apply", "-f", "-")
		return err == nil
	})
	applied := time.Now()
	var raised []string
	n.wait("an incident that names the rule", 3*time.Minute, func() bool {
		for _, row := range n.incidents() {
			if slices.ContainsFunc(row.Triggers, func(t investigation.Trigger) bool { return t.Rule == "rule/default/always" }) {
				raised = append(raised, row.Title)
				return true
			}
		}
		return false
	})
	t.Logf("%s after it was applied: %q", time.Since(applied).Round(time.Second), raised[0])
	for name, want := range map[string]string{"always": "True Raised", "broken": "False Failed", "remark": "True Raised"} {
		n.wait("the status of "+name, time.Minute, func() bool {
			out, err := n.cluster.Kubectl(t.Context(), "", "get", "alertrule", name, "-o",
				`jsonpath={range .status.conditions[?(@.type=="Evaluated")]}{.status} {.reason} {.message}{end}`)
			n.must(err)
			return strings.HasPrefix(out, want)
		})
	}
	rules, err := n.api.Rules(t.Context())
	n.must(err)
	for _, r := range rules.Rules {
		// Series of long names leave no room for the end of PromQL's answer, which says many-to-many.
		if (r.State == "failed") != (r.Name == "default/broken") || r.State == "failed" && !strings.Contains(r.Problem, "found duplicate series for the match group") {
			t.Errorf("%+v", r)
		}
	}
	if len(rules.Rules) != 3 {
		t.Errorf("%+v", rules)
	}
	of := 0
	for _, row := range n.incidents() {
		if row.Triggers[0].Rule == "rule/default/remark" {
			t.Errorf("a rule of severity info began an incident: %s", row.Title)
		}
		if slices.ContainsFunc(row.Triggers, func(t investigation.Trigger) bool { return t.Rule == "rule/default/always" }) {
			of++
		}
	}
	if of != 1 {
		t.Errorf("%d incidents of one rule", of)
	}
}
