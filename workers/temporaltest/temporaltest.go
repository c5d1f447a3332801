// Package temporaltest runs the real embedded Temporal server for tests: built once into the repository's cache, each test
// with a database and certificates of its own, killable.
package temporaltest

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/seal"
	"github.com/midwatch/midwatch/internal/seal/codec"
	"github.com/midwatch/midwatch/workflows"
)

// startTimeout is how long a start may take on a busy machine.
const startTimeout = 60 * time.Second

// Server is a running server of one test.
type Server struct {
	Address string // of the frontend
	UI      string // address of the web UI
	DB      string // its file
	PKI     string // directory of its certificates
	Ring    *seal.Ring

	t      testing.TB
	binary string
	flags  []string
	cmd    *exec.Cmd
}

// Start builds the server if it is not built yet, starts it, with more flags than it always has, and waits until it serves. It is killed
// when the test ends.
func Start(t testing.TB, flags ...string) *Server {
	t.Helper()
	dir := t.TempDir()
	s := &Server{
		t: t, binary: build(t), flags: flags, Address: freeAddress(t), UI: freeAddress(t),
		DB: filepath.Join(dir, "temporal.db"), PKI: filepath.Join(dir, "pki"),
	}
	if err := pki.Ensure(s.PKI); err != nil {
		t.Fatal(err)
	}
	ring, err := seal.LoadRing(filepath.Join(dir, "temporal.key"))
	if err != nil {
		t.Fatal(err)
	}
	s.Ring = ring
	s.Restart()
	t.Cleanup(s.Kill)
	return s
}

// starts is how often the server is started: it chooses the ports of its inner services itself, and another test may take
// one in the moment before it listens. The supervisor of an installation does the same.
const starts = 3

// Restart starts the server again on the same file and waits until it serves.
func (s *Server) Restart() {
	s.t.Helper()
	for try := 1; ; try++ {
		err := s.start()
		if err == nil {
			return
		}
		s.Kill()
		if try == starts {
			s.t.Fatalf("Temporal did not become ready: %v", err)
		}
		s.t.Logf("start Temporal again: %v", err)
	}
}

// start starts the server once and waits until it serves.
func (s *Server) start() error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	args := append([]string{"--db", s.DB, "--pki", s.PKI, "--listen", s.Address, "--ui-listen", s.UI}, s.flags...)
	s.cmd = exec.CommandContext(context.Background(), s.binary, args...)
	s.cmd.Stderr, s.cmd.ExtraFiles = os.Stderr, []*os.File{w}
	s.cmd.Env = append(os.Environ(), "MIDWATCH_READY_FD=3")
	runtime.LockOSThread() // the death signal is bound to the thread that starts the child
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err = s.cmd.Start()
	runtime.UnlockOSThread()
	_ = w.Close()
	if err != nil {
		return err
	}
	if err := r.SetReadDeadline(time.Now().Add(startTimeout)); err != nil {
		return err
	}
	_, err = r.Read(make([]byte, 1))
	return err
}

// Kill ends the server at once, as a crash would.
func (s *Server) Kill() {
	if s.cmd != nil && s.cmd.ProcessState == nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	}
}

// Stop ends the server in order.
func (s *Server) Stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.cmd.Wait()
}

// Options are those of a client with a part's certificate, in a namespace.
func (s *Server) Options(part, namespace string) client.Options {
	s.t.Helper()
	id, err := pki.Load(s.PKI, part)
	if err != nil {
		s.t.Fatal(err)
	}
	return client.Options{
		HostPort: s.Address, Namespace: namespace, DataConverter: codec.DataConverter(s.Ring), Logger: slog.New(slog.DiscardHandler),
		ConnectionOptions: client.ConnectionOptions{TLS: id.Client(pki.Temporal)},
		FailureConverter:  codec.FailureConverter(s.Ring),
	}
}

// Client connects as a part to the incidents' namespace. It is closed when the test ends.
func (s *Server) Client(part string) client.Client {
	s.t.Helper()
	return s.Dial(s.Options(part, workflows.Namespace))
}

// Dial connects. The connection is closed when the test ends.
func (s *Server) Dial(o client.Options) client.Client {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	c, err := client.DialContext(ctx, o)
	if err != nil {
		s.t.Fatalf("connect to Temporal: %v", err)
	}
	s.t.Cleanup(c.Close)
	return c
}

// build makes the binary from the nested module; Go's cache makes that cheap after the first time.
func build(t testing.TB) string {
	t.Helper()
	root := repository(t)
	binary := filepath.Join(root, ".cache", "bin", "midwatch-temporal")
	if err := os.MkdirAll(filepath.Dir(binary), 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err := os.OpenFile(binary+".lock", os.O_CREATE|os.O_RDWR, 0o644) // test binaries of several packages build at once
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Close() }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./cmd/midwatch-temporal")
	cmd.Dir = filepath.Join(root, "deploy", "temporal")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the embedded Temporal: %v\n%s", err, out)
	}
	return binary
}

func repository(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "deploy", "temporal", "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("not inside the repository")
		}
	}
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return fmt.Sprint(l.Addr())
}
