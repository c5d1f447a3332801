// Package hosttest starts real processes with chosen executable names, for the tests of whatever looks at processes.
package hosttest

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// roleVariable tells a copy of the test binary which role it plays.
const roleVariable = "MIDWATCH_TEST_ROLE"

// Main is for TestMain: in a child it plays its role and ends, in the test itself it runs the tests. A role prints "ready" when
// others may rely on it, and ends when its standard input does.
func Main(m *testing.M, roles map[string]func(args []string)) {
	if role := os.Getenv(roleVariable); role != "" {
		roles[role](os.Args[1:])
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// Ready tells the test that the role is being played, and Wait plays on until the test is done with it.
func Ready() { _, _ = os.Stdout.WriteString("ready\n") }

// Wait returns when the test closes the child's standard input.
func Wait() { _, _ = io.Copy(io.Discard, os.Stdin) }

// Child is a running copy of the test binary.
type Child struct {
	*exec.Cmd
	Exe   string
	stdin io.WriteCloser
	wait  func()
}

// Copy puts a copy of the test binary at path. suffix makes its content, and so its digest, another one.
func Copy(t testing.TB, path, suffix string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // other users may run it
		t.Fatal(err)
	}
	// A new inode each time: a running executable cannot be written to.
	if err := os.WriteFile(path+".new", append(b, suffix...), 0o755); err != nil { //nolint:gosec // an executable
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// Start runs an executable made by Copy in a role and waits until it is ready. It is killed when the test ends.
func Start(t testing.TB, exe, role string, args ...string) *Child {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), exe, args...) //nolint:gosec // our own copy, ended by Cleanup
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &Child{cmd, exe, stdin, sync.OnceFunc(func() { _ = cmd.Wait() })}
	t.Cleanup(c.Kill)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if strings.TrimSpace(line) != "ready" {
		t.Fatalf("%s as %s said %q, %v", exe, role, line, err)
	}
	return c
}

// PID of the child.
func (c *Child) PID() int { return c.Process.Pid }

// Stop ends the child in order and waits for it.
func (c *Child) Stop() {
	_ = c.stdin.Close()
	c.wait()
}

// Kill ends the child at once and waits for it.
func (c *Child) Kill() {
	_ = c.Process.Kill()
	c.wait()
}
