package helm_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/midwatch/midwatch/deploy/sample"
	"github.com/midwatch/midwatch/deploy/testcluster"
	"github.com/midwatch/midwatch/deploy/testcluster/clustertest"
)

const (
	namespace = "midwatch"
	// firstSpanLimit is from `kubectl apply` to the first span that names its pod.
	firstSpanLimit = 60 * time.Second
	// patience is for a machine that has other things to do.
	patience = 8 * time.Minute
)

// shop is a workload that the node agent can watch.
const shop = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: checkout, namespace: default}
spec:
  selector: {matchLabels: {app: checkout}}
  template:
    metadata: {labels: {app: checkout}}
    spec:
      containers: [{name: checkout, image: "localhost/workload:1", imagePullPolicy: IfNotPresent, args: [serve]}]
`

// The images of `make images` and the chart, applied as plain manifests to a real cluster: everything gets ready, and a request to a pod
// becomes a span that names it; the spans of every pod of an application name the right ones.
func TestInstall(t *testing.T) {
	c := clustertest.New(t, append(images(t), clustertest.Workload(t), clustertest.Image(t, sample.Image, "github.com/midwatch/midwatch/deploy/sample/cmd/sample"))...)
	manifests := render(t, "kept")
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { explain(t, c) })
	apply(t, c, shop)
	apply(t, c, sample.Manifests(market))
	checkout := podReady(t, c, "app=checkout")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go request(ctx, c, "http://"+checkout.Status.PodIP+":8080/cart")
	if _, err := c.Kubectl(t.Context(), "", "create", "namespace", namespace); err != nil {
		t.Fatal(err)
	}
	dryRun(t, c)
	crds, err := filepath.Glob("midwatch/crds/*.yaml")
	if err != nil || len(crds) == 0 {
		t.Fatalf("no CRDs: %v", err)
	}
	for _, file := range crds {
		if _, err := c.Kubectl(t.Context(), "", "apply", "-f", file); err != nil {
			t.Fatal(err)
		}
	}

	volumes(t, c)
	applied := time.Now()
	apply(t, c, manifests)
	op := operator(t, c)
	db := op.store()
	var pod, name string
	await(t, "a span that names its pod", func() error {
		return db.QueryRow(t.Context(), "SELECT simpleJSONExtractString(resource_json, 'k8s.pod.name') AS pod, name FROM spans WHERE pod LIKE 'checkout-%' ORDER BY time LIMIT 1").Scan(&pod, &name)
	})
	took := time.Since(applied)
	t.Logf("first span, %q of %s, %.1f s after apply", name, pod, took.Seconds())
	verdict := "ok"
	if took > firstSpanLimit {
		verdict = "short"
	}
	fmt.Printf("figure install_to_first_span %.1f s bar <= %.0f %s\n", took.Seconds(), firstSpanLimit.Seconds(), verdict)
	if pod != checkout.Name {
		t.Errorf("the span is of %s, want %s", pod, checkout.Name)
	}
	everythingReady(t, c)
	fmt.Printf("every pod ready after %.1f s\n", time.Since(applied).Seconds())
	everyPodNamed(t, c, db)
	rightsHold(t, c)
	sandboxWorks(t, c)
	upgrade(t, op, db, checkout.Name)
}

// sandboxWorks runs a step in the sandbox role's pod, under the profile that the node agent put on the node.
func sandboxWorks(t *testing.T, c *testcluster.Cluster) {
	t.Helper()
	out, err := c.Kubectl(t.Context(), "", "exec", "-n", namespace, "deploy/midwatch-worker-sandbox", "--", "midwatch", "doctor")
	if !regexp.MustCompile(`native engine +works`).MatchString(out) {
		t.Errorf("the sandbox's engine: %v\n%s", err, out)
	}
}

// dryRun has the API server check what every set of values renders, but for kinds it does not know.
func dryRun(t *testing.T, c *testcluster.Cluster) {
	t.Helper()
	for _, set := range sets(t) {
		var known []string
		for _, document := range strings.Split(render(t, set), "\n---\n") {
			if !strings.Contains(document, "apiVersion: cert-manager.io/") && !strings.Contains(document, "namespace: shop") && !strings.Contains(document, "namespace: bank") {
				known = append(known, document)
			}
		}
		if _, err := c.Kubectl(t.Context(), strings.Join(known, "\n---\n"), "apply", "--dry-run=server", "-f", "-"); err != nil {
			t.Errorf("%s: %v", set, err)
		}
	}
}

// rightsHold tries, with each part's account, what it may not do.
func rightsHold(t *testing.T, c *testcluster.Cluster) {
	t.Helper()
	for _, try := range []struct {
		part, verb, what string
		allowed          bool
	}{
		{"exporter", "list", "pods", true},
		{"exporter", "watch", "configmaps", true},
		{"exporter", "get", "secrets", false},
		{"exporter", "list", "secrets", false},
		{"exporter", "create", "pods", false},
		{"exporter", "patch", "deployments", false},
		{"worker-apply", "patch", "deployments", false},
		{"api", "list", "pods", false},
		{"node-agent", "list", "pods", false},
		{"secrets", "list", "secrets", false},
	} {
		as := "--as=system:serviceaccount:" + namespace + ":midwatch-" + try.part
		out, err := c.Kubectl(t.Context(), "", "auth", "can-i", try.verb, try.what, "--all-namespaces", as)
		if allowed := strings.TrimSpace(out) == "yes"; allowed != try.allowed {
			t.Errorf("%s may %s %s: %t, want %t (%v)", try.part, try.verb, try.what, allowed, try.allowed, err)
		}
	}
}

// images are the archives of `make images`.
func images(t *testing.T) []string {
	t.Helper()
	if os.Getenv(clustertest.Enabled) == "" {
		t.Skip("real clusters run in make test-cluster, which sets " + clustertest.Enabled)
	}
	found, err := filepath.Glob("../../bin/images/*.tar")
	if err != nil || len(found) == 0 {
		t.Fatalf("no images in bin/images: run make images (%v)", err)
	}
	return found
}

func apply(t *testing.T, c *testcluster.Cluster, manifests string) {
	t.Helper()
	if _, err := c.Kubectl(t.Context(), manifests, "apply", "-f", "-"); err != nil {
		t.Fatal(err)
	}
}

func await(t *testing.T, what string, ask func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(250 * time.Millisecond) {
		if err = ask(); err == nil {
			return
		}
		if t.Context().Err() != nil {
			break
		}
	}
	t.Fatalf("wait for %s: %v", what, err)
}

func podReady(t *testing.T, c *testcluster.Cluster, selector string) (pod corev1.Pod) {
	t.Helper()
	await(t, "a pod of "+selector, func() error {
		pods, err := c.Client().CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{LabelSelector: selector})
		if err != nil {
			return err
		}
		for _, pod = range pods.Items {
			if ready(pod) {
				return nil
			}
		}
		return fmt.Errorf("none of %d is ready", len(pods.Items))
	})
	return pod
}

func ready(p corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// request asks for a page again and again, from the node.
func request(ctx context.Context, c *testcluster.Cluster, url string) {
	client := c.HTTP()
	for ctx.Err() == nil {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return
		}
		if res, err := client.Do(req); err == nil {
			res.Body.Close()
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

func everythingReady(t *testing.T, c *testcluster.Cluster) {
	t.Helper()
	await(t, "every pod to be ready", func() error {
		pods, err := c.Client().CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			return err
		}
		var missing []string
		for _, p := range pods.Items {
			if p.Status.Phase != corev1.PodSucceeded && !ready(p) {
				missing = append(missing, p.Name)
			}
		}
		if len(missing) > 0 || len(pods.Items) < 14 {
			return fmt.Errorf("of %d these are not: %s", len(pods.Items), strings.Join(missing, ", "))
		}
		return nil
	})
}

// explain says what the pods of a failed test were like.
func explain(t *testing.T, c *testcluster.Cluster) {
	t.Helper()
	if !t.Failed() {
		return
	}
	ctx := context.WithoutCancel(t.Context())
	for _, args := range [][]string{
		{"get", "pods", "-A", "-o", "wide"},
		{"get", "events", "-n", namespace, "--sort-by=.lastTimestamp"},
		{"logs", "-n", namespace, "-l", "app.kubernetes.io/name=midwatch", "--tail=15", "--prefix", "--max-log-requests=30"},
	} {
		out, err := c.Kubectl(ctx, "", args...)
		t.Logf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
