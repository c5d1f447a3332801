package native_test

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/sandbox"
	"github.com/midwatch/midwatch/sandbox/cgroup"
	"github.com/midwatch/midwatch/sandbox/escapetest"
	"github.com/midwatch/midwatch/sandbox/native"
)

func engine(tb testing.TB, program string, timeout time.Duration) sandbox.Engine {
	tb.Helper()
	e, err := native.New(native.Config{Program: program, Timeout: timeout})
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

func TestEveryAttemptMeetsItsWall(t *testing.T) {
	escapetest.Attempts(t, engine(t, escapetest.Build(t), 20*time.Second), "native")
}

// Seccomp answers most attempts first; this sees what stands behind it.
func TestEveryAttemptMeetsASecondWall(t *testing.T) {
	escapetest.Attempts(t, engine(t, escapetest.Build(t, "seccomp"), 20*time.Second), "native without seccomp")
}

func TestMisbehaviourIsAStepError(t *testing.T) {
	want := map[string]string{
		"bomb: threads": "exit status 2",
		"spin":          "deadline exceeded", "hang": "deadline exceeded", "answer and stay": "deadline exceeded",
		"say nothing": "EOF", "die": "exit status 1", "claim a missing wall": "exit status 125", "claim the runtime failed": "exit status 128",
		"announce too much": "at most", "send too much": "at most", "garbage": "not a frame", "half a frame": "unexpected EOF",
		"an empty answer": "sets 0 fields", "two answers": "more follows", "answer and fail": "exit status 1",
	}
	if _, err := cgroup.Find(); err == nil {
		want["bomb: heap"], want["bomb: shared memory"], want["bomb: stack"] = "512 MiB of memory", "512 MiB of memory", "512 MiB of memory"
	} else {
		t.Logf("memory bombs are not tried: %v", err)
	}
	program := escapetest.Build(t)
	escapetest.Misbehaviours(t, func(timeout time.Duration) sandbox.Engine { return engine(t, program, timeout) }, want)
}

func TestAFloodOfOutputGoesNowhere(t *testing.T) {
	answer, err := escapetest.Try(t.Context(), engine(t, escapetest.Build(t), 20*time.Second), "flood")
	if answer != "flooded" || err != nil {
		t.Errorf("got %q, %v", answer, err)
	}
}

func TestMissingWallFailsClosed(t *testing.T) {
	// A program that is started outside new namespaces cannot build its walls, and must not run.
	cmd := exec.Command(escapetest.Build(t), native.EnterArgument)
	cmd.SysProcAttr = ordinaryUser()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 125 {
		t.Errorf("got %v, %q; want exit status 125", err, out)
	}
}

func TestAWallThatCannotBeBuiltMakesTheEngineUnavailable(t *testing.T) {
	_, err := escapetest.Try(t.Context(), engine(t, escapetest.Build(t, escapetest.Fail), 20*time.Second), "list")
	if !errors.Is(err, sandbox.ErrUnavailable) || !strings.Contains(err.Error(), "a wall: it fell") {
		t.Errorf("got %v, want ErrUnavailable", err)
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
