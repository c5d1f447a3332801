package kube_test

import (
	"encoding/json"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/midwatch/midwatch/internal/telemetry"
)

func TestEveryVersionIsPublishedOnceWithItsDiff(t *testing.T) {
	c := startCluster(t)
	ctx := t.Context()
	before, err := c.client.CoreV1().Pods("default").Create(ctx, pod("old"), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, _, stop := c.watch()
	old := c.await("the pod that was there", func(r record) bool { return r.is("Pod", "old", "added") })
	if !old.time.Equal(before.CreationTimestamp.Time) {
		t.Errorf("found by a list: time %s, want its creation at %s", old.time, before.CreationTimestamp)
	}

	d, err := c.client.AppsV1().Deployments("default").Create(ctx, deployment("cart"), metav1.CreateOptions{FieldManager: "helm"})
	if err != nil {
		t.Fatal(err)
	}
	added := c.await("the new Deployment", func(r record) bool { return r.is("Deployment", "cart", "added") })
	if added.text(telemetry.ObjectActor) != "helm" || added.id != string(d.UID)+"/"+d.ResourceVersion+"/added" || added.text(telemetry.ObjectWorkload) != "deployment/cart" {
		t.Error(added)
	}
	d.Spec.Template.Spec.Containers[0].Image = "shop:2"
	if d, err = c.client.AppsV1().Deployments("default").Update(ctx, d, metav1.UpdateOptions{FieldManager: "kubectl-edit"}); err != nil {
		t.Fatal(err)
	}
	modified := c.await("its other image", func(r record) bool { return r.is("Deployment", "cart", "modified") })
	var diff []struct{ Path, Before, After any }
	if err := json.Unmarshal([]byte(modified.text(telemetry.ObjectDiff)), &diff); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, x := range diff {
		found = found || x.Path == "/spec/template/spec/containers/main/image" && x.Before == "shop:1" && x.After == "shop:2"
	}
	if !found || modified.text(telemetry.ObjectActor) != "kubectl-edit" {
		t.Error(modified)
	}
	rollout := c.await("the rollout", func(r record) bool { return r.event == telemetry.EventDeployment })
	if rollout.text(telemetry.ChangeKind) != telemetry.ChangeImage || rollout.resource[telemetry.ServiceName] != "cart.default" || rollout.text(telemetry.ObjectActor) != "kubectl-edit" {
		t.Error(rollout)
	}

	// While nobody watches: one changes, one goes, one comes.
	stop()
	d.Spec.Paused = true
	if _, err := c.client.AppsV1().Deployments("default").Update(ctx, d, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	none := int64(0)
	if err := c.client.CoreV1().Pods("default").Delete(ctx, "old", metav1.DeleteOptions{GracePeriodSeconds: &none}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.client.CoreV1().Pods("default").Create(ctx, pod("new"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	_, _, stop = c.watch()
	c.await("what came meanwhile", func(r record) bool { return r.is("Pod", "new", "added") })
	c.await("what went meanwhile", func(r record) bool { return r.is("Pod", "old", "deleted") })
	c.eventually("what changed meanwhile", func() bool {
		return c.count(func(r record) bool { return r.is("Deployment", "cart", "modified") }) == 2
	})
	stop()

	// Nothing is said twice by whoever starts again.
	said := len(c.records())
	w, _, stop := c.watch()
	c.eventually("watching again", func() bool {
		for _, k := range w.Stats().Kinds {
			if !k.Watched && k.Reason != "not_served" {
				return false
			}
		}
		return true
	})
	stop()
	if got := len(c.records()); got != said {
		t.Errorf("%d records after a restart in which nothing happened, %d before", got, said)
	}
}
