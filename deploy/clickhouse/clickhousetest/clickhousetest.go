// Package clickhousetest gives tests a real embedded ClickHouse, in a process of its own.
package clickhousetest

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/midwatch/midwatch/internal/auth/pki"
)

// Server is a running server and what a client needs to reach it.
type Server struct {
	Address string
	TLS     *tls.Config // of the part pki.CLI
	Dir     string      // what it was started with: pki/, key, data/

	process *exec.Cmd
	stdin   io.Closer // its end stops the server
}

// shared is the one server of this test binary: starting one per test would be most of the tests' time.
var shared = sync.OnceValues(func() (*Server, error) { return Lasting() })

// Lasting starts a server that is gone with the process, with flags of the program in serve/, for what many tests share.
func Lasting(flags ...string) (*Server, error) {
	dir, err := os.MkdirTemp("", "clickhousetest-")
	if err != nil {
		return nil, err
	}
	return start(context.Background(), dir, append(flags, "-remove")...)
}

// Shared returns the server of this test binary, started by the first call and gone with the process. It skips the
// test if libchdb is not installed.
func Shared(t testing.TB) *Server {
	t.Helper()
	skipWithoutLibrary(t)
	s, err := shared()
	if err != nil {
		t.Fatalf("start ClickHouse: %v", err)
	}
	return s
}

// Start starts a server on a directory that outlives it, for tests that stop or kill it, with flags of the program in
// serve/. It is killed with the test.
func Start(t testing.TB, dir string, flags ...string) *Server {
	t.Helper()
	skipWithoutLibrary(t)
	s, err := start(context.WithoutCancel(t.Context()), dir, flags...) // t.Cleanup ends it, later than the context
	if err != nil {
		t.Fatalf("start ClickHouse: %v", err)
	}
	t.Cleanup(s.Kill)
	return s
}

// Stop stops the server as its own program would and returns how it ended.
func (s *Server) Stop() error {
	return errors.Join(s.stdin.Close(), s.process.Wait())
}

// Kill kills the server with SIGKILL and waits until it is gone. Killing it twice is harmless.
func (s *Server) Kill() {
	_ = s.process.Process.Kill() // fails when it is gone already
	_ = s.process.Wait()
}

func skipWithoutLibrary(t testing.TB) {
	t.Helper()
	if _, err := Library(); err != nil {
		t.Skip(err)
	}
}

// Library finds libchdb.so: MIDWATCH_LIBCHDB, else the cache of the repository that the working directory is in.
func Library() (string, error) {
	if path := os.Getenv("MIDWATCH_LIBCHDB"); path != "" {
		return path, nil
	}
	root, err := repository()
	if err != nil {
		return "", err
	}
	found, err := filepath.Glob(filepath.Join(root, ".cache/chdb/node_modules/@chdb/lib-*/libchdb.so"))
	if err != nil || len(found) == 0 {
		return "", errors.New("libchdb is not installed: `make deps` fetches it, or MIDWATCH_LIBCHDB names it")
	}
	return found[0], nil
}

// repository is the directory of the go.mod above the working directory.
func repository() (string, error) {
	dir, err := os.Getwd()
	for ; err == nil && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
	}
	return "", errors.Join(errors.New("no go.mod above the working directory"), err)
}

// start starts the program in serve/ and waits for its address.
func start(ctx context.Context, dir string, flags ...string) (*Server, error) {
	library, err := Library()
	if err != nil {
		return nil, err
	}
	program, err := build(ctx)
	if err != nil {
		return nil, err
	}
	s := &Server{Dir: dir, process: exec.CommandContext(ctx, program, append(flags, "-library", library, "-dir", dir)...)}
	s.process.Stderr = os.Stderr
	s.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C ends the test, and that ends the server
	if s.stdin, err = s.process.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || strings.HasPrefix(line, "error:") {
		s.Kill()
		return nil, fmt.Errorf("no address but %q: %w", line, err)
	}
	s.Address = strings.TrimSpace(line)
	client, err := pki.Load(filepath.Join(dir, "pki"), pki.CLI)
	if err != nil {
		s.Kill()
		return nil, err
	}
	s.TLS = client.Client(pki.ClickHouse)
	return s, nil
}

// build builds the program into the repository's cache, one test binary at a time. When nothing changed it takes no time.
func build(ctx context.Context) (program string, err error) {
	root, err := repository()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, ".cache", "clickhousetest")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("lock %s: %w", dir, err)
	}
	program = filepath.Join(dir, "serve")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/midwatch/midwatch/deploy/clickhouse/clickhousetest/serve")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the server: %w: %s", err, out)
	}
	return program, nil
}

// Pid is the process id of the server, for tests that measure what it takes.
func (s *Server) Pid() int { return s.process.Process.Pid }
