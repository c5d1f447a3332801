package change_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/collector/kube/change"
	"github.com/midwatch/midwatch/collector/kube/index"
	"github.com/midwatch/midwatch/collector/kube/object"
)

// known is a cluster in which web is a Deployment, read by nothing else.
type known struct{}

func (known) WorkloadOf(o object.Object) index.Workload {
	switch o.Kind() {
	case "Deployment", "StatefulSet", "CronJob":
		return index.Workload{Namespace: o.Namespace(), Kind: o.Kind(), Name: o.Name()}
	case "HorizontalPodAutoscaler":
		return index.Workload{Namespace: o.Namespace(), Kind: "Deployment", Name: "web"}
	}
	return index.Workload{}
}

func (known) Readers(_, configMap string) []index.Workload {
	if configMap != "conf" {
		return nil
	}
	return []index.Workload{{Namespace: "shop", Kind: "Deployment", Name: "api"}, {Namespace: "shop", Kind: "Deployment", Name: "web"}}
}

func (known) Behind(string, string) []index.Workload {
	return []index.Workload{{Namespace: "shop", Kind: "Deployment", Name: "web"}}
}
func (known) Scaler(w index.Workload) string { return map[string]string{"web": "web-hpa"}[w.Name] }

const (
	web   = `{"kind":"Deployment","metadata":{"namespace":"shop","name":"web"},"spec":{"replicas":3,"template":{"metadata":{"annotations":{}},"spec":{"containers":[{"name":"main","image":"shop:1","args":["-a"],"env":[{"name":"A","value":"1"}],"resources":{"limits":{"memory":"64Mi"}},"livenessProbe":{"periodSeconds":1}}]}}}}`
	conf  = `{"kind":"ConfigMap","metadata":{"namespace":"shop","name":"conf"},"data":{"LEVEL":"info","app.yaml":"a: 1\nb: 2\nc: 3\n","PASSWORD":"****"}}`
	node  = `{"kind":"Node","metadata":{"name":"n1"},"spec":{},"status":{"conditions":[{"type":"Ready","status":"True"},{"type":"MemoryPressure","status":"False"}]}}`
	hpa   = `{"kind":"HorizontalPodAutoscaler","metadata":{"namespace":"shop","name":"web-hpa"},"spec":{"minReplicas":1,"maxReplicas":5},"status":{"currentReplicas":1}}`
	quota = `{"kind":"ResourceQuota","metadata":{"namespace":"shop","name":"q"},"spec":{"hard":{"pods":"10"}},"status":{"used":{"pods":"1"}}}`
	svc   = `{"kind":"Service","metadata":{"namespace":"shop","name":"web"},"spec":{"selector":{"app":"web"},"ports":[{"name":"http","port":80}]}}`
)

