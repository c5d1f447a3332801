package ingest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"google.golang.org/grpc/metadata"

	"github.com/midwatch/midwatch/ingest/receive"
	"github.com/midwatch/midwatch/internal/kubernetes/kubernetestest"
	"github.com/midwatch/midwatch/internal/telemetry"
)

func configMap(version, text string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings","namespace":"shop","uid":"c1","resourceVersion":%q},"data":{"a":%q}}`, version, text))
}

func (in *ingester) send(t *testing.T, id string, ld plog.Logs) plogotlp.ExportResponse {
	t.Helper()
	ctx := metadata.AppendToOutgoingContext(t.Context(), receive.HeaderBatchID, id)
	res, err := plogotlp.NewGRPCClient(in.conn).Export(ctx, plogotlp.NewExportRequestFromLogs(ld))
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// TestObjectsGoToTheirTableAlone, and a request that is sent again is stored once.
func TestObjectsGoToTheirTableAlone(t *testing.T) {
	in := start(t, nil)
	now := time.Now().UTC().Truncate(time.Second)
	r := kubernetestest.New("prod").
		Version(kubernetestest.Version{
			Time: now, Action: telemetry.ObjectModified, Actor: "kubectl", Workload: "configmap/settings",
			Diff: `[{"path":"/data/a","before":"1","after":"2"}]`, Object: configMap("12", "2"),
		}).
		Event(kubernetestest.Event{Time: now, Namespace: "shop", Kind: "Pod", Name: "web-1", Workload: "deployment/web", Reason: "BackOff", Note: "Back-off restarting"})
	in.send(t, "b1", r.Logs)
	in.send(t, "b1", r.Logs)
	in.want(t, `SELECT toString(tuple(count(), any(environment), any(cluster), any(api_version), any(kind), any(namespace), any(name), any(uid), any(resource_version), any(action), any(actor),
		any(workload), any(JSONExtractString(object, 'data', 'a')), any(diff), any(batch_id))) FROM k8s_objects`,
		`(1,'prod','`+kubernetestest.Cluster+`','v1','ConfigMap','shop','settings','c1','12','modified','kubectl','configmap/settings','2','[{"path":"/data/a","before":"1","after":"2"}]','b1')`)
	in.want(t, `SELECT toString((count(), any(event_name), any(service))) FROM logs`, `(1,'k8s.event','web.shop')`)
	in.want(t, `SELECT toString((count(), any(attributes['k8s.event.reason']))) FROM events`, `(1,'BackOff')`)
}

// TestWhatIsFoundByAList is stored within the time in which questions look for it, however old it is.
func TestWhatIsFoundByAList(t *testing.T) {
	in := start(t, nil)
	now := time.Now().UTC().Truncate(time.Second)
	for i, at := range []time.Time{now.AddDate(-2, 0, 0), now.Add(-23 * time.Hour), now.Add(-time.Minute), now.Add(10 * time.Minute)} {
		v := kubernetestest.Version{Time: at, Observed: now, Action: telemetry.ObjectAdded, Object: configMap(fmt.Sprint(i), "x")}
		in.send(t, fmt.Sprint("b", i), kubernetestest.New("prod").Version(v).Logs)
	}
	in.want(t, fmt.Sprintf(`SELECT toString(groupArray(s)) FROM (SELECT dateDiff('second', time, toDateTime64('%s', 9, 'UTC')) AS s FROM k8s_objects ORDER BY resource_version)`,
		now.Format(time.DateTime)), `[86400,82800,60,0]`)
}

func TestObjectsThatAreNone(t *testing.T) {
	in := start(t, nil)
	now := time.Now()
	r := kubernetestest.New("prod")
	for _, change := range []func(l plog.LogRecord){
		func(l plog.LogRecord) { l.Body().SetStr("no JSON") },
		func(l plog.LogRecord) { l.Body().SetStr(`["a list"]`) },
		func(l plog.LogRecord) { l.Attributes().Remove(telemetry.K8sObjectUID) },
		func(l plog.LogRecord) { l.Attributes().PutStr(telemetry.ObjectAction, "renamed") },
		func(l plog.LogRecord) { l.Body().SetStr(string(configMap("3", strings.Repeat("x", 3<<20)))) },
		func(l plog.LogRecord) { l.Body().SetStr(string(configMap("4", strings.Repeat("x", 1400<<10)))) }, // as large as an API server takes
		func(l plog.LogRecord) { l.Attributes().PutStr(telemetry.ObjectDiff, strings.Repeat("x", 70<<10)) },
	} {
		r.Version(kubernetestest.Version{Time: now, Action: telemetry.ObjectAdded, Object: configMap("3", "x")})
		change(r.Logs.ResourceLogs().At(r.Logs.ResourceLogs().Len() - 1).ScopeLogs().At(0).LogRecords().At(0))
	}
	res := in.send(t, "b1", r.Logs)
	if n := res.PartialSuccess().RejectedLogRecords(); n != 5 {
		t.Errorf("%d were rejected, want 5: %s", n, res.PartialSuccess().ErrorMessage())
	}
	for _, word := range []string{"4 Kubernetes objects without kind", "1 larger than 1 MiB, or Kubernetes objects"} {
		if !strings.Contains(res.PartialSuccess().ErrorMessage(), word) {
			t.Errorf("%q does not say %q", res.PartialSuccess().ErrorMessage(), word)
		}
	}
	in.want(t, `SELECT toString((count(), countIf(length(object) > 1000000), countIf(diff = ''))) FROM k8s_objects`, `(2,1,2)`)
	in.want(t, `SELECT toString(count()) FROM logs`, `0`)
}
