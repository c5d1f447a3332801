package kubernetestest_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/midwatch/midwatch/deploy/testcluster"
	"github.com/midwatch/midwatch/deploy/testcluster/clustertest"
	"github.com/midwatch/midwatch/internal/kubernetes/kubernetestest"
)

var record = flag.Bool("record", false, "record testdata/cluster.jsonl.gz anew, on a real cluster; four minutes")

//go:embed testdata/shop.yaml
var shop string

// watched are the lists whose watches are recorded.
var watched = []string{
	"/api/v1/pods", "/api/v1/nodes", "/api/v1/services", "/api/v1/configmaps", "/api/v1/events", "/api/v1/resourcequotas", "/apis/apps/v1/deployments",
	"/apis/apps/v1/replicasets", "/apis/apps/v1/statefulsets", "/apis/apps/v1/daemonsets", "/apis/batch/v1/jobs", "/apis/discovery.k8s.io/v1/endpointslices",
}

type recorder struct {
	mu   sync.Mutex
	told []kubernetestest.Told
}

// TestRecord plays testdata/shop.yaml on a real cluster and keeps what its API server tells.
func TestRecord(t *testing.T) {
	if !*record {
		t.Skip("-record records the cluster that other tests play back")
	}
	c := clustertest.Start(t, clustertest.Workload(t))
	ctx, stop := context.WithCancel(t.Context())
	var r recorder
	var wg sync.WaitGroup
	for _, path := range watched {
		wg.Go(func() { r.watch(ctx, t, c, path) })
	}
	must(t, c, shop, "apply", "-f", "-")
	wait(t, 60*time.Second)
	must(t, c, "", "-n", "shop", "set", "env", "deployment/web", "COLOUR=blue")
	wait(t, 20*time.Second)
	must(t, c, "", "cordon", "node1")
	must(t, c, "", "-n", "shop", "scale", "deployment/web", "--replicas=3")
	wait(t, 80*time.Second)
	must(t, c, "", "uncordon", "node1")
	wait(t, 10*time.Second)
	must(t, c, "", "-n", "shop", "delete", "deployment/crash")
	wait(t, 5*time.Second)
	stop()
	wg.Wait()
	if err := os.WriteFile("testdata/cluster.jsonl.gz", r.packed(t), 0o644); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, c *testcluster.Cluster, stdin string, args ...string) {
	t.Helper()
	if out, err := c.Kubectl(t.Context(), stdin, args...); err != nil {
		t.Fatalf("kubectl %v: %v\n%s", args, err, out)
	}
}

// wait lets the cluster live for a while: what is recorded is its time.
func wait(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
		t.Fatal("out of time")
	}
}

func (r *recorder) watch(ctx context.Context, t *testing.T, c *testcluster.Cluster, path string) {
	stream, err := c.Client().Discovery().RESTClient().Get().AbsPath(path).Param("watch", "1").Stream(ctx)
	if err != nil {
		t.Errorf("watch %s: %v", path, err)
		return
	}
	defer stream.Close()
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var e struct {
			Type   string         `json:"type"`
			Object map[string]any `json:"object"`
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Errorf("watch %s: %v", path, err)
			return
		}
		r.add(e.Type, e.Object)
	}
}

func (r *recorder) add(kind string, object map[string]any) {
	m, _ := object["metadata"].(map[string]any)
	if ns, _ := m["namespace"].(string); ns != "shop" && ns != "small" && object["kind"] != "Node" {
		return
	}
	actor := ""
	if fields, _ := m["managedFields"].([]any); len(fields) > 0 {
		newest := slices.MaxFunc(fields, func(a, b any) int { return bytes.Compare([]byte(changed(a)), []byte(changed(b))) })
		actor, _ = newest.(map[string]any)["manager"].(string)
	}
	delete(m, "managedFields")
	raw, err := json.Marshal(object)
	if err != nil {
		panic(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told = append(r.told, kubernetestest.Told{Time: time.Now().UTC(), Type: kind, Actor: actor, Object: raw})
}

func changed(field any) string {
	at, _ := field.(map[string]any)["time"].(string)
	return at
}

func (r *recorder) packed(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	e := json.NewEncoder(w)
	for _, v := range r.told {
		if err := e.Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
