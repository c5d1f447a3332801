package helm_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/midwatch/midwatch/deploy/testcluster"
	"github.com/midwatch/midwatch/internal/store"
)

// volumes makes a volume for each claim of the chart, by hand: nothing provisions any in the test cluster. A directory of a node keeps its owner,
// which other kinds of volume get from the pod's fsGroup.
func volumes(t *testing.T, c *testcluster.Cluster) {
	t.Helper()
	for _, part := range []string{"jetstream", "clickhouse", "temporal", "postgres"} {
		dir := t.TempDir()
		if err := os.Chown(dir, 65532, 65532); err != nil {
			t.Fatal(err)
		}
		apply(t, c, fmt.Sprintf(`
apiVersion: v1
kind: PersistentVolume
metadata: {name: by-hand-%[1]s}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce]
  storageClassName: by-hand
  persistentVolumeReclaimPolicy: Retain
  claimRef: {namespace: %[2]s, name: data-midwatch-%[1]s-0}
  hostPath: {path: %[3]s, type: Directory}
`, part, namespace, dir))
	}
}

// upgrade applies the chart with other values to an installation at work: every pod is replaced, nothing that was kept is lost, and spans go on.
func upgrade(t *testing.T, o *console, db *store.DB, pod string) {
	t.Helper()
	began := time.Now()
	o.midwatch("token", "create", "--subject", "before-the-upgrade", "--role", "viewer")
	stream := o.stream()
	state := stream.CachedInfo().State
	message, err := stream.GetMsg(t.Context(), state.LastSeq)
	if err != nil {
		t.Fatal(err)
	}
	kept := func() (spans, objects uint64) {
		t.Helper()
		await(t, "the store", func() error {
			if err := db.QueryRow(t.Context(), "SELECT count() FROM spans WHERE time <= $1", began).Scan(&spans); err != nil {
				return err
			}
			return db.QueryRow(t.Context(), "SELECT count() FROM k8s_objects WHERE time <= $1", began).Scan(&objects)
		})
		return spans, objects
	}
	spans, objects := kept()
	if spans == 0 || objects == 0 {
		t.Fatalf("nothing was stored to be lost: %d spans, %d objects", spans, objects)
	}

	manifests, err := helm(t, "template", "midwatch", "midwatch", "--namespace", namespace, "--values", "testdata/kept.yaml",
		"--set", "podAnnotations.upgrade=second,exporter.replicas=2,jetstream.maxBytes=536870912,exporter.podLabels={app}")
	if err != nil {
		t.Fatal(err)
	}
	apply(t, o.c, manifests)
	replaced(t, o.c)
	over := time.Now()
	fmt.Printf("every pod replaced %.1f s after the second apply\n", over.Sub(began).Seconds())

	if nowSpans, nowObjects := kept(); nowSpans < spans || nowObjects < objects {
		t.Errorf("the store held %d spans and %d objects, and holds %d and %d of them", spans, objects, nowSpans, nowObjects)
	}
	again, err := o.stream().GetMsg(t.Context(), state.LastSeq)
	if err != nil || !bytes.Equal(again.Data, message.Data) || !again.Time.Equal(message.Time) {
		t.Errorf("message %d of JetStream is another: %v", state.LastSeq, err)
	}
	if tokens := o.midwatch("token", "list"); !strings.Contains(tokens, "before-the-upgrade") {
		t.Errorf("the metadata store forgot a token:\n%s", tokens)
	}
	await(t, "spans of after the upgrade", func() error {
		var label string
		return db.QueryRow(t.Context(), "SELECT simpleJSONExtractString(resource_json, 'k8s.pod.label.app') AS label FROM spans WHERE time > $1 AND simpleJSONExtractString(resource_json, 'k8s.pod.name') = $2 AND label != '' LIMIT 1", over, pod).Scan(&label)
	})
	var added uint64
	if err := db.QueryRow(t.Context(), "SELECT count() FROM k8s_objects WHERE kind = 'Pod' AND name = $1 AND action = 'added'", pod).Scan(&added); err != nil || added != 1 {
		t.Errorf("the pod was told as new %d times: %v", added, err)
	}
	fmt.Printf("the upgrade took %.1f s\n", time.Since(began).Seconds())
}

// replaced waits until every pod that serves is of the second apply, and ready.
func replaced(t *testing.T, c *testcluster.Cluster) {
	t.Helper()
	await(t, "every pod to be replaced", func() error {
		pods, err := c.Client().CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=midwatch"})
		if err != nil {
			return err
		}
		var missing []string
		served := 0
		for _, p := range pods.Items {
			if p.Status.Phase == corev1.PodSucceeded || p.Labels["app.kubernetes.io/component"] == "secrets" {
				continue
			}
			served++
			if p.Annotations["upgrade"] != "second" || !ready(p) {
				missing = append(missing, p.Name)
			}
		}
		if len(missing) > 0 || served < 14 {
			return fmt.Errorf("of %d these are not: %s", served, strings.Join(missing, ", "))
		}
		return nil
	})
}
