package testcluster_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/midwatch/midwatch/deploy/testcluster"
	"github.com/midwatch/midwatch/deploy/testcluster/clustertest"
)

// testKilled starts a second cluster beside the first, kills its launcher, and expects nothing of it to stay.
func testKilled(t *testing.T) {
	dir := t.TempDir()
	launcher := filepath.Join(t.TempDir(), "cluster")
	output(t, "go", "build", "-o", launcher, "./cmd/cluster")
	cmd := exec.Command(launcher, "-dir", dir, "-programs", clustertest.Programs(), "run")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(out)
	for said.Scan() && strings.TrimSpace(said.Text()) != "ready" {
		t.Log(said.Text())
	}
	var state struct{ Groups []string }
	b, err := os.ReadFile(filepath.Join(dir, "state.json"))
	if err == nil {
		err = json.Unmarshal(b, &state)
	}
	if err != nil {
		t.Fatal(err)
	}
	programs, err := testcluster.Programs(dir)
	if err != nil || len(programs) < 9 { // seven parts, a pod's two containers
		t.Errorf("it runs %v, %v", programs, err)
	}
	if out, err := exec.Command(launcher, "-dir", dir, "-programs", clustertest.Programs(), "up").CombinedOutput(); err == nil || !strings.Contains(string(out), "already") {
		t.Errorf("a third in its directory: %v: %s", err, out)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	gone := state.Groups
	for _, p := range programs {
		gone = append(gone, fmt.Sprintf("/proc/%d", p.PID))
	}
	clustertest.Eventually(t, "its control groups and processes to go", func(context.Context) error {
		for _, path := range gone {
			if _, err := os.Stat(path); err == nil {
				return fmt.Errorf("%s is there", path)
			}
		}
		return nil
	})
	if err := testcluster.Down(dir); err != nil {
		t.Errorf("down: %v", err)
	}
	if left, err := filepath.Glob(dir + "/*"); err != nil || len(left) != 1 || filepath.Base(left[0]) != "logs" {
		t.Errorf("%v is left in its directory, %v", left, err)
	}
}
