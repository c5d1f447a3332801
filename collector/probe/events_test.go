package probe_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/midwatch/midwatch/collector/host/hosttest"
	"github.com/midwatch/midwatch/collector/probe"
)

// The helpers run in processes of their own: the probe never looks at its own conversations.
func TestMain(m *testing.M) {
	switch os.Getenv("MIDWATCH_TEST_HELPER") {
	case "connect":
		c, err := net.DialTimeout("tcp", os.Args[1], 5*time.Second)
		if err == nil {
			_ = c.Close()
		}
		os.Exit(0)
	case "eat":
		hosttest.Eat()
	case "ask":
		ask()
	}
	os.Exit(m.Run())
}

func helper(name string, args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), "MIDWATCH_TEST_HELPER="+name)
	return cmd
}

// recorder keeps what happens to processes and connections.
type recorder struct {
	sync.Mutex
	connects  []probe.Connect
	execs     []probe.Exec
	exits     []probe.Exit
	ooms      []probe.OOMKill
	datagrams []probe.Chunk
}

func (r *recorder) Chunk(*probe.Chunk)  {}
func (r *recorder) Closed(probe.Closed) {}

func (r *recorder) Datagram(c *probe.Chunk) {
	kept := *c
	kept.Data = bytes.Clone(c.Data)
	r.Lock()
	r.datagrams = append(r.datagrams, kept)
	r.Unlock()
}

func (r *recorder) Connect(c probe.Connect) { r.Lock(); r.connects = append(r.connects, c); r.Unlock() }
func (r *recorder) Exec(e probe.Exec)       { r.Lock(); r.execs = append(r.execs, e); r.Unlock() }
func (r *recorder) Exit(e probe.Exit)       { r.Lock(); r.exits = append(r.exits, e); r.Unlock() }
func (r *recorder) OOMKill(k probe.OOMKill) { r.Lock(); r.ooms = append(r.ooms, k); r.Unlock() }
func (r *recorder) Quiet(time.Time)         {}

func watch(t *testing.T) *recorder {
	t.Helper()
	ready := make(chan struct{})
	p, err := probe.New(probe.Config{Log: slog.New(slog.DiscardHandler), Ready: func() { close(ready) }})
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx, r) }()
	select {
	case <-ready:
	case err := <-done:
		cancel()
		if errors.Is(err, probe.ErrUnavailable) {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return r
}

// find waits for an event that matches.
func find[T any](t *testing.T, r *recorder, events func() []T, match func(T) bool) T {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		r.Lock()
		all := append([]T(nil), events()...)
		r.Unlock()
		for _, e := range all {
			if match(e) {
				return e
			}
		}
	}
	t.Fatal("the event did not come")
	panic("unreachable")
}

func (r *recorder) exit(t *testing.T, pid int) probe.Exit {
	t.Helper()
	return find(t, r, func() []probe.Exit { return r.exits }, func(e probe.Exit) bool { return int(e.TGID) == pid })
}

func TestProcessEvents(t *testing.T) {
	r := watch(t)
	cmd := exec.Command("/bin/sh", "-c", "read x; exit 7")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ticks := startTicks(t, cmd.Process.Pid)
	_ = stdin.Close()
	_ = cmd.Wait()
	e := find(t, r, func() []probe.Exec { return r.execs }, func(e probe.Exec) bool { return int(e.TGID) == cmd.Process.Pid })
	if e.Path != "/bin/sh" || e.Comm != "sh" || int(e.Parent) != os.Getpid() || e.StartTicks != ticks {
		t.Errorf("exec %+v, want start ticks %d", e, ticks)
	}
	if x := r.exit(t, cmd.Process.Pid); x.Code != 7 || x.Signal != 0 || x.Comm != "sh" || x.StartTicks != ticks || time.Since(x.Time).Abs() > time.Minute {
		t.Errorf("exit %+v", x)
	}

	killed := exec.Command("sleep", "60")
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	_ = killed.Process.Kill()
	_ = killed.Wait()
	if x := r.exit(t, killed.Process.Pid); x.Signal != syscall.SIGKILL || x.Code != 0 {
		t.Errorf("exit %+v, want SIGKILL", x)
	}
}

// startTicks is field 22 of /proc/PID/stat.
func startTicks(t *testing.T, pid int) uint64 {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	n, err := strconv.ParseUint(fields[22-3], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestConnectEvents(t *testing.T) {
	r := watch(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []syscall.Errno{0, syscall.ECONNREFUSED} {
		cmd := helper("connect", l.Addr().String())
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		c := find(t, r, func() []probe.Connect { return r.connects }, func(c probe.Connect) bool { return int(c.TGID) == cmd.Process.Pid })
		if c.OK != (want == 0) || c.Errno != want || c.Remote.String() != l.Addr().String() || c.Time.Before(c.Start) {
			t.Errorf("connect %+v, want errno %d", c, want)
		}
		_ = l.Close()
	}
}

// TestOOMKill lets a process outgrow its memory cgroup.
func TestOOMKill(t *testing.T) {
	r := watch(t)
	cgroup := hosttest.MemoryGroup(t, 32<<20)
	// A shell joins the cgroup, then becomes the helper: no instant outside it.
	sh := exec.Command("/bin/sh", "-c", `echo $$ > "$1"; exec "$2"`, "sh", filepath.Join(cgroup, "cgroup.procs"), self(t))
	sh.Env = append(os.Environ(), "MIDWATCH_TEST_HELPER=eat")
	if err := sh.Start(); err != nil {
		t.Fatal(err)
	}
	_ = sh.Wait()
	k := find(t, r, func() []probe.OOMKill { return r.ooms }, func(k probe.OOMKill) bool { return int(k.TGID) == sh.Process.Pid })
	if k.AnonRSS != 0 && (k.AnonRSS < 16<<20 || k.AnonRSS > 64<<20 || k.Comm == "") {
		t.Errorf("oom kill %+v", k)
	}
	if x := r.exit(t, sh.Process.Pid); x.Signal != syscall.SIGKILL {
		t.Errorf("exit %+v, want SIGKILL", x)
	}
}

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}
