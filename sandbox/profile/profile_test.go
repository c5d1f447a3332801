package profile_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/sandbox/profile"
)

var update = flag.Bool("update", false, "write the chart's seccomp profile anew")

// The chart brings the profile as a file; this is where it comes from.
func TestTheChartsProfile(t *testing.T) {
	want, err := json.MarshalIndent(profile.Pod(), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	const file = "../../deploy/helm/midwatch/files/seccomp.json"
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // as git makes it
			t.Fatal(err)
		}
		if err := os.WriteFile(file, append(want, '\n'), 0o644); err != nil { //nolint:gosec // as git makes it
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want)+"\n", string(got)); diff != "" {
		t.Errorf("stale: go test ./sandbox/profile -update (-want +got):\n%s", diff)
	}
}
