package detect_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/midwatch/midwatch/activities/detect"
	"github.com/midwatch/midwatch/ingest/ingesttest"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/toolstest"
	"github.com/midwatch/midwatch/workflows"
)

// podLoops is a pod that waits after a run: restarts, reason and exit code of its end, second of its start and of its end.
const podLoops = `{"phase":"Running","conditions":[{"type":"Ready","status":"False","lastTransitionTime":"@29@"}],"containerStatuses":[{"name":"web","ready":false,"restartCount":%d,` +
	`"state":{"waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":{"reason":%q,"exitCode":%d,"startedAt":"@%d@","finishedAt":"@%d@"}}}]}`

// TestALoopIsProvenHoweverLateItIsSeen: of a rollout whose pods die, the same is said whichever of their deaths is the first that is judged. What
// lies before the first one is healthy, and not what lies before the last.
func TestALoopIsProvenHoweverLateItIsSeen(t *testing.T) {
	for _, c := range []struct {
		name, reason string
		code         int
		runs         [][2]int // from, to
		onset        int
		mechanism    investigation.Mechanism
	}{
		{"exits at once", "Error", 1, [][2]int{{30, 30}, {31, 31}, {46, 46}, {67, 68}, {108, 108}}, 30, investigation.WrongConfiguration},
		{"killed for want of memory", "OOMKilled", 137, [][2]int{{30, 41}, {42, 50}, {66, 75}, {97, 104}}, 41, investigation.OutOfMemory},
	} {
		for last := 2; last < len(c.runs); last++ {
			t.Run(fmt.Sprintf("%s, run %d", c.name, last+1), func(t *testing.T) {
				db := storetest.Open(t)
				world := newCluster(toolstest.Environment)
				world.change(29, telemetry.EventDeployment, "Deployment/web", telemetry.ChangeCommand, "server", "sever", "")
				world.pod(-100, "web-0", podRuns)
				for n, run := range c.runs[:last+1] {
					world.pod(run[1], "web-1", fmt.Sprintf(podLoops, n, c.reason, c.code, run[0], run[1]))
				}
				ingesttest.Logs(t, ingesttest.Client(t, db), world.Logs)
				d, err := detect.New(detect.Config{Store: db, Environment: toolstest.Environment})
				if err != nil {
					t.Fatal(err)
				}
				now := world.start.Add(time.Duration(c.runs[last][1]+4) * time.Second)
				raised, err := d.KernelEvents(t.Context(), now)
				if err != nil || len(raised) != 1 {
					t.Fatalf("raised %+v, %v", raised, err)
				}
				if onset := world.start.Add(time.Duration(c.onset) * time.Second); !raised[0].Onset.Equal(onset) {
					t.Errorf("onset %s, want %s", raised[0].Onset, onset)
				}
				req := request(toolstest.Plain, raised, now)
				req.Fault, req.Healthy = workflows.Windows(raised, now.Add(10*time.Second))
				r, _ := investigateWith(t, tools.All(db, tools.Kubernetes(db)...), req)
				t.Logf("%.2f %s", r.Confidence, r.Title)
				if r.Verdict != investigation.RootCause || r.Culprit != "workload/shop/deployment/web" || r.Mechanism != c.mechanism {
					t.Errorf("got %s %q %s, want %s; missing %v\n%+v", r.Verdict, r.Culprit, r.Mechanism, c.mechanism, r.Missing, r.Chain)
				}
			})
		}
	}
}
