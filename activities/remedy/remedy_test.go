package remedy_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/midwatch/midwatch/activities/action"
	"github.com/midwatch/midwatch/activities/remedy"
	"github.com/midwatch/midwatch/deploy/testcluster/clustertest"
	"github.com/midwatch/midwatch/internal/investigation"
)

type bench struct {
	*testing.T
	client  kubernetes.Interface
	cluster *remedy.Cluster
	at      time.Time // when a fix is proposed
}

// TestRemedies changes a real cluster in every way there is.
func TestRemedies(t *testing.T) {
	c := clustertest.Start(t, clustertest.Workload(t))
	opened, err := remedy.Open(c.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t, c.Client(), opened, time.Now()}
	_, err = b.client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}, metav1.CreateOptions{})
	b.must(err)
	b.create()
	for i, test := range []struct {
		name string
		run  func(*bench)
	}{
		{"a deployment goes back to its revision before", (*bench).rollsBack},
		{"a daemonset and a statefulset go back, too", (*bench).rollsBackOthers},
		{"what was changed since is left alone", (*bench).leavesOthersAlone},
		{"what others own may move", (*bench).letsOthersScale},
		{"a statefulset is restarted, and marked", (*bench).restartsStatefulSet},
		{"health that moves is no change", (*bench).outlivesStatus},
		{"replicas are set unless an autoscaler sets them", (*bench).scales},
		{"a restart replaces the pods", (*bench).restarts},
		{"a container is resized, and never beyond its limit", (*bench).resizes},
		{"a node is cordoned and comes back", (*bench).cordons},
		{"drafts that do not fit are refused", (*bench).refuses},
	} {
		b.at = b.at.Add(time.Duration(i) * time.Minute)
		t.Run(test.name, func(t *testing.T) { test.run(&bench{t, b.client, b.cluster, b.at}) })
	}
}

const deployment = "shop/deployment/web"

func template(labels map[string]string) corev1.PodTemplateSpec {
	zero := int64(0)
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels},
		Spec: corev1.PodSpec{TerminationGracePeriodSeconds: &zero, Containers: []corev1.Container{{
			Name: "app", Image: "localhost/workload:1", Args: []string{"serve"}, Env: []corev1.EnvVar{{Name: "DB_PASSWORD", Value: "hunter2"}},
		}}},
	}
}

// create makes one workload of each kind, each with a second revision that differs in a variable.
func (b *bench) create() {
	b.Helper()
	labels := map[string]string{"app": "web"}
	selector, apps, two := &metav1.LabelSelector{MatchLabels: labels}, b.client.AppsV1(), int32(2)
	meta := metav1.ObjectMeta{Name: "web", Namespace: "shop"}
	_, err := apps.Deployments("shop").Create(b.Context(), &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Replicas: &two, Selector: selector, Template: template(labels)}}, metav1.CreateOptions{})
	b.must(err)
	labels = map[string]string{"app": "each"}
	selector = &metav1.LabelSelector{MatchLabels: labels}
	_, err = apps.DaemonSets("shop").Create(b.Context(), &appsv1.DaemonSet{ObjectMeta: meta, Spec: appsv1.DaemonSetSpec{Selector: selector, Template: template(labels)}}, metav1.CreateOptions{})
	b.must(err)
	labels = map[string]string{"app": "state"}
	selector = &metav1.LabelSelector{MatchLabels: labels}
	_, err = apps.StatefulSets("shop").Create(b.Context(), &appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{Selector: selector, Template: template(labels)}}, metav1.CreateOptions{})
	b.must(err)
	b.wait("the first revisions", func() bool { return b.revisions() == 2 && b.replicaSets() == 1 })
	change := []byte(`{"spec":{"template":{"spec":{"containers":[{"name":"app","env":[{"name":"DB_PASSWORD","value":"hunter3"},{"name":"MODE","value":"new"}]}]}}}}`)
	_, err = apps.Deployments("shop").Patch(b.Context(), "web", types.StrategicMergePatchType, change, metav1.PatchOptions{})
	b.must(err)
	_, err = apps.DaemonSets("shop").Patch(b.Context(), "web", types.StrategicMergePatchType, change, metav1.PatchOptions{})
	b.must(err)
	_, err = apps.StatefulSets("shop").Patch(b.Context(), "web", types.StrategicMergePatchType, change, metav1.PatchOptions{})
	b.must(err)
	b.wait("the second revisions", func() bool { return b.revisions() == 4 && b.replicaSets() == 2 })
}

func (b *bench) revisions() int {
	list, err := b.client.AppsV1().ControllerRevisions("shop").List(b.Context(), metav1.ListOptions{})
	b.must(err)
	return len(list.Items)
}

