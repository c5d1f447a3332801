package gvisor_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/midwatch/midwatch/sandbox"
	"github.com/midwatch/midwatch/sandbox/cgroup"
	"github.com/midwatch/midwatch/sandbox/escapetest"
	"github.com/midwatch/midwatch/sandbox/gvisor"
)

// runsc is the one that `make build-gvisor` built.
func runsc(tb testing.TB) string {
	tb.Helper()
	path, err := filepath.Abs("../../bin/runsc")
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("MIDWATCH_GVISOR") != "" {
			tb.Fatal(err)
		}
		tb.Skip("bin/runsc is not built: make build-gvisor")
	}
	return path
}

func engine(tb testing.TB, program string, timeout time.Duration) *gvisor.Engine {
	tb.Helper()
	e, err := gvisor.New(gvisor.Config{Runsc: runsc(tb), Program: program, Dir: escapetest.Dir(tb), Timeout: timeout})
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

func TestEveryAttemptMeetsItsWall(t *testing.T) {
	escapetest.Attempts(t, engine(t, escapetest.Build(t), 20*time.Second), "gvisor")
}

func TestMisbehaviourIsAStepError(t *testing.T) {
	want := map[string]string{
		"bomb: threads": "EOF",
		"spin":          "deadline exceeded", "hang": "deadline exceeded", "answer and stay": "deadline exceeded",
		"say nothing": "EOF", "die": "EOF", "claim a missing wall": "EOF", "claim the runtime failed": "EOF",
		"announce too much": "at most", "send too much": "at most", "garbage": "not a frame", "half a frame": "unexpected EOF",
		"an empty answer": "sets 0 fields", "two answers": "more follows", "answer and fail": "exit status 1",
	}
	if _, err := cgroup.Find(); err == nil {
		for _, bomb := range []string{"bomb: heap", "bomb: stack", "bomb: shared memory"} {
			want[bomb] = "768 MiB of memory" // the step's and gVisor's own
		}
	} else {
		t.Logf("memory bombs are not tried: %v", err)
	}
	program := escapetest.Build(t)
	engine(t, program, time.Second) // skips here, where it says so, and not in the middle of a subtest
	escapetest.Misbehaviours(t, func(timeout time.Duration) sandbox.Engine { return engine(t, program, timeout) }, want)
}

func TestAFloodOfOutputGoesNowhere(t *testing.T) {
	answer, err := escapetest.Try(t.Context(), engine(t, escapetest.Build(t), 20*time.Second), "flood")
	if answer != "flooded" || err != nil {
		t.Errorf("got %q, %v", answer, err)
	}
}

func TestWithoutRunscTheEngineIsUnavailable(t *testing.T) {
	_, err := gvisor.New(gvisor.Config{Runsc: "/nowhere/runsc", Program: "/bin/true"})
	if !errors.Is(err, sandbox.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
}

func TestARunscThatFailsMakesTheEngineUnavailable(t *testing.T) {
	e, err := gvisor.New(gvisor.Config{Runsc: "/bin/false", Program: escapetest.Build(t), Dir: escapetest.Dir(t)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := escapetest.Try(t.Context(), e, "list"); !errors.Is(err, sandbox.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	dir := escapetest.Dir(t)
	e, err := gvisor.New(gvisor.Config{Runsc: runsc(t), Program: escapetest.Build(t), Dir: dir, Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := escapetest.Try(t.Context(), e, "its number"); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

func BenchmarkStep(b *testing.B) {
	e := engine(b, escapetest.Build(b), 20*time.Second)
	for b.Loop() {
		if _, err := escapetest.Try(b.Context(), e, "its number"); err != nil {
			b.Fatal(err)
		}
	}
}
