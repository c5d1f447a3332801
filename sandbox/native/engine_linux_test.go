package native_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/sandbox"
	"github.com/midwatch/midwatch/sandbox/contract"
	"github.com/midwatch/midwatch/sandbox/native"
)

// build compiles a program of this module as a static binary.
func build(tb testing.TB, pkg string) string {
	tb.Helper()
	program := filepath.Join(tb.TempDir(), "program")
	cmd := exec.Command("go", "build", "-o", program, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("build %s: %v\n%s", pkg, err, out)
	}
	return program
}

func escape(tb testing.TB, timeout time.Duration) func(attempt string) (string, error) {
	tb.Helper()
	engine, err := native.New(native.Config{Program: build(tb, "./testdata/escape"), Timeout: timeout})
	if err != nil {
		tb.Fatal(err)
	}
	return func(attempt string) (string, error) {
		step := &investigation.Transcript{Request: investigation.Request{Question: attempt}}
		answer, err := engine.Run(context.Background(), contract.Request{Step: step})
		return answer.Error, err
	}
}

func TestEveryAttemptIsBlocked(t *testing.T) {
	try := escape(t, 10*time.Second)
	list, err := try("list")
	if err != nil {
		t.Fatal(err)
	}
	names := strings.Split(list, "\n")
	if len(names) < 25 {
		t.Fatalf("only %d attempts listed", len(names))
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			if got, err := try(name); err != nil || !strings.HasPrefix(got, "blocked: ") {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestMisbehaviourIsAStepError(t *testing.T) {
	try := escape(t, 3*time.Second)
	for _, how := range []string{"hang", "eat memory", "say nothing", "babble"} {
		t.Run(how, func(t *testing.T) {
			started := time.Now()
			if got, err := try(how); !errors.Is(err, sandbox.ErrStep) {
				t.Errorf("got %q, %v; want ErrStep", got, err)
			}
			if took := time.Since(started); took > 20*time.Second {
				t.Errorf("took %v, long after its timeout", took)
			}
		})
	}
}

func TestMissingWallFailsClosed(t *testing.T) {
	// A program that is started outside new namespaces cannot build its walls, and must not run.
	program := build(t, "./testdata/escape")
	for dir := filepath.Dir(program); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil { // so that the other user reaches it
			t.Fatal(err)
		}
	}
	cmd := exec.Command(program, native.EnterArgument)
	cmd.SysProcAttr = ordinaryUser()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 125 {
		t.Errorf("got %v, %q; want exit status 125", err, out)
	}
}

func BenchmarkStep(b *testing.B) {
	try := escape(b, 10*time.Second)
	for b.Loop() {
		if _, err := try("list"); err != nil {
			b.Fatal(err)
		}
	}
}