func TestChanges(t *testing.T) {
	for _, c := range []struct {
		name          string
		object        string
		replace, with string // in the object, to make the version after
		manager, sub  string
		want          []string // event kind service before → after by actor
	}{
		{"image", web, "shop:1", "shop:2", "helm", "", []string{"midwatch.deployment image web.shop shop:1 → shop:2 by helm"}},
		{"variable", web, `"value":"1"`, `"value":"2"`, "", "", []string{"midwatch.deployment environment web.shop 1 → 2 by "}},
		{"arguments", web, `"-a"`, `"-b"`, "", "", []string{"midwatch.deployment command web.shop -a → -b by "}},
		{"limit", web, "64Mi", "32Mi", "", "", []string{"midwatch.deployment resources web.shop memory limit 64Mi → memory limit 32Mi by "}},
		{"a limit where there was none", web, `{"memory":"64Mi"}`, `{"memory":"64Mi","cpu":"20m"}`, "", "", []string{"midwatch.deployment resources web.shop no CPU limit → CPU limit 20m by "}},
		{"a request and no limit", web, `{"limits":{"memory":"64Mi"}}`, `{"requests":{"memory":"32Mi"}}`, "", "", []string{"midwatch.deployment resources web.shop memory limit 64Mi, no memory request → no memory limit, memory request 32Mi by "}},
		{"probe", web, `"periodSeconds":1`, `"periodSeconds":9`, "", "", []string{"midwatch.deployment probes web.shop liveness probe periodSeconds 1 → liveness probe periodSeconds 9 by "}},
		{"another probe", web, `"livenessProbe":{"periodSeconds":1}`, `"readinessProbe":{"httpGet":{"path":"/ready"}}`, "", "", []string{`midwatch.deployment probes web.shop liveness probe {"periodSeconds":1}, no readiness probe → no liveness probe, readiness probe {"httpGet":{"path":"/ready"}} by `}},
		{"restart", web, `"annotations":{}`, `"annotations":{"restartedAt":"now"}`, "kubectl-rollout", "", []string{"midwatch.deployment template web.shop  → now by kubectl-rollout"}},
		{"image and variable", web, `shop:1","args":["-a"],"env":[{"name":"A","value":"1"}]`, `shop:2","args":["-a"],"env":[]`, "", "", []string{
			"midwatch.deployment image web.shop shop:1 → shop:2 by ", `midwatch.deployment environment web.shop A=1 →  by `,
		}},
		{"scaled by a person", web, `"replicas":3`, `"replicas":5`, "kubectl", "scale", []string{"midwatch.k8s.change replicas web.shop 3 → 5 by kubectl"}},
		{"scaled by its autoscaler", web, `"replicas":3`, `"replicas":5`, "kube-controller-manager", "scale", []string{"midwatch.k8s.change replicas web.shop 3 → 5 by horizontalpodautoscaler/web-hpa"}},
		{"status only", web, `"spec":{"replicas":3`, `"status":{"readyReplicas":2},"spec":{"replicas":3`, "", "", nil},
		{"a stateful set", strings.Replace(web, "Deployment", "StatefulSet", 1), "shop:1", "shop:2", "", "", []string{"midwatch.deployment image web.shop shop:1 → shop:2 by "}},
		{"its ReplicaSet is not told again", strings.Replace(web, `"Deployment","metadata":{`, `"ReplicaSet","metadata":{"ownerReferences":[{"controller":true}],`, 1), "shop:1", "shop:2", "", "", nil},
		{"a pod is not told again", `{"kind":"Pod","metadata":{},"spec":{"containers":[{"name":"main","image":"shop:1"}]}}`, "shop:1", "shop:2", "", "", nil},
		{"configuration, told to its readers", conf, "info", "debug", "kubectl-edit", "", []string{
			"midwatch.deployment configuration api.shop LEVEL=info → LEVEL=debug by kubectl-edit", "midwatch.deployment configuration web.shop LEVEL=info → LEVEL=debug by kubectl-edit",
		}},
		{"configuration that nobody names", strings.Replace(conf, `"conf"`, `"other"`, 1), "info", "debug", "", "", []string{"midwatch.k8s.change configuration  LEVEL=info → LEVEL=debug by "}},
		{"cordon", node, `"spec":{}`, `"spec":{"unschedulable":true,"taints":[{"key":"node.kubernetes.io/unschedulable","effect":"NoSchedule"}]}`, "kubectl-cordon", "", []string{"midwatch.k8s.change node  ready → ready, cordoned by kubectl-cordon"}},
		{"node silent", node, `"Ready","status":"True"`, `"Ready","status":"Unknown"`, "", "status", []string{"midwatch.k8s.change node  ready → silent by "}},
		{"pressure", node, `"MemoryPressure","status":"False"`, `"MemoryPressure","status":"True"`, "", "", []string{"midwatch.k8s.change node  ready → ready, MemoryPressure by "}},
		{"taint", node, `"spec":{}`, `"spec":{"taints":[{"key":"dedicated","value":"db","effect":"NoExecute"}]}`, "", "", []string{"midwatch.k8s.change node  ready → ready, taint dedicated=db:NoExecute by "}},
		{"bounds of an autoscaler", hpa, `"maxReplicas":5`, `"maxReplicas":9`, "", "", []string{"midwatch.k8s.change autoscaler web.shop 1 to 5 → 1 to 9 by "}},
		{"an autoscaler at work", hpa, `"currentReplicas":1`, `"currentReplicas":2`, "", "", nil},
		{"quota", quota, `"pods":"10"`, `"pods":"5"`, "", "", []string{"midwatch.k8s.change quota  10 → 5 by "}},
		{"quota in use", quota, `"pods":"1"}`, `"pods":"2"}`, "", "", nil},
		{"selector", svc, `"app":"web"`, `"app":"wbe"`, "", "", []string{"midwatch.k8s.change network web.shop web → wbe by "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(c.object, c.replace) {
				t.Fatal("nothing changes")
			}
			before, after := decode(t, c.object), decode(t, strings.Replace(c.object, c.replace, c.with, 1))
			got := told(change.Of(change.Versions{
				Before: before, After: after, Diff: object.Compare(before, after), Manager: c.manager, Subresource: c.sub, Since: time.Hour,
			}, known{}))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatCameAndWent(t *testing.T) {
	policy := decode(t, `{"kind":"NetworkPolicy","metadata":{"namespace":"shop","name":"deny"},"spec":{}}`)
	for _, c := range []struct {
		name string
		v    change.Versions
		want []string
	}{
		{"a policy came", change.Versions{After: policy}, []string{"midwatch.k8s.change network   → created by "}},
		{"a policy went", change.Versions{Before: policy}, []string{"midwatch.k8s.change network  deleted →  by "}},
		{"a first sight is no deployment", change.Versions{After: decode(t, web)}, nil},
		{"a workload went", change.Versions{Before: decode(t, web)}, []string{"midwatch.k8s.change replicas web.shop 3 → 0 by "}},
		{"configuration went", change.Versions{Before: decode(t, conf)}, []string{
			"midwatch.deployment configuration api.shop present → deleted by ", "midwatch.deployment configuration web.shop present → deleted by ",
		}},
	} {
		if diff := cmp.Diff(c.want, told(change.Of(c.v, known{}))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestAConfigMapsDetailIsADiff(t *testing.T) {
	before, after := decode(t, conf), decode(t, strings.Replace(conf, `b: 2`, `b: 3`, 1))
	diff := append(object.Compare(before, after), object.Difference{Path: "/data/PASSWORD", Before: "****", After: "****"})
	got := change.Of(change.Versions{Before: before, After: after, Diff: diff}, known{})[0].Detail
	for _, want := range []string{"@ app.yaml\n", " a: 1\n-b: 2\n+b: 3\n c: 3\n", "@ PASSWORD\n only what is masked differs\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
}

// What a program rewrites all the time is its state.
func TestStateInAConfigMapIsNoConfiguration(t *testing.T) {
	before, after := decode(t, strings.Replace(conf, `"conf"`, `"status"`, 1)), decode(t, strings.Replace(strings.Replace(conf, `"conf"`, `"status"`, 1), "info", "10:02", 1))
	if got := change.Of(change.Versions{Before: before, After: after, Diff: object.Compare(before, after), Since: 10 * time.Second}, known{}); len(got) > 0 {
		t.Error(told(got))
	}
}

func told(changes []change.Change) []string {
	var out []string
	for _, c := range changes {
		out = append(out, strings.Join([]string{c.Event, c.Kind, c.Workload.Service(), c.Before, "→", c.After, "by", c.Actor}, " "))
	}
	return out
}

func decode(t *testing.T, raw string) object.Object {
	t.Helper()
	o, err := object.Decode([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return o
}
