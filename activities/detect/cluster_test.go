package detect_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"

	"github.com/midwatch/midwatch/activities/detect"
	"github.com/midwatch/midwatch/ingest/ingesttest"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/kubernetes/kubernetestest"
	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// cluster is a namespace's life as it is told, each version at its second.
type cluster struct {
	*kubernetestest.Records
	start   time.Time
	version int
}

func newCluster(environment string) *cluster {
	return &cluster{Records: kubernetestest.New(environment), start: time.Now().UTC().Truncate(time.Minute).Add(-time.Hour), version: 100}
}

// at is a moment of it, as objects write it.
func (c *cluster) at(second int) string {
	return c.start.Add(time.Duration(second) * time.Second).Format(time.RFC3339)
}

// tell adds a version of an object at a second. In it, @5@ is second 5.
func (c *cluster) tell(second int, workload, kind, name, body string) *cluster {
	c.version++
	for {
		head, rest, found := strings.Cut(body, "@")
		if !found {
			break
		}
		number, tail, _ := strings.Cut(rest, "@")
		var n int
		if _, err := fmt.Sscan(number, &n); err != nil {
			panic(err)
		}
		body = head + c.at(n) + tail
	}
	namespace, action := "shop", telemetry.ObjectModified
	if kind == "Node" {
		namespace = ""
	}
	if body == "gone" {
		action, body = telemetry.ObjectDeleted, `"spec":{}`
	}
	object := fmt.Sprintf(`{"apiVersion":"v1","kind":%q,"metadata":{"name":%q,"namespace":%q,"uid":"uid-%s-%s","resourceVersion":"%d","creationTimestamp":%q},%s}`,
		kind, name, namespace, kind, name, c.version, c.at(0), body)
	c.Version(kubernetestest.Version{Time: c.start.Add(time.Duration(second) * time.Second), Action: action, Workload: workload, Object: json.RawMessage(object)})
	return c
}

func (c *cluster) pod(second int, name, status string) *cluster {
	return c.tell(second, "deployment/web", "Pod", name, `"spec":{"nodeName":"node1","containers":[{"name":"web","image":"shop/web:2","resources":{"limits":{"memory":"64Mi"}},`+
		`"readinessProbe":{"httpGet":{"path":"/healthz","port":8080}}}]},"status":`+status)
}

func (c *cluster) event(second int, workload, kind, name, reason, note string, count int) *cluster {
	c.Event(kubernetestest.Event{
		Time: c.start.Add(time.Duration(second) * time.Second), Namespace: "shop", Kind: kind, Name: name, Workload: workload, Reason: reason, Note: note, Count: count, UID: reason + name,
	})
	return c
}

