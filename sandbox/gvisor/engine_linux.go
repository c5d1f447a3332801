package gvisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/sandbox"
	"github.com/midwatch/midwatch/sandbox/cgroup"
	"github.com/midwatch/midwatch/sandbox/child"
	"github.com/midwatch/midwatch/sandbox/contract"
)

// nobody is the host's uid and gid that runsc has when the parent is root.
const nobody = 65534

// Descriptors that runsc is given: the socket, itself, the program. It passes the first on under the same number.
const (
	runscFD = contract.FD + 1 + iota
	programFD
)

// overhead is what runsc takes besides the step, in bytes and threads.
const (
	overheadMemory = 256 << 20
	overheadPids   = 192
)

// Config is what an engine needs.
type Config struct {
	Runsc   string        // path of runsc
	Program string        // path of midwatch-analyst, a static binary
	Dir     string        // where a step's bundle lies while it runs; empty: the system's temporary directory
	Timeout time.Duration // of one step, start to answer; 0: 20 s
	Memory  int64         // bytes a step may use; 0: 512 MiB
}

// Engine runs steps. Safe for concurrent use.
type Engine struct {
	cfg      Config
	limits   cgroup.Limits  // of the step; its group also holds runsc
	groups   *cgroup.Parent // nil: none can be had
	noGroups error          // why
}

var _ sandbox.Engine = (*Engine)(nil)

// New checks that runsc and the program are there and looks for a place for control groups; it starts nothing. Its error wraps
// sandbox.ErrUnavailable.
func New(cfg Config) (*Engine, error) {
	if cfg.Timeout == 0 {
		cfg.Timeout = 20 * time.Second
	}
	if cfg.Dir == "" {
		cfg.Dir = os.TempDir()
	}
	if _, err := os.Stat(cfg.Runsc); err != nil {
		return nil, fmt.Errorf("%w: gVisor's runsc is not at %q: build it with make build-gvisor, or set worker.runsc", sandbox.ErrUnavailable, cfg.Runsc)
	}
	if _, err := os.Stat(cfg.Program); err != nil {
		return nil, fmt.Errorf("%w: find the sandboxed program: %w (build it with make build)", sandbox.ErrUnavailable, err)
	}
	e := &Engine{cfg: cfg, limits: child.Limits}
	if cfg.Memory != 0 {
		e.limits.Memory = cfg.Memory
	}
	e.groups, e.noGroups = cgroup.Find()
	return e, nil
}

// Walls says in one sentence what holds a step, and how its memory is bounded.
func (e *Engine) Walls() string {
	return "a kernel of its own (gVisor), empty root, seccomp; " + child.Bounds(e.groups, e.noGroups, e.group(), "6 GiB of address space")
}

// Check runs a trivial request through every wall: what `midwatch doctor` shows.
func (e *Engine) Check(ctx context.Context) error {
	_, err := e.Run(ctx, contract.Request{Check: &contract.CheckRequest{Report: investigation.Report{Verdict: investigation.NoProblem}}})
	return err
}

// Run starts a sandboxed process, hands it req and returns its answer. The process and its kernel are gone when Run returns.
// Errors wrap sandbox.ErrUnavailable (gVisor cannot be started) or sandbox.ErrStep (the program misbehaved, was killed or ran out of time).
func (e *Engine) Run(ctx context.Context, req contract.Request) (answer contract.Answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Timeout)
	defer cancel()
	files, err := openAll(e.cfg.Runsc, e.cfg.Program)
	if err != nil {
		return answer, fmt.Errorf("%w: %w", sandbox.ErrUnavailable, err)
	}
	defer closeAll(files)
	b, err := e.newBundle()
	if err != nil {
		return answer, fmt.Errorf("%w: %w", sandbox.ErrUnavailable, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	return child.Child{
		Command: func(ctx context.Context, socket *os.File) *exec.Cmd { return b.command(ctx, socket, files) },
		Groups:  e.groups, Limits: e.group(),
		Advice:  child.Namespaces(),
		Missing: b.missing,
	}.Run(ctx, req)
}

// group is the limits of the control group, which holds runsc too.
func (e *Engine) group() cgroup.Limits {
	return cgroup.Limits{Memory: e.limits.Memory + overheadMemory, Pids: e.limits.Pids + overheadPids}
}

func openAll(paths ...string) (files []*os.File, err error) {
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			closeAll(files)
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// command prepares runsc, with nothing in its environment. It starts in namespaces made here: when it is gone, so is all it started.
func (b bundle) command(ctx context.Context, socket *os.File, files []*os.File) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/proc/self/fd/"+strconv.Itoa(runscFD),
		"--root", b.state(), "--rootless", "--network=none", "--ignore-cgroups", "--oci-seccomp", "--overlay2=none", "--host-uds=none",
		"--platform=systrap", "--host-settings=ignore", "run", "--bundle", b.dir, "--pid-file", b.pidFile(),
		"--pass-fd", fmt.Sprintf("%d:%d", contract.FD, contract.FD), "--exec-fd", strconv.Itoa(programFD), "step")
	cmd.Args[0] = "runsc"
	cmd.Env = []string{}
	cmd.Dir = "/"
	cmd.ExtraFiles = append([]*os.File{socket}, files...)
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setsid: true}
	if os.Getuid() == 0 { // give up the real root; runsc makes a user namespace of its own
		attr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	cmd.SysProcAttr = attr
	return cmd
}

// missing says why gVisor did not start; it writes the pid file once the program runs.
func (b bundle) missing(stderr string) string {
	if _, err := os.Stat(b.pidFile()); err == nil {
		return ""
	}
	if stderr == "" {
		return "gVisor did not start"
	}
	return "gVisor did not start: " + stderr + child.Filtered()
}

func (b bundle) state() string   { return filepath.Join(b.dir, "state") }
func (b bundle) pidFile() string { return filepath.Join(b.dir, "pid") }
