package helm_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/midwatch/midwatch/deploy/testcluster"
	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// market is the namespace of the sample application: two pods each of front and back, and a client that asks them.
const market = "market"

// claimedSQL is what spans say whose they are: those that name a pod of the namespace, and those that a pod's address answered.
const claimedSQL = `
SELECT DISTINCT service, simpleJSONExtractString(resource_json, '` + telemetry.K8sNamespace + `') AS namespace, simpleJSONExtractString(resource_json, '` + telemetry.K8sPod + `') AS pod, simpleJSONExtractString(resource_json, '` + telemetry.K8sPodUID + `') AS uid,
       simpleJSONExtractString(resource_json, '` + telemetry.K8sNode + `') AS node, simpleJSONExtractString(resource_json, '` + telemetry.K8sWorkload + `') AS workload,
       if(kind = 'server', replaceOne(attributes['` + telemetry.ServerAddress + `'], '::ffff:', ''), '') AS address
FROM spans
WHERE time >= {since:DateTime64(9,'UTC')} AND (namespace = {namespace:String} OR has({addresses:Array(String)}, address))`

type claimed struct {
	Service   string `ch:"service"`
	Namespace string `ch:"namespace"`
	Pod       string `ch:"pod"`
	UID       string `ch:"uid"`
	Node      string `ch:"node"`
	Workload  string `ch:"workload"`
	Address   string `ch:"address"`
}

// everyPodNamed waits until there are spans of every pod of the sample, and holds all that they say against what the API server says: pod, workload
// and node, and that who answered at a pod's address is that pod.
func everyPodNamed(t *testing.T, c *testcluster.Cluster, db *store.DB) {
	t.Helper()
	since := time.Now()
	list, err := c.Client().CoreV1().Pods(market).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pods, addresses := map[string]corev1.Pod{}, []string{}
	for _, p := range list.Items {
		pods[p.Name] = p
		addresses = append(addresses, p.Status.PodIP)
	}
	if len(pods) != 5 {
		t.Fatalf("the sample has %d pods, want 5", len(pods))
	}
	var rows []claimed
	await(t, "spans of every pod of the sample", func() error {
		rows = nil
		if err := db.Select(t.Context(), &rows, claimedSQL, clickhouse.Named("since", since.UTC()), clickhouse.Named("namespace", market),
			clickhouse.Named("addresses", addresses)); err != nil {
			return err
		}
		for name := range pods {
			if !slices.ContainsFunc(rows, func(r claimed) bool { return r.Pod == name }) {
				return fmt.Errorf("none of %s", name)
			}
		}
		return nil
	})
	for _, r := range rows {
		if wrong := r.wrong(pods); wrong != "" {
			t.Errorf("%s: %+v", wrong, r)
		}
	}
	t.Logf("spans of %d pods in %d groups name pod, workload and node", len(pods), len(rows))
}

// wrong says what spans claim that the API server does not.
func (r claimed) wrong(pods map[string]corev1.Pod) string {
	p, known := pods[r.Pod]
	app := p.Labels["app"]
	switch {
	case !known:
		return "there is no such pod"
	case r.Namespace != market || r.UID != string(p.UID) || r.Node != p.Spec.NodeName:
		return "the pod is another one"
	case r.Address != "" && r.Address != p.Status.PodIP:
		return "another pod has this address"
	case r.Workload != "deployment/"+app || r.Service != telemetry.ServiceOf(market, app) || !strings.HasPrefix(p.Name, app+"-"):
		return "the pod is of another workload"
	}
	return ""
}