// statuses as kubelets write them, shortened to what is read.
const (
	podRuns = `{"phase":"Running","conditions":[{"type":"PodScheduled","status":"True","lastTransitionTime":"@0@"},{"type":"Ready","status":"True","lastTransitionTime":"@3@"}],` +
		`"containerStatuses":[{"name":"web","ready":true,"started":true,"restartCount":0,"state":{"running":{"startedAt":"@2@"}},"lastState":{}}]}`
	podOOM = `{"phase":"Running","conditions":[{"type":"Ready","status":"True","lastTransitionTime":"@32@"}],"containerStatuses":[{"name":"web","ready":true,"started":true,"restartCount":1,` +
		`"state":{"running":{"startedAt":"@31@"}},"lastState":{"terminated":{"exitCode":137,"reason":"OOMKilled","startedAt":"@2@","finishedAt":"@30@"}}}]}`
	podOOMLoop = `{"phase":"Running","conditions":[{"type":"Ready","status":"False","lastTransitionTime":"@32@"}],"containerStatuses":[{"name":"web","ready":false,"restartCount":4,` +
		`"state":{"waiting":{"reason":"CrashLoopBackOff","message":"back-off 5m0s"}},"lastState":{"terminated":{"exitCode":137,"reason":"OOMKilled","startedAt":"@2@","finishedAt":"@30@"}}}]}`
	podCrashes = `{"phase":"Running","conditions":[{"type":"Ready","status":"False","lastTransitionTime":"@3@"}],"containerStatuses":[{"name":"web","ready":false,"restartCount":%d,` +
		`"state":{"waiting":{"reason":"CrashLoopBackOff","message":"back-off 20s"}},"lastState":{"terminated":{"exitCode":1,"reason":"Error","startedAt":"@28@","finishedAt":"@29@"}}}]}`
	podBetween = `{"phase":"Running","conditions":[{"type":"Ready","status":"False","lastTransitionTime":"@3@"}],"containerStatuses":[{"name":"web","ready":false,"restartCount":3,` +
		`"state":{"running":{"startedAt":"@%d@"}},"lastState":{"terminated":{"exitCode":1,"reason":"Error","startedAt":"@28@","finishedAt":"@29@"}}}]}`
	podEnded = `{"phase":"Running","conditions":[{"type":"Ready","status":"False","lastTransitionTime":"@3@"}],"containerStatuses":[{"name":"web","ready":false,"restartCount":2,` +
		`"state":{"terminated":{"exitCode":1,"reason":"Error","startedAt":"@28@","finishedAt":"@29@"}},"lastState":{"terminated":{"exitCode":1,"reason":"Error","startedAt":"@8@","finishedAt":"@9@"}}}]}`
	podNoImage = `{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"True","lastTransitionTime":"@0@"}],"containerStatuses":[{"name":"web","ready":false,"restartCount":0,` +
		`"state":{"waiting":{"reason":"%s","message":"not found"}}}]}`
	podUnscheduled = `{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","reason":"Unschedulable","lastTransitionTime":"@0@",` +
		`"message":"0/1 nodes are available: 1 node(s) were unschedulable."}]}`
	podUnready = `{"phase":"Running","conditions":[{"type":"PodScheduled","status":"True","lastTransitionTime":"@0@"},{"type":"Ready","status":"False","lastTransitionTime":"@%d@"}],` +
		`"containerStatuses":[{"name":"web","ready":false,"started":true,"restartCount":0,"state":{"running":{"startedAt":"@2@"}}}]}`
	podEvicted = `{"phase":"Failed","reason":"Evicted","message":"The node was low on resource: memory.","conditions":[{"type":"DisruptionTarget","status":"True",` +
		`"reason":"TerminationByKubelet","lastTransitionTime":"@%d@"}]}`
	podDrained = `{"phase":"Running","conditions":[{"type":"DisruptionTarget","status":"True","reason":"EvictionByEvictionAPI","lastTransitionTime":"@30@"}],` +
		`"containerStatuses":[{"name":"web","ready":false,"state":{"terminated":{"exitCode":143,"reason":"Error","finishedAt":"@31@"}}}]}`
	jobRetries = `{"phase":"Running","containerStatuses":[{"name":"run","ready":false,"restartCount":4,"state":{"waiting":{"reason":"CrashLoopBackOff"}},` +
		`"lastState":{"terminated":{"exitCode":1,"reason":"Error","startedAt":"@28@","finishedAt":"@29@"}}}]}`
	deploymentRolls = `"spec":{"replicas":2},"status":{"observedGeneration":0,"replicas":3,"updatedReplicas":1,"readyReplicas":2,"availableReplicas":2,` +
		`"conditions":[{"type":"Progressing","status":"%s","reason":"%s","lastTransitionTime":"@%d@"}]}`
	deploymentDone  = `"spec":{"replicas":2},"status":{"replicas":2,"updatedReplicas":2,"readyReplicas":2,"availableReplicas":2}`
	deploymentQuota = `"spec":{"replicas":5},"status":{"replicas":2,"updatedReplicas":2,"readyReplicas":2,"conditions":[{"type":"ReplicaFailure","status":"True","reason":"FailedCreate",` +
		`"lastTransitionTime":"@5@","message":"pods \"web-x\" is forbidden: exceeded quota: pods, requested: pods=1, used: pods=2, limited: pods=2"}]}`
	nodeIs   = `"spec":{"unschedulable":%v},"status":{"conditions":[{"type":"MemoryPressure","status":"%s","reason":"KubeletHas","lastTransitionTime":"@10@"},` + `{"type":"Ready","status":"%s","reason":"NodeStatusUnknown","message":"Kubelet stopped posting node status.","lastTransitionTime":"@10@"}]}`
	hpaLimit = `"spec":{"maxReplicas":5,"scaleTargetRef":{"kind":"Deployment","name":"web"}},"status":{"currentReplicas":5,"desiredReplicas":5,"conditions":[{"type":"ScalingLimited",` +
		`"status":"True","reason":"TooManyReplicas","lastTransitionTime":"@%d@"}]}`
	jobFailed = `"spec":{"backoffLimit":2},"status":{"failed":3,"conditions":[{"type":"Failed","status":"True","reason":"BackoffLimitExceeded","message":"Job has reached the specified backoff limit",` + `"lastTransitionTime":"@%d@"}]}`
)

