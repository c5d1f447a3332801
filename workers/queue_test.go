package workers_test

import (
	"slices"
	"testing"

	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/workflows"
)

// TestToolsBelongToTheirRole holds the table of queues to what the tools reveal.
func TestToolsBelongToTheirRole(t *testing.T) {
	r := tools.All(nil, append(tools.Code(nil), tools.DeployedCode(nil, code.Sources{}), tools.RunProgram())...)
	seen := map[string]int{}
	for _, name := range r.Names() {
		tool, err := r.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		want := workflows.ToolsQueue
		if slices.Contains(tool.DataTypes, investigation.Code) {
			want = workflows.GitHubQueue
		}
		if name == tools.RunProgram().Name {
			want = workflows.SandboxQueue
		}
		if got := workflows.ToolQueue(name); got != want {
			t.Errorf("%s is on queue %s, want %s", name, got, want)
		}
		seen[want]++
	}
	if seen[workflows.GitHubQueue] != 6 || seen[workflows.ToolsQueue] < 10 || seen[workflows.SandboxQueue] != 1 {
		t.Errorf("tools by queue: %v", seen)
	}
}
