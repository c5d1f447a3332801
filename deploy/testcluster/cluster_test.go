package testcluster_test

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/midwatch/midwatch/deploy/testcluster"
	"github.com/midwatch/midwatch/deploy/testcluster/clustertest"
)

//go:embed testdata/web.yaml
var web string

//go:embed testdata/broken.yaml
var broken string

// A cluster is 12 s; the questions share one.
func TestCluster(t *testing.T) {
	before := takeStock(t)
	c := clustertest.Start(t, clustertest.Workload(t))
	kubectl(t, c, web, "apply", "-f", "-")
	kubectl(t, c, broken, "apply", "-f", "-")
	pods := ready(t, c, "app=web", 2)

	t.Run("a Service's address answers", func(t *testing.T) { testService(t, c, pods) })
	t.Run("pods find Services by name", func(t *testing.T) {
		want := service(t, c).Spec.ClusterIP
		for _, name := range []string{"web", "web.default", "web.default.svc.cluster.local"} {
			if got := kubectl(t, c, "", "exec", pods[0], "--", "/workload", "lookup", name); got != want+"\n" {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if got := kubectl(t, c, "", "exec", pods[0], "--", "/workload", "get", "http://web:8080/by/name"); !slices.Contains(pods, strings.TrimSpace(got)) {
			t.Errorf("%q answered, want one of %v", got, pods)
		}
	})
	t.Run("logs", func(t *testing.T) {
		if got := kubectl(t, c, "", "logs", "--selector=app=web", "--tail=-1"); !strings.Contains(got, `GET "/by/name"`) {
			t.Errorf("got %q", got)
		}
	})
	t.Run("containers fail in the ways they fail", func(t *testing.T) { testFailures(t, c) })
	t.Run("a watch expires", func(t *testing.T) { testExpiredWatch(t, c) })
	t.Run("parts stop, hang and come back", func(t *testing.T) { testParts(t, c) })
	t.Run("a second cluster lives beside it and ends with its launcher", testKilled)
	ready(t, c, "app=web", 2)
	if err := c.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	before.compare(t)
}

func testService(t *testing.T, c *testcluster.Cluster, pods []string) {
	answered := map[string]bool{}
	clustertest.Eventually(t, "both pods to have answered", func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+service(t, c).Spec.ClusterIP+":8080", nil)
		if err != nil {
			return err
		}
		res, err := c.HTTP().Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		name, err := io.ReadAll(res.Body)
		answered[strings.TrimSpace(string(name))] = true
		if len(answered) < len(pods) {
			return fmt.Errorf("only %v: %w", answered, err)
		}
		return nil
	})
	for _, pod := range pods {
		if !answered[pod] {
			t.Errorf("%s did not answer, but %v", pod, answered)
		}
	}
}

func testFailures(t *testing.T, c *testcluster.Cluster) {
	for pod, want := range map[string]string{"hungry": "OOMKilled", "broken": "CrashLoopBackOff", "absent": "ErrImagePull"} {
		clustertest.Eventually(t, pod+" to be "+want, func(ctx context.Context) error {
			p, err := c.Client().CoreV1().Pods("default").Get(ctx, pod, meta.GetOptions{})
			if err != nil {
				return err
			}
			reasons := reasons(p)
			if !slices.Contains(reasons, want) && (want != "ErrImagePull" || !slices.Contains(reasons, "ImagePullBackOff")) {
				return fmt.Errorf("it is %v", reasons)
			}
			return nil
		})
	}
}

// reasons are why a pod's containers wait or ended.
func reasons(p *core.Pod) (all []string) {
	for _, s := range p.Status.ContainerStatuses {
		for _, state := range []core.ContainerState{s.State, s.LastTerminationState} {
			if state.Waiting != nil {
				all = append(all, state.Waiting.Reason)
			}
			if state.Terminated != nil {
				all = append(all, state.Terminated.Reason)
			}
		}
	}
	return all
}

func testExpiredWatch(t *testing.T, c *testcluster.Cluster) {
	maps := c.Client().CoreV1().ConfigMaps("default")
	list, err := maps.List(t.Context(), meta.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"one", "two"} {
		if _, err := maps.Create(t.Context(), &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Name: name}}, meta.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.RestartPart(t.Context(), testcluster.APIServer); err != nil {
		t.Fatal(err)
	}
	_, err = maps.List(t.Context(), meta.ListOptions{ResourceVersion: list.ResourceVersion, ResourceVersionMatch: meta.ResourceVersionMatchExact})
	if !errors.IsResourceExpired(err) {
		t.Errorf("a list as of the past got %v, want that it is too old", err)
	}
	watch, err := maps.Watch(t.Context(), meta.ListOptions{ResourceVersion: list.ResourceVersion})
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	if event := <-watch.ResultChan(); !errors.IsResourceExpired(errors.FromObject(event.Object)) {
		t.Errorf("a watch from the past got %s %v, want that it is too old", event.Type, event.Object)
	}
}

func testParts(t *testing.T, c *testcluster.Cluster) {
	if err := c.StopPart(testcluster.Kubelet); err != nil {
		t.Fatal(err)
	}
	if pid := c.PID(testcluster.Kubelet); pid != 0 {
		t.Errorf("the kubelet runs as %d", pid)
	}
	if err := c.StartPart(t.Context(), testcluster.Kubelet); err != nil {
		t.Fatal(err)
	}
	if err := c.Pause(testcluster.APIServer); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Kubectl(t.Context(), "", "get", "nodes", "--request-timeout=2s"); err == nil {
		t.Error("a paused API server answered")
	}
	if err := c.Resume(testcluster.APIServer); err != nil {
		t.Fatal(err)
	}
	ready(t, c, "app=web", 2)
}

func kubectl(t *testing.T, c *testcluster.Cluster, stdin string, args ...string) string {
	t.Helper()
	out, err := c.Kubectl(t.Context(), stdin, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// ready waits until n pods that a selector names are ready, and returns their names.
func ready(t *testing.T, c *testcluster.Cluster, selector string, n int) (names []string) {
	t.Helper()
	clustertest.Eventually(t, selector+" to be ready", func(ctx context.Context) error {
		names = nil
		pods, err := c.Client().CoreV1().Pods("default").List(ctx, meta.ListOptions{LabelSelector: selector})
		if err != nil {
			return err
		}
		for _, p := range pods.Items {
			if slices.ContainsFunc(p.Status.Conditions, func(c core.PodCondition) bool { return c.Type == core.PodReady && c.Status == core.ConditionTrue }) {
				names = append(names, p.Name)
			}
		}
		if len(names) != n {
			return fmt.Errorf("%d of %d", len(names), n)
		}
		return nil
	})
	return names
}

func service(t *testing.T, c *testcluster.Cluster) *core.Service {
	t.Helper()
	s, err := c.Client().CoreV1().Services("default").Get(t.Context(), "web", meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