var clusterCases = []struct {
	name string
	tell func(c *cluster)
	at   int    // second at which it is looked
	want string // rule entity at second of onset, in the order of ids
}{
	{"an OOM kill", func(c *cluster) { c.pod(0, "web-1", podRuns).pod(33, "web-1", podOOM) }, 40, "oom_kill workload/shop/deployment/web 30"},
	{"an OOM kill that was raised long ago", func(c *cluster) { c.pod(33, "web-1", podOOM) }, 200, ""},
	{"a crash loop, of two pods", func(c *cluster) {
		c.pod(30, "web-1", fmt.Sprintf(podCrashes, 2)).pod(31, "web-2", fmt.Sprintf(podCrashes, 3))
	}, 40, "crash_loop workload/shop/deployment/web 28"},
	{"a crash loop between two crashes", func(c *cluster) { c.pod(50, "web-1", fmt.Sprintf(podBetween, 50)) }, 55, "crash_loop workload/shop/deployment/web 28"},
	{"a crash loop for want of memory", func(c *cluster) { c.pod(50, "web-1", podOOMLoop) }, 400, "oom_kill workload/shop/deployment/web 30"},
	{"a crash loop that ended", func(c *cluster) { c.pod(50, "web-1", fmt.Sprintf(podBetween, 50)) }, 90, ""},
	{"a crash loop of which the kubelet says only how it ended", func(c *cluster) { c.pod(30, "web-1", podEnded) }, 35, "crash_loop workload/shop/deployment/web 8"},
	{"one restart", func(c *cluster) { c.pod(30, "web-1", fmt.Sprintf(podCrashes, 1)) }, 40, ""},
	{"a crash loop of what is gone", func(c *cluster) {
		c.pod(30, "web-1", fmt.Sprintf(podCrashes, 5)).tell(35, "deployment/web", "Pod", "web-1", "gone")
	}, 40, ""},
	{"a Job's retries", func(c *cluster) {
		c.tell(30, "job/import", "Pod", "import-1", `"spec":{"containers":[{"name":"run"}]},"status":`+jobRetries)
	}, 40, ""},
	{"a Job that is given up", func(c *cluster) { c.tell(30, "cronjob/import", "Job", "import-1", fmt.Sprintf(jobFailed, 30)) }, 40, "job_failed workload/shop/cronjob/import 30"},
	{"an image that does not exist", func(c *cluster) { c.pod(10, "web-1", fmt.Sprintf(podNoImage, "ImagePullBackOff")) }, 40, "image_pull workload/shop/deployment/web 0"},
	{"a pull that is tried again", func(c *cluster) { c.pod(5, "web-1", fmt.Sprintf(podNoImage, "ErrImagePull")) }, 20, ""},
	{"a pull that succeeds", func(c *cluster) { c.pod(5, "web-1", fmt.Sprintf(podNoImage, "ErrImagePull")).pod(25, "web-1", podRuns) }, 60, ""},
	{"a missing ConfigMap", func(c *cluster) { c.pod(5, "web-1", fmt.Sprintf(podNoImage, "CreateContainerConfigError")) }, 40, "container_start workload/shop/deployment/web 0"},
	{"no node for a pod", func(c *cluster) { c.pod(1, "web-1", podUnscheduled) }, 70, "pending workload/shop/deployment/web 0"},
	{"no node for a moment", func(c *cluster) { c.pod(1, "web-1", podUnscheduled) }, 30, ""},
	{"containers that are never made", func(c *cluster) { c.pod(1, "web-1", fmt.Sprintf(podNoImage, "ContainerCreating")) }, 320, "pending workload/shop/deployment/web 0"},
	{"a volume that takes its time", func(c *cluster) { c.pod(1, "web-1", fmt.Sprintf(podNoImage, "ContainerCreating")) }, 100, ""},
	{"a readiness probe that fails", func(c *cluster) { c.pod(20, "web-1", fmt.Sprintf(podUnready, 20)) }, 120, "failing_probe workload/shop/deployment/web 20"},
	{"a short unreadiness", func(c *cluster) { c.pod(20, "web-1", fmt.Sprintf(podUnready, 20)) }, 80, ""},
	{"a liveness probe that kills", func(c *cluster) {
		c.event(20, "deployment/web", "Pod", "web-1", "Killing", "Container web failed liveness probe, will be restarted", 1)
	}, 40, "failing_probe workload/shop/deployment/web 20"},
	{"liveness probes that fail", func(c *cluster) {
		c.event(20, "deployment/web", "Pod", "web-1", "Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 500", 1)
		c.event(30, "deployment/web", "Pod", "web-1", "Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 500", 3)
	}, 40, "failing_probe workload/shop/deployment/web 20"},
	{"one probe that fails", func(c *cluster) {
		c.event(20, "deployment/web", "Pod", "web-1", "Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 500", 7)
		c.event(20, "deployment/web", "Pod", "web-1", "Unhealthy", "Readiness probe failed: connection refused", 9)
	}, 40, ""},
	{"an eviction", func(c *cluster) { c.pod(30, "web-1", fmt.Sprintf(podEvicted, 30)) }, 40, "evicted workload/shop/deployment/web 30"},
	{"a drain", func(c *cluster) { c.pod(32, "web-1", podDrained) }, 40, ""},
	{"a node that is gone", func(c *cluster) { c.tell(10, "", "Node", "node1", fmt.Sprintf(nodeIs, false, "Unknown", "Unknown")) }, 45, "node host/node1 10"},
	{"a node under pressure", func(c *cluster) { c.tell(10, "", "Node", "node1", fmt.Sprintf(nodeIs, false, "True", "True")) }, 45, "node host/node1 10"},
	{"a cordon", func(c *cluster) { c.tell(10, "", "Node", "node1", fmt.Sprintf(nodeIs, true, "False", "True")) }, 600, ""},
	{"a rollout past its deadline", func(c *cluster) {
		c.tell(600, "deployment/web", "Deployment", "web", fmt.Sprintf(deploymentRolls, "False", "ProgressDeadlineExceeded", 600))
	}, 605, "stuck_rollout workload/shop/deployment/web 0"},
	{"a rollout without progress", func(c *cluster) {
		c.tell(5, "deployment/web", "Deployment", "web", fmt.Sprintf(deploymentRolls, "True", "ReplicaSetUpdated", 5))
	}, 310, "stuck_rollout workload/shop/deployment/web 5"},
	{"a rollout under way", func(c *cluster) {
		c.tell(5, "deployment/web", "Deployment", "web", fmt.Sprintf(deploymentRolls, "True", "ReplicaSetUpdated", 5))
	}, 100, ""},
	{"a rollout that is done", func(c *cluster) {
		c.tell(5, "deployment/web", "Deployment", "web", fmt.Sprintf(deploymentRolls, "True", "ReplicaSetUpdated", 5)).tell(50, "deployment/web", "Deployment", "web", deploymentDone)
	}, 600, ""},
	{"a quota", func(c *cluster) {
		c.tell(5, "deployment/web", "Deployment", "web", deploymentQuota)
		c.event(5, "deployment/web", "ReplicaSet", "web-7f", "FailedCreate", `Error creating: pods "web-7f-x" is forbidden: exceeded quota: pods`, 1)
	}, 20, "quota workload/shop/deployment/web 5"},
	{"an autoscaler at its ceiling", func(c *cluster) { c.tell(5, "", "HorizontalPodAutoscaler", "web-scaler", fmt.Sprintf(hpaLimit, 5)) }, 130, "autoscaler_ceiling workload/shop/deployment/web 5"},
	{"an autoscaler that just got there", func(c *cluster) { c.tell(5, "", "HorizontalPodAutoscaler", "web-scaler", fmt.Sprintf(hpaLimit, 5)) }, 60, ""},
	{"one of Midwatch's own", func(c *cluster) {
		c.tell(30, "deployment/midwatch-api", "Pod", "midwatch-api-1", `"spec":{"containers":[{"name":"web"}]},"status":`+fmt.Sprintf(podCrashes, 5))
	}, 40, ""},
}