func (b *bench) replicaSets() int {
	list, err := b.client.AppsV1().ReplicaSets("shop").List(b.Context(), metav1.ListOptions{})
	b.must(err)
	return len(list.Items)
}

func (b *bench) rollsBack() {
	p := b.prepare(investigation.RollbackWorkload, map[string]string{"workload": deployment})
	if !strings.Contains(p.Summary, "from revision 2 to 1") || !strings.Contains(p.Change.Diff, "-      - name: MODE") || strings.Contains(p.Change.Diff, "hunter") {
		b.Errorf("%s\n%s", p.Summary, p.Change.Diff)
	}
	if b.mode() != "new" {
		b.Error("preparing a change made it")
	}
	b.apply("fix-1", p)
	if got := b.mode(); got != "" {
		b.Errorf("MODE is %q after the rollback", got)
	}
	before := b.web().Generation
	b.apply("fix-1", p) // an attempt that was lost is made again
	if b.web().Generation != before {
		b.Error("the same fix was applied twice")
	}
}

func (b *bench) rollsBackOthers() {
	for _, kind := range []string{"daemonset", "statefulset"} {
		p := b.prepare(investigation.RollbackWorkload, map[string]string{"workload": "shop/" + kind + "/web", "revision": "1"})
		b.apply("fix-"+kind, p)
	}
	ds, err := b.client.AppsV1().DaemonSets("shop").Get(b.Context(), "web", metav1.GetOptions{})
	b.must(err)
	ss, err := b.client.AppsV1().StatefulSets("shop").Get(b.Context(), "web", metav1.GetOptions{})
	b.must(err)
	for _, c := range []corev1.Container{ds.Spec.Template.Spec.Containers[0], ss.Spec.Template.Spec.Containers[0]} {
		if len(c.Env) != 1 || c.Env[0].Value != "hunter2" {
			b.Errorf("environment %v, want that of the first revision", c.Env)
		}
	}
}

func (b *bench) leavesOthersAlone() {
	p := b.prepare(investigation.RestartWorkload, map[string]string{"workload": deployment})
	b.patch(`{"spec":{"minReadySeconds":1}}`)
	_, err := b.cluster.Apply(b.Context(), "fix-late", p.Change)
	if !errors.Is(err, remedy.ErrChanged) {
		b.Errorf("got %v, want that it was changed", err)
	}
	b.patch(`{"spec":{"minReadySeconds":0}}`)
}

// letsOthersScale: replicas that an autoscaler moves after the review are neither an obstacle nor put back.
func (b *bench) letsOthersScale() {
	p := b.prepare(investigation.RestartWorkload, map[string]string{"workload": deployment})
	b.patch(`{"spec":{"replicas":1}}`)
	b.apply("fix-scaled", p)
	if n := *b.web().Spec.Replicas; n != 1 {
		b.Errorf("%d replicas, want 1", n)
	}
	applied, err := b.cluster.Applied(b.Context(), "fix-scaled", p.Change)
	b.must(err)
	if !applied {
		b.Error("the object is not what the dry run made of it")
	}
	b.patch(`{"spec":{"replicas":2}}`)
}

// restartsStatefulSet, whose annotations are only ours: a deployment's and a node's are its controller's, too.
func (b *bench) restartsStatefulSet() {
	stripped := []byte(`{"metadata":{"annotations":null}}`)
	_, err := b.client.AppsV1().StatefulSets("shop").Patch(b.Context(), "web", types.MergePatchType, stripped, metav1.PatchOptions{})
	b.must(err)
	b.apply("fix-bare", b.prepare(investigation.RestartWorkload, map[string]string{"workload": "shop/statefulset/web"}))
	ss, err := b.client.AppsV1().StatefulSets("shop").Get(b.Context(), "web", metav1.GetOptions{})
	b.must(err)
	if ss.Annotations[remedy.FixAnnotation] != "fix-bare" {
		b.Errorf("%v", ss.Annotations)
	}
}

// outlivesStatus changes a deployment whose status is written to all the time.
func (b *bench) outlivesStatus() {
	p := b.prepare(investigation.RestartWorkload, map[string]string{"workload": deployment})
	ctx, stop := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ctx.Err() == nil; n++ {
			body, _ := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{"beat": time.Now().String()}}})
			_, _ = b.client.AppsV1().Deployments("shop").Patch(ctx, "web", types.MergePatchType, body, metav1.PatchOptions{}) // the last one is cut short
			time.Sleep(20 * time.Millisecond)
		}
	}()
	b.apply("fix-busy", p)
	stop()
	<-done
}

