package detect_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/activities/detect"
	"github.com/midwatch/midwatch/ingest/ingesttest"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/kubernetes/kubernetestest"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/toolstest"
)

// change tells a rollout of the deployment web, or of what it uses, at a second.
func (c *cluster) change(second int, event, object, what, before, after, detail string) *cluster {
	kind, name, _ := strings.Cut(object, "/")
	service, namespace := "web.shop", "shop"
	if kind == "Node" {
		service, namespace = "", ""
	}
	c.Change(kubernetestest.Change{
		Time: c.start.Add(time.Duration(second) * time.Second), Event: event, Namespace: namespace, Kind: kind, Name: name, Service: service,
		What: what, Before: before, After: after, Detail: detail, Actor: "kubectl-edit", ID: fmt.Sprint(object, what, second),
	})
	return c
}

const (
	podNoKey = `{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"True","lastTransitionTime":"@0@"}],"containerStatuses":[{"name":"web","ready":false,"restartCount":0,` +
		`"state":{"waiting":{"reason":"CreateContainerConfigError","message":"couldn't find key LOG_LEVEL in ConfigMap shop/settings"}}}]}`
	nodeWell = `"spec":{},"status":{"conditions":[{"type":"Ready","status":"True","lastTransitionTime":"@-600@"}]}`
)