func TestWhatAClusterTells(t *testing.T) {
	db := storetest.Open(t)
	conn := ingesttest.Client(t, db)
	for i, c := range clusterCases {
		t.Run(c.name, func(t *testing.T) {
			world, d := told(t, db, conn, fmt.Sprint("env-", i), c.tell)
			now := world.start.Add(time.Duration(c.at) * time.Second)
			raised, err := d.KernelEvents(t.Context(), now)
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, r := range raised {
				lines = append(lines, fmt.Sprintf("%s %s %.0f", r.Rule, r.Entity, r.Onset.Sub(world.start).Seconds()))
				if r.ID == "" || strings.ContainsAny(r.ID, " /:") || r.Summary == "" || r.Attributes["object"] == "" || r.Entity.Kind() == "workload" && r.Service == "" {
					t.Errorf("trigger %+v lacks something", r)
				}
				t.Log(r.Summary)
			}
			if diff := cmp.Diff(c.want, strings.Join(lines, "; ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func told(t *testing.T, db *store.DB, conn *grpc.ClientConn, environment string, tell func(*cluster)) (*cluster, *detect.Detector) {
	t.Helper()
	world := newCluster(environment)
	tell(world)
	ingesttest.Logs(t, conn, world.Logs)
	d, err := detect.New(detect.Config{Store: db, Environment: environment})
	if err != nil {
		t.Fatal(err)
	}
	return world, d
}

// TestKernelAndClusterSeeOneKill: what the node agent saw and what the pod's status says is one trigger.
func TestKernelAndClusterSeeOneKill(t *testing.T) {
	db := storetest.Open(t)
	world, d := told(t, db, ingesttest.Client(t, db), "prod", func(c *cluster) {
		c.pod(33, "web-1", podOOM)
		c.Change(kubernetestest.Change{Time: c.start.Add(30 * time.Second), Event: telemetry.EventOOMKill, Namespace: "shop", Name: "web"})
		c.Logs.ResourceLogs().At(c.Logs.ResourceLogs().Len()-1).Resource().Attributes().PutStr(telemetry.K8sWorkload, "deployment/web")
	})
	kernelFirst, err := d.KernelEvents(t.Context(), world.start.Add(32*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	both, err := d.KernelEvents(t.Context(), world.start.Add(40*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if len(kernelFirst) != 1 || len(both) != 1 || kernelFirst[0].ID != both[0].ID || kernelFirst[0].Entity != both[0].Entity || both[0].Attributes["limit"] != "64Mi" {
		t.Errorf("first %+v\nthen %+v", kernelFirst, both)
	}
}

// TestStillKnowsWhatDidNotChange: a state that was told long ago and not since still holds.
func TestStillKnowsWhatDidNotChange(t *testing.T) {
	db := storetest.Open(t)
	world, d := told(t, db, ingesttest.Client(t, db), "prod", func(c *cluster) { c.pod(1, "web-1", podUnscheduled) })
	later := world.start.Add(50 * time.Minute)
	raised, err := d.KernelEvents(t.Context(), later)
	if err != nil || len(raised) > 0 {
		t.Errorf("raised %+v again, %v", raised, err)
	}
	healthy := investigation.Window{From: world.start.Add(-time.Minute), To: world.start}
	still, err := d.Still(t.Context(), healthy, later, later)
	if err != nil || len(still) != 1 || still[0].Rule != detect.RulePending {
		t.Errorf("still %+v, %v", still, err)
	}
}
