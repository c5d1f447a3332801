package sample_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/midwatch/midwatch/api/client"
	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/deploy/demo"
	"github.com/midwatch/midwatch/deploy/sample"
	"github.com/midwatch/midwatch/deploy/testcluster"
	"github.com/midwatch/midwatch/deploy/testcluster/clustertest"
	"github.com/midwatch/midwatch/internal/investigation"
)

// healthyTime is what there is to compare with: half a minute is the least of which reports are not less sure, and the latest fifteen seconds
// are not counted.
const healthyTime = 45 * time.Second

// pace is the time between two faults: seven rollouts that begin at once would be one more on a machine with two cores.
const pace = 5 * time.Second

// night is a cluster with the application on it, and Midwatch watching.
type night struct {
	*testing.T
	turn    *sync.Mutex // who breaks something
	broken  *sync.Map   // name of a fault → when it was there
	mended  *sync.Map   // name of a fault → when it was mended
	cluster *testcluster.Cluster
	stage   *demo.Stage
	api     *client.Client
}

// TestMain lets all faults be there at once: one that waits for another is not together with it.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(len(sample.Faults()))); err != nil {
		panic(err)
	}
	code := m.Run()
	for _, line := range failures.lines { // last, where a log of which only the end is kept has them
		fmt.Println(line)
	}
	os.Exit(code)
}

// failures are what went wrong in the night, in one line each.
var failures struct {
	sync.Mutex
	lines []string
}

// Errorf notes what it says for the end of the log, too.
func (n *night) Errorf(format string, args ...any) {
	n.Helper()
	n.note(fmt.Sprintf(format, args...))
	n.T.Errorf(format, args...)
}

// Fatalf notes what it says for the end of the log, too.
func (n *night) Fatalf(format string, args ...any) {
	n.Helper()
	n.note(fmt.Sprintf(format, args...))
	n.T.Fatalf(format, args...)
}

func (n *night) note(line string) {
	failures.Lock()
	defer failures.Unlock()
	failures.lines = append(failures.lines, n.Name()+": "+line)
}

// of is the same night in a test of its own.
func (n night) of(t *testing.T) *night { n.T = t; return &n }

func begin(t *testing.T) *night {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	image := clustertest.Image(t, sample.Image, "github.com/midwatch/midwatch/deploy/sample/cmd/sample")
	n := &night{T: t, turn: &sync.Mutex{}, broken: &sync.Map{}, mended: &sync.Map{}, cluster: clustertest.Start(t, image)}
	n.stage = &demo.Stage{
		Midwatch: filepath.Join(root, "bin/midwatch"), Data: filepath.Join(dir, "midwatch"), Say: demo.NewNarrator(t.Output()),
		Settings: map[string]any{
			"exporter": map[string]any{"kubeconfig": n.cluster.Kubeconfig()},
			"remedies": map[string]any{"kubeconfig": n.cluster.Kubeconfig(), "kinds": []investigation.ActionKind{investigation.RollbackWorkload}},
		},
	}
	n.must(os.MkdirAll(n.stage.Data, 0o700))
	n.must(n.stage.Configure(t.Context()))
	n.must(n.stage.StartMidwatch(t.Context()))
	t.Cleanup(n.stage.Stop)
	var services []string
	for _, f := range sample.Faults() {
		n.kubectl(sample.Manifests(f.Name), "apply", "-f", "-")
		services = append(services, "front."+f.Name, "back."+f.Name)
	}
	for _, f := range sample.Faults() {
		n.settled(f.Name)
	}
	if n.api, err = n.stage.Client(t.Context(), "approver"); err != nil {
		t.Fatal(err)
	}
	n.wait("requests of every workload", 2*time.Minute, func() bool { return n.seen(services...) })
	healthy := time.Now().Add(healthyTime)
	n.wait("healthy time", 2*healthyTime, func() bool { return time.Now().After(healthy) })
	return n
}

// settled waits until every rollout of a namespace is done.
func (n *night) settled(namespace string) {
	n.Helper()
	for _, name := range []string{"back", "front", "load"} {
		n.kubectl("", "--namespace", namespace, "rollout", "status", "deployment/"+name, "--timeout=180s")
	}
}

func (n *night) kubectl(stdin string, args ...string) (said string) {
	n.Helper()
	said, err := n.cluster.Kubectl(n.Context(), stdin, args...)
	n.must(err)
	return said
}

func (n *night) incidents() []wire.IncidentRow {
	n.Helper()
	list, err := n.api.Incidents(n.Context())
	n.must(err)
	return list.Incidents
}

func (n *night) incident(id string) wire.IncidentDetail {
	n.Helper()
	d, err := n.api.Incident(n.Context(), id)
	n.must(err)
	return d
}

// seen tells whether services answered requests in the last half minute.
func (n *night) seen(services ...string) bool {
	n.Helper()
	list, err := n.api.Services(n.Context(), client.Range{From: time.Now().Add(-30 * time.Second), To: time.Now()})
	n.must(err)
	for _, row := range list.Services {
		if row.Requests > 0 {
			services = slices.DeleteFunc(services, func(s string) bool { return s == row.Service.Service })
		}
	}
	return len(services) == 0
}

func (n *night) wait(what string, limit time.Duration, done func() bool) {
	n.Helper()
	ctx, cancel := context.WithTimeout(n.Context(), limit)
	defer cancel()
	for !done() {
		select {
		case <-ctx.Done():
			n.Fatalf("waited %s for %s", limit, what)
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func (n *night) must(err error) {
	n.Helper()
	if err != nil {
		n.Fatalf("%v", err)
	}
}
