// Package escapetest is the escape suite: a program that tries what a sandbox must forbid, started through an engine like any other step, and a table
// of what exactly each attempt meets in each engine (expected.tsv), so that a wall that falls makes a named test fail.
package escapetest

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/sandbox"
	"github.com/midwatch/midwatch/sandbox/contract"
)

var update = flag.Bool("update", false, "rewrite this engine's column of the escape suite's table")

// atLeast is how many attempts the suite has; a list that shrinks is a mistake.
const atLeast = 150

// Fail as the wall to leave out makes the program say that one could not be built.
const Fail = "fail"

// Build compiles the suite's program as a static binary that any user can run. without names walls of the native engine it leaves out.
func Build(tb testing.TB, without ...string) string {
	tb.Helper()
	program := filepath.Join(Dir(tb), "program")
	cmd := exec.CommandContext(tb.Context(), "go", "build", "-ldflags", "-s -w -X main.without="+strings.Join(without, ","), "-o", program,
		"github.com/midwatch/midwatch/sandbox/escapetest/program")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("build the escape program: %v\n%s", err, out)
	}
	return program
}

// Dir is a temporary directory that the sandbox's user can pass.
func Dir(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "escape-")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // the sandbox's user passes through it
		tb.Fatal(err)
	}
	return dir
}

// Try makes one attempt in a fresh sandbox and returns what came of it.
func Try(ctx context.Context, engine sandbox.Engine, attempt string) (string, error) {
	step := &investigation.Transcript{Request: investigation.Request{Question: attempt}}
	answer, err := engine.Run(ctx, contract.Request{Step: step})
	return answer.Error, err
}

// List names every attempt.
func List(ctx context.Context, engine sandbox.Engine) ([]string, error) {
	list, err := Try(ctx, engine, "list")
	return strings.Split(list, "\n"), err
}

// Outcome is what came of one attempt, as the table has it.
func Outcome(ctx context.Context, engine sandbox.Engine, attempt string) string {
	outcome, err := Try(ctx, engine, attempt)
	if err != nil {
		return failure(err)
	}
	return outcome
}

// Attempts makes every attempt and compares what came of it with a column of the table.
func Attempts(t *testing.T, engine sandbox.Engine, column string) {
	names, err := List(t.Context(), engine)
	if err != nil {
		t.Fatal(err)
	}
	Compare(t, column, names, func(name string) string { return Outcome(t.Context(), engine, name) })
}

// Compare holds the outcomes of the named attempts against a column of the table.
func Compare(t *testing.T, column string, names []string, outcome func(name string) string) {
	if len(names) < atLeast {
		t.Fatalf("only %d attempts, want %d", len(names), atLeast)
	}
	table := readTable(t)
	got := map[string]string{}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			got[name] = outcome(name)
			if want := table.cell(name, column); got[name] != want && !*update {
				t.Errorf("got %q, want %q", got[name], want)
			}
		})
	}
	for _, name := range table.names() {
		if !slices.Contains(names, name) && !*update {
			t.Errorf("%q is in the table and was not attempted", name)
		}
	}
	if *update {
		table.set(column, got, names).write(t)
	}
}

// failure is the end of a step that never answered.
func failure(err error) string {
	switch {
	case errors.Is(err, sandbox.ErrUnavailable):
		return "unavailable: " + err.Error()
	case strings.Contains(err.Error(), "MiB of memory"):
		return "killed: out of memory"
	}
	return "failed: " + strings.Join(strings.Fields(err.Error()), " ")
}

// Misbehaviours are steps that must fail, each with what its error says.
func Misbehaviours(t *testing.T, newEngine func(timeout time.Duration) sandbox.Engine, want map[string]string) {
	for name, says := range want {
		t.Run(name, func(t *testing.T) {
			engine, started := newEngine(timeout(name)), time.Now()
			answer, err := Try(t.Context(), engine, name)
			if !errors.Is(err, sandbox.ErrStep) || !strings.Contains(err.Error(), says) {
				t.Errorf("got %q, %v; want a failed step that says %q", answer, err, says)
			}
			if took := time.Since(started); took > 30*time.Second {
				t.Errorf("took %v", took)
			}
			if answer, err := Try(t.Context(), newEngine(patience), "its number"); err != nil || answer == "" {
				t.Errorf("the next step got %q, %v", answer, err)
			}
		})
	}
}

// patience is the timeout of a step that is to end by itself, on a busy machine too.
const patience = 25 * time.Second

// timeout of a misbehaviour: those that never end shall not be waited for long.
func timeout(name string) time.Duration {
	if slices.Contains([]string{"spin", "hang", "answer and stay"}, name) {
		return 3 * time.Second
	}
	return patience
}
