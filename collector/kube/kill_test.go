package kube_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/midwatch/midwatch/collector/kube/api"
	"github.com/midwatch/midwatch/collector/kube/bucket"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// TestKillsLoseNothingAndDoubleNothing kills the watcher at random moments while objects come, change and go, and compares what it published with what
// another watch saw.
func TestKillsLoseNothingAndDoubleNothing(t *testing.T) {
	c := startCluster(t)
	witness := c.witness("configmaps", "ConfigMap")
	first := c.spawn()
	if _, err := c.client.CoreV1().ConfigMaps("default").Create(t.Context(), configMap("begin", nil), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.await("the first version", func(r record) bool { return r.is("ConfigMap", "begin", "added") })
	c.eventually("it is written down how far that is", func() bool { return c.checkpoint("configmaps") != "" })
	kill(t, first)
	churned := make(chan struct{})
	go func() { defer close(churned); c.churn(4, 60) }()
	kills := 0
	for over := false; !over; kills++ {
		w := c.spawn()
		select {
		case <-time.After(time.Duration(150+rand.IntN(2500)) * time.Millisecond):
		case <-churned:
			over = true
		}
		kill(t, w)
	}
	c.watch()
	want := witness()
	t.Logf("%d kills, %d versions", kills, len(want))
	if kills < 5 || len(want) < 500 {
		t.Fatal("that is no test")
	}
	got := map[string]int{}
	c.eventually("every version is published", func() bool {
		clear(got)
		for _, r := range c.records() {
			if r.event == telemetry.EventObject && r.text(telemetry.K8sObjectKind) == "ConfigMap" && r.resource[telemetry.K8sNamespace] == "default" {
				got[r.id]++
			}
		}
		for id := range want {
			if got[id] == 0 {
				return false
			}
		}
		return true
	})
	for id, n := range got {
		if n != 1 || !want[id] {
			t.Errorf("%s: published %d times, seen by the other watch: %t", id, n, want[id])
		}
	}
}

func kill(t *testing.T, w *exec.Cmd) {
	t.Helper()
	if err := w.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = w.Wait() // "signal: killed"
}

// checkpoint is how far a resource was published, as the bucket says.
func (c *cluster) checkpoint(resource string) string {
	c.t.Helper()
	ns, err := c.client.CoreV1().Namespaces().Get(c.t.Context(), "kube-system", metav1.GetOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	nc, err := nats.Connect(c.js.URL, nats.Secure(c.js.Identity(pki.CLI).Client(pki.JetStream)))
	if err != nil {
		c.t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		c.t.Fatal(err)
	}
	b, err := bucket.Open(c.t.Context(), js, string(ns.UID))
	if err != nil {
		c.t.Fatal(err)
	}
	p, _, err := b.Progress(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	return p.Checkpoints[resource]
}

// witness watches a resource until the function it returns is called, which says what is to be published.
func (c *cluster) witness(resource, kind string) func() map[string]bool {
	c.t.Helper()
	client, err := api.New(c.api.Config)
	if err != nil {
		c.t.Fatal(err)
	}
	r := api.Resource{Version: "v1", Name: resource, Kind: kind}
	from, err := client.Version(c.t.Context(), r)
	if err != nil {
		c.t.Fatal(err)
	}
	var mu sync.Mutex
	ids, last, reached := map[string]bool{}, map[string]string{}, ""
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		err := client.Watch(ctx, r, from, func(e api.Event) error {
			var o struct{ Metadata metav1.ObjectMeta }
			if err := json.Unmarshal(e.Object, &o); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			reached = o.Metadata.ResourceVersion
			if o.Metadata.Namespace != "default" {
				return nil
			}
			uid := string(o.Metadata.UID)
			switch e.Type {
			case api.Added:
				ids[uid+"/"+reached+"/added"], last[uid] = true, reached
			case api.Modified:
				ids[uid+"/"+reached+"/modified"], last[uid] = true, reached
			case api.Deleted:
				ids[uid+"/"+last[uid]+"/deleted"] = true
			}
			return nil
		})
		if err != nil && ctx.Err() == nil {
			c.t.Error(err)
		}
	})
	return func() map[string]bool {
		end := configMap("the-end", nil)
		made, err := c.client.CoreV1().ConfigMaps("default").Create(c.t.Context(), end, metav1.CreateOptions{})
		if err != nil {
			c.t.Fatal(err)
		}
		c.eventually("the other watch is at the end", func() bool { mu.Lock(); defer mu.Unlock(); return reached == made.ResourceVersion })
		cancel()
		done.Wait()
		return ids
	}
}

// churn makes, changes and deletes ConfigMaps.
func (c *cluster) churn(workers, rounds int) {
	var g sync.WaitGroup
	maps := c.client.CoreV1().ConfigMaps("default")
	for w := range workers {
		g.Go(func() {
			for i := range rounds {
				m, err := maps.Create(c.t.Context(), configMap(fmt.Sprintf("m-%d-%d", w, i), map[string]string{"n": "0"}), metav1.CreateOptions{})
				for n := 1; err == nil && n < 6; n++ {
					time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
					m.Data["n"] = fmt.Sprint(n)
					m, err = maps.Update(c.t.Context(), m, metav1.UpdateOptions{})
				}
				if err == nil && i%3 != 0 {
					err = maps.Delete(c.t.Context(), m.Name, metav1.DeleteOptions{})
				}
				if err != nil {
					c.t.Error(err)
					return
				}
			}
		})
	}
	g.Wait()
}

func TestTooOldIsListedAndCompared(t *testing.T) {
	c := startCluster(t)
	ctx, maps := t.Context(), c.client.CoreV1().ConfigMaps("default")
	for _, name := range []string{"stays", "changes", "goes"} {
		if _, err := maps.Create(ctx, configMap(name, map[string]string{"n": "0"}), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	_, _, stop := c.watch()
	for _, name := range []string{"stays", "changes", "goes"} {
		c.await(name, func(r record) bool { return r.is("ConfigMap", name, "added") })
	}
	stop()
	var last string
	for _, n := range []string{"1", "2"} {
		m, err := maps.Update(ctx, configMap("changes", map[string]string{"n": n}), metav1.UpdateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		last = m.ResourceVersion
	}
	if err := maps.Delete(ctx, "goes", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	c.api.Compact()
	w, _, _ := c.watch()
	changed := c.await("the change", func(r record) bool { return r.is("ConfigMap", "changes", "modified") })
	if changed.text(telemetry.K8sObjectResourceVersion) != last || changed.text(telemetry.ObjectDiff) != `[{"path":"/data/n","before":"0","after":"2"}]` {
		t.Error(changed)
	}
	c.await("the end", func(r record) bool { return r.is("ConfigMap", "goes", "deleted") })
	relisted := uint64(0)
	for _, k := range w.Stats().Kinds {
		relisted += k.Relists
	}
	if relisted == 0 {
		t.Error("nothing was too old: the test proves nothing")
	}
	if n := c.count(func(r record) bool {
		return r.is("ConfigMap", "stays", "added") || r.is("ConfigMap", "stays", "modified")
	}); n != 1 {
		t.Errorf("what did not change was published %d times", n)
	}

	// Under a watcher that runs: the API server goes and comes back.
	c.api.StopAPI()
	c.api.StartAPI()
	if _, err := maps.Update(ctx, configMap("stays", map[string]string{"n": "3"}), metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.await("what changed after the restart", func(r record) bool { return r.is("ConfigMap", "stays", "modified") })
}