func (b *bench) scales() {
	p := b.prepare(investigation.ScaleWorkload, map[string]string{"workload": deployment, "replicas": "3"})
	b.apply("fix-scale", p)
	if n := *b.web().Spec.Replicas; n != 3 {
		b.Errorf("%d replicas, want 3", n)
	}
	_, err := b.client.AutoscalingV2().HorizontalPodAutoscalers("shop").Create(b.Context(), &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec:       autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 5, ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: "web", APIVersion: "apps/v1"}},
	}, metav1.CreateOptions{})
	b.must(err)
	b.draft("the autoscaler web sets the replicas", investigation.ScaleWorkload, map[string]string{"workload": deployment, "replicas": "4"})
}

func (b *bench) restarts() {
	pods := b.pods()
	b.apply("fix-restart", b.prepare(investigation.RestartWorkload, map[string]string{"workload": deployment}))
	b.wait("new pods", func() bool {
		now := b.pods()
		for name := range pods {
			if now[name] {
				return false
			}
		}
		return len(now) > 0
	})
}

func (b *bench) resizes() {
	p := b.prepare(investigation.ResizeContainer, map[string]string{"workload": deployment, "container": "app", "memory_limit": "128Mi", "memory_request": "64Mi"})
	if want := "memory limit from none to 128Mi"; !strings.Contains(p.Summary, want) {
		b.Errorf("%q lacks %q", p.Summary, want)
	}
	b.apply("fix-size", p)
	if got := b.web().Spec.Template.Spec.Containers[0].Resources.Limits.Memory().String(); got != "128Mi" {
		b.Errorf("limit %s", got)
	}
	b.draft("must be less than or equal to memory limit", investigation.ResizeContainer, map[string]string{"workload": deployment, "container": "app", "memory_request": "256Mi"})
	b.draft("no container sidecar", investigation.ResizeContainer, map[string]string{"workload": deployment, "container": "sidecar", "memory_limit": "1Gi"})
}

func (b *bench) cordons() {
	node := map[string]string{"node": "node1"}
	b.apply("fix-cordon", b.prepare(investigation.CordonNode, node))
	b.draft("would change nothing", investigation.CordonNode, node)
	b.apply("fix-uncordon", b.prepare(investigation.UncordonNode, node))
	n, err := b.client.CoreV1().Nodes().Get(b.Context(), "node1", metav1.GetOptions{})
	b.must(err)
	if n.Spec.Unschedulable {
		b.Error("the node is still cordoned")
	}
}

func (b *bench) refuses() {
	b.draft("is not there", investigation.RestartWorkload, map[string]string{"workload": "shop/deployment/none"})
	b.draft("a job cannot be changed", investigation.RestartWorkload, map[string]string{"workload": "shop/job/web"})
	b.draft("no revision 99", investigation.RollbackWorkload, map[string]string{"workload": deployment, "revision": "99"})
	b.draft("one pod for each node", investigation.ScaleWorkload, map[string]string{"workload": "shop/daemonset/web", "replicas": "2"})
}

func (b *bench) draft(want string, kind investigation.ActionKind, parameters map[string]string) {
	b.Helper()
	_, err := b.cluster.Prepare(b.Context(), kind, parameters, b.at)
	if !errors.Is(err, action.ErrDraft) || !strings.Contains(err.Error(), want) {
		b.Errorf("%s %v: got %v, want %q", kind, parameters, err, want)
	}
}

func (b *bench) prepare(kind investigation.ActionKind, parameters map[string]string) remedy.Planned {
	b.Helper()
	p, err := b.cluster.Prepare(b.Context(), kind, parameters, b.at)
	b.must(err)
	return p
}

func (b *bench) apply(fix string, p remedy.Planned) {
	b.Helper()
	_, err := b.cluster.Apply(b.Context(), fix, p.Change)
	b.must(err)
}

func (b *bench) web() *appsv1.Deployment {
	b.Helper()
	d, err := b.client.AppsV1().Deployments("shop").Get(b.Context(), "web", metav1.GetOptions{})
	b.must(err)
	return d
}

func (b *bench) patch(body string) {
	b.Helper()
	_, err := b.client.AppsV1().Deployments("shop").Patch(b.Context(), "web", types.MergePatchType, []byte(body), metav1.PatchOptions{})
	b.must(err)
}

// mode is the variable MODE of the deployment's container.
func (b *bench) mode() string {
	b.Helper()
	for _, e := range b.web().Spec.Template.Spec.Containers[0].Env {
		if e.Name == "MODE" {
			return e.Value
		}
	}
	return ""
}

func (b *bench) pods() map[string]bool {
	b.Helper()
	list, err := b.client.CoreV1().Pods("shop").List(b.Context(), metav1.ListOptions{LabelSelector: "app=web"})
	b.must(err)
	names := map[string]bool{}
	for _, p := range list.Items {
		names[p.Name] = true
	}
	return names
}

func (b *bench) wait(what string, done func() bool) {
	b.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.Fatalf("waited a minute for %s", what)
		}
	}
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
