package kube_test

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
	"gopkg.in/yaml.v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/midwatch/midwatch/activities/detect"
	"github.com/midwatch/midwatch/collector/exporter"
	"github.com/midwatch/midwatch/collector/exporter/filter"
	"github.com/midwatch/midwatch/collector/kube/rulewatch"
	"github.com/midwatch/midwatch/ingest"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/tools/toolstest"
	"github.com/midwatch/midwatch/workflows"
)

// applied are AlertRules as people apply them: one that holds for two series of a service, and one that only its data shows to be wrong.
const applied = `
- apiVersion: midwatch.dev/v1alpha1
  kind: AlertRule
  metadata: {name: deep, namespace: default}
  spec: {expr: "queue > 5", severity: critical, summary: "{{ $labels.service }} has {{ $value }} waiting"}
- apiVersion: midwatch.dev/v1alpha1
  kind: AlertRule
  metadata: {name: broken, namespace: default}
  spec: {expr: "queue + on(nothing) group_left queue"}
`

var alertRules = schema.GroupVersionResource{Group: "midwatch.dev", Version: "v1alpha1", Resource: "alertrules"}

// yamlObjects reads YAML as kubectl does.
func yamlObjects(t *testing.T, text string, into any) {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}

// A rule that is applied to an API server is an incident that names it, with all its series, and its status says what became of it.
func TestAnAppliedAlertRuleRaisesAnIncident(t *testing.T) {
	c := startCluster(t)
	dyn, err := dynamic.NewForConfig(c.api.Config)
	must(t, err)
	crd, err := os.ReadFile("../../deploy/helm/midwatch/crds/alertrules.yaml")
	must(t, err)
	var definition unstructured.Unstructured
	yamlObjects(t, string(crd), &definition.Object)
	_, err = dyn.Resource(definitions).Create(t.Context(), &definition, metav1.CreateOptions{})
	must(t, err)
	var list []map[string]any
	yamlObjects(t, applied, &list)
	for _, o := range list {
		c.eventually("the rule is taken", func() bool {
			_, err := dyn.Resource(alertRules).Namespace("default").Create(t.Context(), &unstructured.Unstructured{Object: o}, metav1.CreateOptions{})
			return err == nil
		})
	}

	_, x, _ := c.watch()
	db := storetest.Open(t)
	d, err := detect.New(detect.Config{Store: db, Environment: "test"})
	must(t, err)
	in, err := ingest.New(ingest.Config{
		GRPCListen: "127.0.0.1:0", HTTPListen: "127.0.0.1:0", Store: db, TLS: c.js.Identity(pki.Ingester).Server(),
		RuleStates: func(context.Context) ([]byte, error) { return json.Marshal(d.RuleStates()) },
	})
	must(t, err)
	run(t, in.Run)
	addresses, err := in.Addrs(t.Context())
	must(t, err)
	id := c.js.Identity(pki.Exporter)
	out, err := exporter.New(exporter.Config{
		JetStreamURL: c.js.URL, JetStreamTLS: id.Client(pki.JetStream), IngesterAddress: addresses.GRPC, IngesterTLS: id.Client(pki.Ingester), Index: x,
	})
	must(t, err)
	run(t, out.Run)
	live, err := filter.NewLive(nil, nil)
	must(t, err)
	states, err := rulewatch.DialStates(addresses.GRPC, id.Client(pki.Ingester))
	must(t, err)
	statuses, err := rulewatch.New(rulewatch.Config{Cluster: c.api.Config, Filters: live, States: states.Ask})
	must(t, err)
	run(t, statuses.Run)

	now := time.Now()
	var measured []toolstest.Metric
	for at := now.Add(-time.Minute); at.Before(now.Add(3 * time.Minute)); at = at.Add(5 * time.Second) {
		for _, instance := range []string{"cart/1", "cart/2"} {
			measured = append(measured, toolstest.Metric{Time: at, Env: "test", Service: "cart", Instance: instance, Host: "h", Name: "queue", Kind: "gauge", Value: 9})
		}
	}
	toolstest.WriteMetrics(t, db, measured)
	var raised []investigation.Trigger
	c.eventually("the rule is raised", func() bool {
		raised, err = d.Alerts(t.Context(), time.Now())
		must(t, err)
		return len(raised) > 0
	})
	began := incidents(t, raised)
	if len(began) != 1 || len(began[0].Triggers) != 1 {
		t.Fatalf("incidents %+v", began)
	}
	if got := began[0].Triggers[0]; got.Rule != "rule/default/deep" || got.Severity != investigation.Critical || got.Service != "cart" ||
		got.Summary != "cart has 9 waiting (and 1 more series)" || !strings.Contains(got.Attributes["series.02"], `instance="cart/2"`) {
		t.Errorf("%+v", got)
	}
	for name, want := range map[string]string{"deep": "Raised", "broken": "Failed"} {
		c.eventually(name+" says that it is "+want, func() bool {
			_, err := d.Alerts(t.Context(), time.Now()) // as a worker does every few seconds
			must(t, err)
			o, err := dyn.Resource(alertRules).Namespace("default").Get(t.Context(), name, metav1.GetOptions{})
			must(t, err)
			conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
			for _, condition := range conditions {
				if m := condition.(map[string]any); m["type"] == "Evaluated" && m["reason"] == want {
					return want != "Failed" || strings.Contains(m["message"].(string), "many-to-many")
				}
			}
			return false
		})
	}
}

// incidents are those that Intake begins for triggers.
func incidents(t *testing.T, raised []investigation.Trigger) (began []workflows.IncidentInput) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterWorkflowWithOptions(func(ctx workflow.Context, in workflows.IncidentInput) (workflows.IncidentResult, error) {
		began = append(began, in)
		return workflows.IncidentResult{}, workflow.Sleep(ctx, time.Hour)
	}, workflow.RegisterOptions{Name: workflows.IncidentWorkflow})
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(workflows.TriggerSignal, raised) }, 0)
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Minute)
	env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: workflows.IntakeID("test"), TaskQueue: workflows.OrchestrateQueue})
	env.ExecuteWorkflow(workflows.Intake, workflows.IntakeInput{Environment: "test"})
	return began
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
