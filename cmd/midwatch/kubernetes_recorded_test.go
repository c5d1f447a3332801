package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/midwatch/midwatch/ingest/ingesttest"
	"github.com/midwatch/midwatch/internal/kubernetes/kubernetestest"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/result"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestMain puts the clock in one place before anything runs: commands tell local time, and where that is half an hour off, the minutes would be others.
func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(m.Run())
}

// What the kubernetes commands say about the recorded life of a real cluster, for review: it is what somebody reads at night.
func TestARecordedNightIsReadable(t *testing.T) {
	told, err := kubernetestest.Recording()
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now().UTC().Truncate(time.Hour).Add(-3 * time.Hour)
	db := storetest.Open(t)
	ingesttest.Logs(t, ingesttest.Client(t, db), kubernetestest.New("prod").Play(told, start).Logs)
	night := &recordedNight{t: t, start: start, tools: tools.New(tools.Kubernetes(db)...)}

	night.say("list deployments --at a minute before the watch")
	recall(night, "kubernetes_list", map[string]any{"at": start.Add(-time.Minute), "kind": "deployments"}, writeObjects)
	night.say("history deployment web")
	recall(night, "kubernetes_history", night.window(map[string]any{"kind": "deployment", "name": "web", "namespace": "shop", "fold": true}), writeHistory)
	night.say("history deployment crash")
	recall(night, "kubernetes_history", night.window(map[string]any{"kind": "deployment", "name": "crash", "namespace": "shop", "fold": true}), writeHistory)
	night.say("history pod crash-68568c7d65-sbp9q")
	recall(night, "kubernetes_history", night.window(map[string]any{"kind": "pod", "name": "crash-68568c7d65-sbp9q", "namespace": "shop", "fold": true}), writeHistory)
	for _, kind := range []string{"deployments", "nodes"} {
		night.say("diff " + kind + " --from 30 s after the start")
		recall(night, "kubernetes_diff", map[string]any{"before": start.Add(30 * time.Second), "after": start.Add(time.Hour), "kind": kind}, func(cmd *cobra.Command, d result.KubernetesDiff) error {
			return writeDiff(cmd, d, false)
		})
	}

	const file = "testdata/kubernetes_night.txt"
	got := strings.NewReplacer(start.Local().Format("2006-01-02 15:"), "2026-03-01 03:", start.Local().Format("-15:"), "-03:", start.Format("2006-01-02T15:"), "2026-03-01T03:").Replace(night.said.String())
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is another; -update rewrites it, for review (-want +got):\n%s", file, diff)
	}
}

type recordedNight struct {
	t     *testing.T
	start time.Time
	tools *tools.Registry
	said  bytes.Buffer
}

func (n *recordedNight) say(command string) {
	n.said.WriteString("\n$ midwatch kubernetes " + command + "\n")
}

// window adds the hour of the recording.
func (n *recordedNight) window(arguments map[string]any) map[string]any {
	arguments["from"], arguments["to"] = n.start, n.start.Add(time.Hour)
	return arguments
}

// recall prints what a tool answers as its command does.
func recall[T any](n *recordedNight, tool string, arguments map[string]any, write func(*cobra.Command, T) error) {
	n.t.Helper()
	raw, err := json.Marshal(arguments)
	if err != nil {
		n.t.Fatal(err)
	}
	what, err := n.tools.Get(tool)
	if err != nil {
		n.t.Fatal(err)
	}
	res, err := what.Run(n.t.Context(), tools.Scope{Environment: "prod"}, raw)
	if err != nil {
		n.t.Fatal(err)
	}
	data, ok := res.Data.(T)
	if !ok {
		n.t.Fatalf("%s answers with %T", tool, res.Data)
	}
	n.said.WriteString(shown(n.t, write, data))
}
