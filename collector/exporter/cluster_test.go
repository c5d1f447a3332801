package exporter

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/collector/pdata/pcommon"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

func TestPodsOfAClusterAreAdded(t *testing.T) {
	yes := true
	running := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: "cart-6d4f9-x2x", Labels: map[string]string{"pod-template-hash": "6d4f9"},
			OwnerReferences: []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "cart-6d4f9", Controller: &yes}},
		},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, PodIP: "10.0.0.7", ContainerStatuses: []corev1.ContainerStatus{{ContainerID: "containerd://abc"}}},
	}
	client := fake.NewClientset(running)
	c := newCluster(client)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	waitFor(t, func() bool { return c.serviceAt("10.0.0.7") == "cart" })

	resource := pcommon.NewMap()
	resource.PutStr("container.id", "abc")
	resource.PutStr("service.name", "server")
	c.describe(resource)
	want := map[string]any{
		"container.id": "abc", "service.name": "cart", "k8s.namespace.name": "shop", "k8s.pod.name": "cart-6d4f9-x2x", "midwatch.workload": "deployment/cart",
	}
	if diff := cmp.Diff(want, resource.AsRaw()); diff != "" {
		t.Error(diff)
	}
	if err := client.CoreV1().Pods("shop").Delete(ctx, running.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return c.serviceAt("10.0.0.7") == "" })
}

func TestPeersAreForgotten(t *testing.T) {
	now := time.Now()
	p := newPeers(func() time.Time { return now })
	here, _ := newEndpoint("h1", "::ffff:127.0.0.1", "80")
	there, _ := newEndpoint("h2", "127.0.0.1", "80")
	p.learn(here, "catalog")
	if p.service(here) != "catalog" || p.service(there) != "" {
		t.Error("a loopback address means something on its host alone")
	}
	now = now.Add(peerLife + time.Second)
	if p.service(here) != "" {
		t.Error("who listened long ago is still named")
	}
}

func TestGapsBetweenFirstDeliveriesAreLosses(t *testing.T) {
	delivery := func(consumer, stream, times uint64) *jetstream.MsgMetadata {
		return &jetstream.MsgMetadata{Sequence: jetstream.SequencePair{Consumer: consumer, Stream: stream}, NumDelivered: times}
	}
	for _, c := range []struct {
		name string
		got  []*jetstream.MsgMetadata
		want uint64
	}{
		{"none missing", []*jetstream.MsgMetadata{delivery(1, 10, 1), delivery(2, 11, 1)}, 0},
		{"three missing", []*jetstream.MsgMetadata{delivery(1, 10, 1), delivery(2, 14, 1)}, 3},
		{"around a redelivery", []*jetstream.MsgMetadata{delivery(1, 10, 1), delivery(2, 3, 2), delivery(3, 12, 1)}, 1},
		{"another exporter got one", []*jetstream.MsgMetadata{delivery(1, 10, 1), delivery(3, 12, 1)}, 0},
	} {
		var g gaps
		var lost uint64
		for _, md := range c.got {
			lost += g.lostBefore(md)
		}
		if lost != c.want {
			t.Errorf("%s: %d lost, want %d", c.name, lost, c.want)
		}
	}
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("still not after 10 s")
		}
	}
}
