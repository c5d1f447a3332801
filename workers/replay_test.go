package workers_test

import (
	"cmp"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/api/temporalproto"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/seal/codec"
	"github.com/midwatch/midwatch/workers"
	"github.com/midwatch/midwatch/workflows"
)

var update = flag.Bool("update", false, "record the histories of the newest version of the CHANGELOG anew")

// histories holds a folder for each version of the CHANGELOG.
const histories = "testdata/histories"

// kept are the histories of each version, by name.
var kept = map[string][]string{
	"0.1.0": {"deployment", "incident", "intake", "investigation", "remediation", "scan"},
	"0.2.0": {
		"deployment", "incident", "intake", "investigation", "investigation-continued", "investigation-continues", "investigation-model", "question",
		"remediation", "remediation-merge", "scan",
	},
}

// versions are those of the CHANGELOG, newest first.
func versions(t *testing.T) (all []string) {
	t.Helper()
	text, err := os.ReadFile("../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^## (\d+\.\d+\.\d+)`).FindAllStringSubmatch(string(text), -1) {
		all = append(all, m[1])
	}
	if len(all) == 0 {
		t.Fatal("the CHANGELOG has no version")
	}
	return all
}

// TestReplay runs every workflow against histories that were recorded from the real thing, of every version: a change that would
// break the incidents of a running installation fails here.
func TestReplay(t *testing.T) {
	for _, file := range recordings(t) {
		t.Run(strings.TrimPrefix(file, histories+"/"), func(t *testing.T) {
			if err := replayer().ReplayWorkflowHistoryFromJSONFile(nil, file); err != nil {
				t.Error(err)
			}
		})
	}
}

func replayer() worker.WorkflowReplayer {
	r := worker.NewWorkflowReplayer()
	workers.RegisterWorkflows(r)
	workers.RegisterScans(r)
	return r
}

// recordings are the files of all histories. A version has at least those that the version before it had.
func recordings(t *testing.T) (files []string) {
	t.Helper()
	all := versions(t)
	for n, version := range all {
		for _, name := range kept[all[min(n+1, len(all)-1)]] {
			if !slices.Contains(kept[version], name) {
				t.Errorf("version %s keeps no history of %s, and the one before does", version, name)
			}
		}
		of, err := filepath.Glob(filepath.Join(histories, version, "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range kept[version] {
			if !slices.Contains(of, filepath.Join(histories, version, name+".json")) {
				t.Errorf("version %s has no history of %s; record it with -update", version, name)
			}
		}
		if len(kept[version]) == 0 || len(of) != len(kept[version]) {
			t.Errorf("version %s has %d histories; say in this test which it should have", version, len(of))
		}
		files = append(files, of...)
	}
	return files
}

// record writes the histories of a finished story.
func record(t *testing.T, r *rig, firstTrigger string, fix investigation.Fix) {
	t.Helper()
	write(t, r, r.client, workflows.IntakeID(environment), "", "intake") // which never ends
	save(t, r, r.client, workflows.IncidentWorkflowID(environment, firstTrigger), "", "incident")
	save(t, r, r.client, workflows.InvestigationWorkflowID(environment, fix.Investigation), "", "investigation")
	save(t, r, r.client, workflows.RemediationWorkflowID(environment, fix.ID), "", "remediation")
	watch := r.temporal.Dial(r.temporal.Options(pki.API, workflows.WatchNamespace))
	id, run := scanID(t, watch)
	save(t, r, watch, id, run, "scan")
}

// save writes one history when its workflow has ended: what a history breaks off with is never compared.
func save(t *testing.T, r *rig, c client.Client, id, run, name string) {
	t.Helper()
	if err := c.GetWorkflow(t.Context(), id, run).Get(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	write(t, r, c, id, run, name)
}

// write writes one history with its payloads opened: they hold nothing but what the tests made up.
func write(t *testing.T, r *rig, c client.Client, id, run, name string) {
	t.Helper()
	h := &historypb.History{}
	events := c.GetWorkflowHistory(t.Context(), id, run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		h.Events = append(h.Events, e)
	}
	opener := codec.New(r.temporal.Ring)
	err := proxy.VisitPayloads(t.Context(), h, proxy.VisitPayloadsOptions{
		Visitor: func(_ *proxy.VisitPayloadsContext, p []*commonpb.Payload) ([]*commonpb.Payload, error) {
			return opener.Decode(p)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	b, err := temporalproto.CustomJSONMarshalOptions{Indent: "  "}.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(histories, versions(t)[0])
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".json"), append(b, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// scanID is the scan with the most events: one that raised something.
func scanID(t *testing.T, watch client.Client) (id, run string) {
	t.Helper()
	list, err := watch.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Query: "ExecutionStatus = 'Completed'"})
	if err != nil {
		t.Fatal(err)
	}
	best := slices.MaxFunc(list.GetExecutions(), func(a, b *workflowpb.WorkflowExecutionInfo) int {
		return cmp.Compare(a.GetHistoryLength(), b.GetHistoryLength())
	})
	return best.GetExecution().GetWorkflowId(), best.GetExecution().GetRunId()
}
