package tools_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/midwatch/midwatch/ingest/ingesttest"
	"github.com/midwatch/midwatch/internal/kubernetes/kubernetestest"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// versions tells of a ConfigMap that changes each second.
func versions(t *testing.T, to *grpc.ClientConn, name string, n, size int) {
	t.Helper()
	filling := strings.Repeat("x", size)
	for from := 0; from < n; from += 10 { // a message holds 16 MiB
		r := kubernetestest.New("prod")
		for i := from; i < from+10; i++ {
			r.Version(kubernetestest.Version{
				Time: clusterStart.Add(time.Duration(i) * time.Second), Action: telemetry.ObjectModified, Actor: "kubectl",
				Object: json.RawMessage(fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":%q,"namespace":"shop","uid":%q,"resourceVersion":"%d"},"data":{"N":"%d","filling":%q}}`,
					name, "uid-"+name, 1000+i, i, filling)),
			})
		}
		ingesttest.Logs(t, to, r.Logs)
	}
}

func TestAHistoryTellsWhatItsWindowHasAndHoldsLittle(t *testing.T) {
	db := storetest.Open(t)
	to := ingesttest.Client(t, db)
	versions(t, to, "busy", 230, 0)
	versions(t, to, "large", 60, 1<<20)
	r := tools.New(tools.Kubernetes(db)...)
	for _, c := range []struct {
		name     string
		from, to time.Duration
		fold     bool
		least    int // versions told
		all      int // with those that are left out
	}{
		{"busy", 220 * time.Second, time.Hour, false, 10, 10}, // what was before is not left out of the window
		{"busy", 0, time.Hour, false, 200, 230},
		{"busy", 0, time.Hour, true, 200, 230},
		{"large", 50 * time.Second, time.Hour, true, 10, 10},
		{"large", 0, time.Hour, true, 40, 60},
	} {
		args := map[string]any{"kind": "configmaps", "namespace": "shop", "name": c.name, "fold": c.fold}
		h := run[result.KubernetesHistory](t, r, "prod", "kubernetes_history", between(c.from, c.to, args))
		if len(h.Versions) < c.least || len(h.Versions)+h.Omitted != c.all || c.name == "large" && len(h.Versions) > 48 {
			t.Errorf("%s from %s: %d versions and %d left out, want %d in all", c.name, c.from, len(h.Versions), h.Omitted, c.all)
			continue
		}
		if first := h.Versions[0]; c.from > 0 && len(first.Differences) == 0 {
			t.Errorf("%s from %s: the first is not compared with the one before: %+v", c.name, c.from, first)
		}
	}
}
