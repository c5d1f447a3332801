package demo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/deploy/demo"
)

// The tests here play the whole story with what `make build` built: a minute and a half each.
const enable = "MIDWATCH_DEMO"

func config(t *testing.T, fault string) (demo.Config, *bytes.Buffer) {
	t.Helper()
	if os.Getenv(enable) == "" {
		t.Skipf("set %s=1 to play the whole story on this machine; `make test-demo` does, after building", enable)
	}
	bin, err := filepath.Abs("../../bin")
	if err != nil {
		t.Fatal(err)
	}
	out := &bytes.Buffer{}
	return demo.Config{
		Midwatch: filepath.Join(bin, "midwatch"), Shop: filepath.Join(bin, "shop"), Fault: fault, Yes: true,
		Out: io.MultiWriter(out, testWriter{t}), Show: func(w io.Writer, inv wire.InvestigationDetail) {
			fmt.Fprintf(w, "%s: %s, %s, %.2f\n%s\n", inv.Report.Title, inv.Report.Culprit, inv.Report.Mechanism, inv.Report.Confidence, inv.Report.Summary)
		},
	}, out
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimRight(string(p), "\n"))
	return len(p), nil
}

func TestStory(t *testing.T) {
	cfg, out := config(t, "index-dropped")
	var known string
	cfg.OnPhase = func(p demo.Phase, s *demo.Stage) {
		if p == demo.Reported {
			known = evidence(t, s)
		}
	}
	if err := demo.Run(t.Context(), cfg); err != nil {
		t.Log(known)
		t.Fatal(err)
	}
	for _, want := range []string{"  alert ", "  report ", "  approval ", "  recovered ", "culprit named: yes", "CREATE INDEX"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the story lacks %q", want)
		}
	}
}

// evidence is the reports and what they were made of, for whoever reads why a story ended otherwise.
func evidence(t *testing.T, s *demo.Stage) string {
	t.Helper()
	c, err := s.Client(t.Context(), "viewer")
	if err != nil {
		return err.Error()
	}
	list, err := c.Investigations(t.Context())
	if err != nil {
		return err.Error()
	}
	var all []any
	for _, row := range list.Investigations {
		inv, err := c.Investigation(t.Context(), row.ID)
		if err != nil {
			return err.Error()
		}
		all = append(all, inv.Report)
		for _, e := range inv.Evidence {
			if whole, err := c.Evidence(t.Context(), row.ID, e.ID); err == nil {
				all = append(all, whole)
			}
		}
	}
	b, err := json.Marshal(all)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// A model decides: here a script that speaks a vendor's protocol, over the vendor's SDK, through policy, redaction and ledger.
func TestStoryWithAModel(t *testing.T) {
	cfg, out := config(t, "pool-exhausted")
	cfg.AI = demo.ScriptedModel
	if err := demo.Run(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"AI on: scripted", "4 model calls", "nothing left it", "  recovered ", "culprit named: yes"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the story lacks %q", want)
		}
	}
}

// Every part is killed once, in the phase in which it has most to lose; but the apply role before it acts, for an action that was cut
// short is reported as unknown and never done again.
func TestStorySurvivesKills(t *testing.T) {
	cfg, _ := config(t, "wrong-port")
	victims := map[demo.Phase][]string{
		demo.Broken:   {"node-agent", "exporter", "jetstream"},
		demo.Alerted:  {"temporal", "worker", "worker --role sandbox"},
		demo.Reported: {"ingester", "clickhouse", "worker --role apply"},
		demo.Approved: {"api"},
	}
	killed := 0
	cfg.OnPhase = func(p demo.Phase, s *demo.Stage) {
		for _, part := range victims[p] {
			pid := child(t, s, part)
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Errorf("kill %s: %v", part, err)
				continue
			}
			t.Logf("killed %s, pid %d", part, pid)
			killed++
		}
	}
	if err := demo.Run(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if killed != 10 {
		t.Errorf("killed %d parts, want 10", killed)
	}
}

// child finds the process of a part among the children of `midwatch up`, waiting for it where it is just coming back.
func child(t *testing.T, s *demo.Stage, part string) int {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if pid, ok := s.Part(part); ok {
			return pid
		}
	}
	t.Fatalf("no process of %s", part)
	return 0
}

// Where the kernel cannot be watched, everything behind it still runs, on a recording.
func TestRecording(t *testing.T) {
	cfg, out := config(t, "bad-release")
	cfg.Recorded = true
	if err := demo.Run(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "culprit named: yes") {
		t.Error("the culprit was not named")
	}
}

// A person approves the fix in the browser.
func TestBrowserApproves(t *testing.T) {
	cfg, out := config(t, "redis-refuses-writes")
	cfg.Approve = func(ctx context.Context, s *demo.Stage) error {
		token, err := s.Token(ctx, "admin")
		if err != nil {
			return err
		}
		cmd := exec.CommandContext(ctx, "npm", "run", "--silent", "e2e")
		cmd.Dir = "../../api/web"
		cmd.Env = append(os.Environ(), "MIDWATCH_URL="+s.URL(), "MIDWATCH_TOKEN="+token, "MIDWATCH_APPROVE=1")
		cmd.Stdout, cmd.Stderr = testWriter{t}, testWriter{t}
		return cmd.Run()
	}
	if err := demo.Run(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "fix: verified") {
		t.Error("the fix was not verified")
	}
}
