package kube_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/midwatch/midwatch/collector/kube"
	"github.com/midwatch/midwatch/collector/kube/index"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// TestWhatAKilledWatcherHadNoTimeToKeep kills a watcher right after it published, before it wrote down what, and has its watch expire, so that the next one has
// nothing but a list and what lies in JetStream.
func TestWhatAKilledWatcherHadNoTimeToKeep(t *testing.T) {
	c := startCluster(t)
	ctx, maps, apps := t.Context(), c.client.CoreV1().ConfigMaps("default"), c.client.AppsV1().Deployments("default")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	first := c.spawn()
	if _, err := maps.Create(ctx, configMap("begin", nil), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.await("the first version", func(r record) bool { return r.is("ConfigMap", "begin", "added") })
	c.eventually("it is written down how far that is", func() bool { return c.checkpoint("configmaps") != "" && c.checkpoint("deployments.apps") != "" })
	kill(t, first)

	second := c.spawn()
	for _, name := range []string{"goes", "changes", "stays"} {
		_, err := maps.Create(ctx, configMap(name, map[string]string{"DB_PASSWORD": "first"}), metav1.CreateOptions{})
		must(err)
	}
	d, err := apps.Create(ctx, deployment("cart"), metav1.CreateOptions{})
	must(err)
	d.Spec.Template.Spec.Containers[0].Image = "shop:2"
	_, err = apps.Update(ctx, d, metav1.UpdateOptions{})
	must(err)
	must(maps.Delete(ctx, "goes", metav1.DeleteOptions{}))
	c.await("the end", func(r record) bool { return r.is("ConfigMap", "goes", "deleted") })
	c.await("the rollout", func(r record) bool { return r.event == telemetry.EventDeployment })
	c.await("the last", func(r record) bool { return r.is("ConfigMap", "stays", "added") })
	kill(t, second)

	_, err = maps.Update(ctx, configMap("changes", map[string]string{"DB_PASSWORD": "second"}), metav1.UpdateOptions{})
	must(err)
	c.api.Compact()
	w, _, _ := c.watch()
	changed := c.await("the other password", func(r record) bool { return r.is("ConfigMap", "changes", "modified") })
	if diff := changed.text(telemetry.ObjectDiff); !strings.Contains(diff, "/data/DB_PASSWORD") || strings.Contains(diff, "first") || strings.Contains(diff, "second") {
		t.Errorf("difference %s", diff)
	}
	c.eventually("all is listed", func() bool {
		relisted := 0
		for _, k := range w.Stats().Kinds {
			if k.Relists > 0 && (k.Resource == "configmaps" || k.Resource == "deployments.apps") {
				relisted++
			}
		}
		return relisted == 2
	})
	_, err = maps.Create(ctx, configMap("end", nil), metav1.CreateOptions{})
	must(err)
	c.await("what comes after the list", func(r record) bool { return r.is("ConfigMap", "end", "added") })
	c.onlyOnce()
}

// TestWhatIsToldAgainLater kills a watcher after it published an Event and ConfigMaps that came and went; the next may not see them, and the one after may again.
func TestWhatIsToldAgainLater(t *testing.T) {
	c := startCluster(t)
	ctx, maps := t.Context(), c.client.CoreV1().ConfigMaps("default")
	c.allow("pods", "namespaces", "services")
	note := func(name string) {
		t.Helper()
		_, err := c.client.CoreV1().Events("default").Create(ctx, &corev1.Event{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"}, Message: name, Type: "Normal", LastTimestamp: metav1.Now(),
			InvolvedObject: corev1.ObjectReference{APIVersion: "v1", Kind: "Pod", Namespace: "default", Name: "a"},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		c.await(name, func(r record) bool { return r.event == telemetry.EventKubernetes && r.body == name })
	}
	first := c.spawn()
	note("before")
	c.eventually("it is written down how far that is", func() bool { return c.checkpoint("events") != "" && c.checkpoint("configmaps") != "" })
	kill(t, first)

	second := c.spawn()
	c.eventually("the second leads", func() bool { // it counts from when it wrote down that it does
		_, err := maps.Create(ctx, configMap("comes", map[string]string{"n": "0"}), metav1.CreateOptions{})
		return err == nil && maps.Delete(ctx, "comes", metav1.DeleteOptions{}) == nil &&
			c.count(func(r record) bool { return r.is("ConfigMap", "comes", "deleted") }) > 0
	})
	note("told")
	kill(t, second)

	_, _, stop := c.watch(func(cfg *kube.Config) { cfg.Cluster = c.api.User("watcher") })
	p, err := c.client.CoreV1().Pods("default").Create(ctx, pod("new"), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	number := func(version string) int { n, _ := strconv.Atoi(version); return n }
	c.eventually("how far the third is", func() bool { return number(c.checkpoint("pods")) >= number(p.ResourceVersion) })
	stop()

	c.watch()
	note("after")
	if _, err := maps.Create(ctx, configMap("end", nil), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.await("the last", func(r record) bool { return r.is("ConfigMap", "end", "added") })
	c.onlyOnce()
}

// TestTheBucketIsLost under a watcher, as with a JetStream whose disk is replaced.
func TestTheBucketIsLost(t *testing.T) {
	c := startCluster(t)
	maps := c.client.CoreV1().ConfigMaps("default")
	c.watch()
	c.eventually("the first list is written down", func() bool { return c.checkpoint("configmaps") != "" })
	nc, err := nats.Connect(c.js.URL, nats.Secure(c.js.Identity(pki.CLI).Client(pki.JetStream)))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteKeyValue(t.Context(), "KUBERNETES"); err != nil {
		t.Fatal(err)
	}
	made, err := maps.Create(t.Context(), configMap("one", map[string]string{"n": "0"}), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c.eventually("there is another", func() bool { _, err := js.KeyValue(t.Context(), "KUBERNETES"); return err == nil })
	made.Data["n"] = "1"
	if _, err := maps.Update(t.Context(), made, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.await("what comes after", func(r record) bool { return r.is("ConfigMap", "one", "modified") })
	c.onlyOnce()
}

// onlyOnce checks that nothing was told twice, and no rollout.
func (c *cluster) onlyOnce() {
	c.t.Helper()
	told := map[string]int{}
	for _, r := range c.records() {
		if r.id != "" {
			told[r.id]++
		}
		if r.event == telemetry.EventDeployment {
			told[r.text(telemetry.ChangeID)]++
		}
	}
	for id, n := range told {
		if n > 1 {
			c.t.Errorf("%s: told %d times", id, n)
		}
	}
}

// TestTwoThatBothLead runs two watchers without an election: whatever they do to each other, nothing is told twice and nothing is lost.
func TestTwoThatBothLead(t *testing.T) {
	c := startCluster(t)
	witness := c.witness("configmaps", "ConfigMap")
	_, _, stop := c.watch()
	c.eventually("it is written down how far the first list is", func() bool { return c.checkpoint("configmaps") != "" })
	c.watch()
	c.churn(2, 30)
	stop()
	want := witness()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		missing := maps.Clone(want)
		for _, r := range c.records() {
			delete(missing, r.id)
		}
		if len(missing) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("of %d versions %d were never published: %v", len(want), len(missing), slices.Sorted(maps.Keys(missing)))
		}
	}
	c.onlyOnce()
}

// TestTwoClustersInOneJetStream: whatever people call their clusters and what is in them, they are told apart by what cannot be equal.
func TestTwoClustersInOneJetStream(t *testing.T) {
	a, b := startCluster(t), startCluster(t)
	b.js = a.js
	a.watch()
	b.watch()
	for _, c := range []*cluster{a, b} {
		if _, err := c.client.CoreV1().ConfigMaps("default").Create(t.Context(), configMap("same", map[string]string{"n": "0"}), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	clusters := map[any]bool{}
	a.eventually("both are published", func() bool {
		for _, r := range a.records() {
			if r.is("ConfigMap", "same", "added") {
				clusters[r.resource[telemetry.K8sClusterUID]] = true
			}
		}
		return len(clusters) == 2
	})
	a.onlyOnce()
}

// TestWhatIsThereIsSaidAgain a day later, once.
func TestWhatIsThereIsSaidAgain(t *testing.T) {
	c := startCluster(t)
	var mu sync.Mutex
	later := time.Duration(0)
	x := index.New(index.Config{Now: func() time.Time { mu.Lock(); defer mu.Unlock(); return time.Now().Add(later) }})
	if _, err := c.client.CoreV1().ConfigMaps("default").Create(t.Context(), configMap("old", map[string]string{"n": "0"}), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	again := func(r record) bool { return r.is("ConfigMap", "old", "snapshot") }
	tomorrow := func(cfg *kube.Config) { cfg.Index, cfg.Look = x, 100*time.Millisecond }
	w, _, stop := c.watch(tomorrow)
	c.await("the ConfigMap", func(r record) bool { return r.is("ConfigMap", "old", "added") })
	if c.count(again) > 0 {
		t.Error("it is said again at once")
	}
	mu.Lock()
	later = telemetry.SnapshotEvery + time.Hour
	mu.Unlock()
	said := c.await("it is said again", again)
	if said.body == "" || time.Until(said.time) < telemetry.SnapshotEvery {
		t.Error(said)
	}
	n := w.Stats().Snapshots
	stop()
	c.watch(tomorrow)
	if _, err := c.client.CoreV1().ConfigMaps("default").Create(t.Context(), configMap("new", nil), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.await("what came after", func(r record) bool { return r.is("ConfigMap", "new", "added") })
	if got := c.count(again); got != 1 || n == 0 {
		t.Errorf("said again %d times", got)
	}
}
