package host

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// TestBuildOf builds a program in a git checkout of its own and reads what it was built from.
func TestBuildOf(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed, so nothing can be built from a commit")
	}
	dir := t.TempDir()
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(context.WithoutCancel(t.Context()), name, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GOFLAGS=-buildvcs=true", "GOWORK=off")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	for name, content := range map[string]string{"go.mod": "module example.org/shop\n", "cmd/till/main.go": "package main\n\nfunc main() {}\n"} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	run("git", "init", "-q")
	run("git", "add", ".")
	run("git", "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "first")
	run("go", "build", "-o", "bin/till", "./cmd/till")
	f, err := os.Open(filepath.Join(dir, "bin/till"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := buildOf(f)
	if b.Revision != run("git", "rev-parse", "HEAD") || b.Module != "example.org/shop/cmd/till" {
		t.Errorf("%+v", b)
	}
	a := pcommon.NewMap()
	b.fill(a)
	if v, _ := a.Get(telemetry.VCSRevision); v.Str() != b.Revision || a.Len() < 2 {
		t.Errorf("attributes %v", a.AsRaw())
	}
}

func TestBuildOfAnythingElse(t *testing.T) {
	shell, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	for _, content := range [][]byte{nil, []byte("#!/bin/sh\n"), []byte("\x7fELF"), shell, shell[:len(shell)/2], append([]byte("\xff Go buildinf:"), bytes.Repeat([]byte{0xff}, 100)...)} {
		if b := buildOf(bytes.NewReader(content)); b != (Build{}) {
			t.Errorf("%d bytes: %+v", len(content), b)
		}
	}
}