var clusterStories = []struct {
	name      string
	tell      func(c *cluster)
	lines     []string // that web logs from second 28 on
	at        int
	culprit   telemetry.Entity
	mechanism investigation.Mechanism
	says      []string // in title, summary or chain
	action    string
}{
	{
		name: "OOM kill after a lower limit", at: 40, culprit: "workload/shop/deployment/web", mechanism: investigation.OutOfMemory, action: "kubernetes_rollback",
		tell: func(c *cluster) {
			c.change(-120, telemetry.EventDeployment, "Deployment/web", telemetry.ChangeResources, "memory limit 256Mi", "memory limit 64Mi", "")
			c.pod(-100, "web-1", podRuns).pod(33, "web-1", podOOM)
		},
		says: []string{"limit of 64Mi", "since a change of its resources", "from memory limit 256Mi to memory limit 64Mi, by kubectl-edit", "restarted once"},
	},
	{
		name: "OOM kill, nobody changed anything", at: 40, culprit: "workload/shop/deployment/web", mechanism: investigation.OutOfMemory, action: "kubernetes_resources",
		tell: func(c *cluster) { c.pod(-100, "web-1", podRuns).pod(33, "web-1", podOOM) },
		says: []string{"runs out of memory at its limit of 64Mi"},
	},
	{
		name: "crash loop of a new image", at: 40, culprit: "workload/shop/deployment/web", mechanism: investigation.CrashLoop, action: "kubernetes_rollback",
		tell: func(c *cluster) {
			c.change(0, telemetry.EventDeployment, "Deployment/web", telemetry.ChangeImage, "shop/web:1", "shop/web:2", "")
			c.pod(-100, "web-0", podRuns).pod(30, "web-1", fmt.Sprintf(podCrashes, 2))
		},
		lines: []string{"panic: cannot open /etc/rates: no such file"},
		says:  []string{"exit code 1", "panic: cannot open /etc/rates", "from shop/web:1 to shop/web:2, by kubectl-edit", "since a change of its image"},
	},
	{
		name: "a typo in a ConfigMap", at: 40, culprit: "workload/shop/deployment/web", mechanism: investigation.WrongConfiguration, action: "",
		tell: func(c *cluster) {
			c.change(5, telemetry.EventDeployment, "ConfigMap/settings", "configuration", "", "", "@@\n-LOG_LEVEL: debug\n+LOG_LEVEL: debgu\n")
			c.pod(-100, "web-1", podRuns).pod(30, "web-1", fmt.Sprintf(podCrashes, 3))
		},
		lines: []string{`config: unknown log level "debgu"`},
		says:  []string{"settings, which deployment/web in shop uses", "its key LOG_LEVEL", "unknown log level", "since a change of its ConfigMap settings", "LOG_LEVEL: debug became LOG_LEVEL: debgu"},
	},
	{
		name: "a typo in a file of a ConfigMap, and a restart", at: 40, culprit: "workload/shop/deployment/web", mechanism: investigation.WrongConfiguration, action: "",
		tell: func(c *cluster) {
			c.change(5, telemetry.EventDeployment, "ConfigMap/settings", "configuration", "app.conf (30 bytes)", "app.conf (29 bytes)",
				"@ app.conf\n--- before\n+++ after\n@@ -1,2 +1,2 @@\n-greeting: hello\n+greting: hello\n timeout: 2s\n")
			c.change(6, telemetry.EventDeployment, "Deployment/web", telemetry.ChangeTemplate, "", `{"kubectl.kubernetes.io/restartedAt":"2026-11-22T12:00:00Z"}`,
				"+/metadata/annotations: {\"kubectl.kubernetes.io/restartedAt\":\"2026-11-22T12:00:00Z\"}\n")
			c.pod(-100, "web-1", podRuns).pod(30, "web-1", fmt.Sprintf(podCrashes, 3))
		},
		says: []string{"settings, which deployment/web in shop uses", "greeting: hello became greting: hello", "its key greeting", "since a change of its ConfigMap settings"},
	},
	{
		name: "a key that is gone", at: 40, culprit: "workload/shop/deployment/web", mechanism: investigation.WrongConfiguration, action: "",
		tell: func(c *cluster) {
			c.change(-10, telemetry.EventDeployment, "ConfigMap/settings", "configuration", "", "", "@@\n-LOG_LEVEL: debug\n")
			c.pod(5, "web-1", podNoKey)
		},
		says: []string{"couldn't find key LOG_LEVEL", "its key LOG_LEVEL"},
	},
	{
		name: "an image that does not exist", at: 40, culprit: "workload/shop/deployment/web", mechanism: investigation.BadImage, action: "kubernetes_rollback",
		tell: func(c *cluster) {
			c.change(0, telemetry.EventDeployment, "Deployment/web", telemetry.ChangeImage, "shop/web:1", "shop/web:2", "")
			c.pod(-100, "web-0", podRuns).pod(10, "web-1", fmt.Sprintf(podNoImage, "ImagePullBackOff"))
			c.event(10, "deployment/web", "Pod", "web-1", "Failed", `Failed to pull image "shop/web:2": not found`, 1)
		},
		says: []string{"cannot pull image shop/web:2", "by kubectl-edit", "The kubelet says"},
	},
	{
		name: "a probe that was changed", at: 130, culprit: "workload/shop/deployment/web", mechanism: investigation.FailingProbe, action: "kubernetes_rollback",
		tell: func(c *cluster) {
			c.change(10, telemetry.EventDeployment, "Deployment/web", telemetry.ChangeProbes, "GET :8080/healthz", "GET :8080/health", "")
			c.pod(20, "web-1", fmt.Sprintf(podUnready, 20))
			c.event(25, "deployment/web", "Pod", "web-1", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 404", 1)
		},
		says: []string{"readiness probe", "since it was changed", "GET :8080/healthz", "statuscode: 404"},
	},
	{
		name: "a cordoned node", at: 90, culprit: "host/node1", mechanism: investigation.Unschedulable, action: "kubernetes_uncordon",
		tell: func(c *cluster) {
			c.tell(-600, "", "Node", "node1", nodeWell)
			c.tell(-30, "", "Node", "node1", fmt.Sprintf(nodeIs, true, "False", "True"))
			c.change(-30, telemetry.EventChange, "Node/node1", telemetry.ChangeNode, "schedulable", "cordoned", "")
			c.tell(1, "deployment/web", "Pod", "web-1", `"spec":{"containers":[{"name":"web","image":"shop/web:2"}]},"status":`+podUnscheduled)
		},
		says: []string{"deployment/web in shop", "node1 takes no new pods (cordoned)", "by kubectl-edit", "1 node(s) were unschedulable"},
	},
	{
		name: "a quota", at: 20, culprit: "workload/shop/deployment/web", mechanism: investigation.ResourceExhausted, action: "",
		tell: func(c *cluster) {
			c.tell(5, "deployment/web", "Deployment", "web", deploymentQuota)
			c.event(5, "deployment/web", "ReplicaSet", "web-7f", "FailedCreate", `Error creating: pods "web-7f-x" is forbidden: exceeded quota: pods`, 1)
		},
		says: []string{"exceeded quota"},
	},
}

// TestClusterStories: from what a cluster tells to a report that names workload and change, through the real ingester, store, detectors, tools
// and checks.
func TestClusterStories(t *testing.T) {
	remedies := investigation.Remedies{Kinds: []investigation.ActionKind{
		investigation.RollbackWorkload, investigation.RestartWorkload, investigation.ResizeContainer, investigation.UncordonNode,
	}}
	for _, s := range clusterStories {
		t.Run(s.name, func(t *testing.T) {
			db := storetest.Open(t)
			world := newCluster(toolstest.Environment)
			s.tell(world)
			ingesttest.Logs(t, ingesttest.Client(t, db), world.Logs)
			for i, body := range s.lines {
				toolstest.WriteLogs(t, db, []toolstest.Log{{
					Time: world.start.Add(time.Duration(28+i) * time.Second), Env: toolstest.Environment, Service: "web.shop", Severity: 17, Text: "error", Body: body,
				}})
			}
			d, err := detect.New(detect.Config{Store: db, Environment: toolstest.Environment})
			if err != nil {
				t.Fatal(err)
			}
			now := world.start.Add(time.Duration(s.at) * time.Second)
			raised := evaluate(t, d, now)
			if len(raised) == 0 {
				t.Fatal("nothing was raised")
			}
			req := request(toolstest.Plain, raised, now)
			req.Actions = remedies.Actions()
			r, transcript := investigateWith(t, tools.All(db, tools.Kubernetes(db)...), req)
			text := r.Title + "\n" + r.Summary
			for _, c := range r.Chain {
				text += "\n" + c.Text
				if c.Struck != "" {
					t.Errorf("claim %q was struck: %s", c.Text, c.Struck)
				}
			}
			t.Logf("%s %.2f %d turns\n%s", r.Verdict, r.Confidence, len(transcript.Turns), text)
			if r.Verdict != investigation.RootCause || r.Culprit != s.culprit || r.Mechanism != s.mechanism {
				t.Errorf("got %s %s %s, want %s %s; missing %v", r.Verdict, r.Culprit, r.Mechanism, s.culprit, s.mechanism, r.Missing)
			}
			for _, want := range s.says {
				if !strings.Contains(text, want) {
					t.Errorf("the report does not say %q", want)
				}
			}
			action := ""
			if r.Fix != nil {
				action = r.Fix.Action
			}
			if action != s.action {
				t.Errorf("fix %+v, want %q", r.Fix, s.action)
			}
		})
	}
}
