package native

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/sandbox"
	"github.com/midwatch/midwatch/sandbox/cgroup"
	"github.com/midwatch/midwatch/sandbox/child"
	"github.com/midwatch/midwatch/sandbox/contract"
)

// EnterArgument makes the sandboxed program call Enter.
const EnterArgument = "enter"

// nobody is the host's uid and gid behind the sandbox's root when the parent is root.
const nobody = 65534

// Config is what an engine needs.
type Config struct {
	Program string        // path of midwatch-analyst, a static binary
	Timeout time.Duration // of one step, start to answer; 0: 20 s
	Memory  int64         // bytes a step may use, where a control group can be had; 0: 512 MiB
}

// Engine runs steps. Safe for concurrent use.
type Engine struct {
	cfg      Config
	limits   cgroup.Limits
	groups   *cgroup.Parent // nil: none can be had
	noGroups error          // why
}

var _ sandbox.Engine = (*Engine)(nil)

// New checks that the program is there and looks for a place for control groups; it starts nothing.
func New(cfg Config) (*Engine, error) {
	if cfg.Timeout == 0 {
		cfg.Timeout = 20 * time.Second
	}
	if _, err := os.Stat(cfg.Program); err != nil {
		return nil, fmt.Errorf("find the sandboxed program: %w (build it with make build)", err)
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
	return "namespaces, empty root, Landlock, seccomp; " + child.Bounds(e.groups, e.noGroups, e.limits, "6 GiB of address space")
}

// Check runs a trivial request through every wall: what `midwatch doctor` shows.
func (e *Engine) Check(ctx context.Context) error {
	_, err := e.Run(ctx, contract.Request{Check: &contract.CheckRequest{Report: investigation.Report{Verdict: investigation.NoProblem}}})
	return err
}

// Run starts a sandboxed process, hands it req and returns its answer. The process is gone when Run returns.
// Errors wrap sandbox.ErrUnavailable (a wall is missing) or sandbox.ErrStep (the program misbehaved, was killed or ran out of time).
func (e *Engine) Run(ctx context.Context, req contract.Request) (contract.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Timeout)
	defer cancel()
	program, err := os.Open(e.cfg.Program)
	if err != nil {
		return contract.Answer{}, fmt.Errorf("%w: %w", sandbox.ErrUnavailable, err)
	}
	defer program.Close()
	report, reporter, err := os.Pipe()
	if err != nil {
		return contract.Answer{}, fmt.Errorf("%w: %w", sandbox.ErrUnavailable, err)
	}
	defer report.Close()
	defer reporter.Close()
	return child.Child{
		Command: func(ctx context.Context, socket *os.File) *exec.Cmd { return command(ctx, socket, program, reporter) },
		Groups:  e.groups, Limits: e.limits,
		Advice: child.Namespaces(),
		Missing: func(string) string {
			reporter.Close()
			b, _ := io.ReadAll(io.LimitReader(report, 4<<10))
			return string(b)
		},
	}.Run(ctx, req)
}

// command prepares the child: fd 3 the socket, fd 4 the program itself, fd 5 where it says which wall it could not build (closed as the program
// starts inside them), nothing in its environment.
func command(ctx context.Context, socket, program, report *os.File) *exec.Cmd {
	cmd := exec.CommandContext(ctx, fmt.Sprintf("/proc/self/fd/%d", programFD))
	cmd.Args = []string{"midwatch-analyst", EnterArgument}
	cmd.Env = []string{}
	cmd.Dir = "/"
	cmd.ExtraFiles = []*os.File{socket, program, report}
	uid, gid := os.Getuid(), os.Getgid()
	attr := &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET |
			syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS | syscall.CLONE_NEWCGROUP,
		Pdeathsig: syscall.SIGKILL,
		Setsid:    true,
	}
	if uid == 0 { // give up the real root too, not only its capabilities
		uid, gid = nobody, nobody
		attr.GidMappingsEnableSetgroups = true
		attr.Credential = &syscall.Credential{Groups: []uint32{}}
	}
	attr.UidMappings = []syscall.SysProcIDMap{{HostID: uid, Size: 1}}
	attr.GidMappings = []syscall.SysProcIDMap{{HostID: gid, Size: 1}}
	cmd.SysProcAttr = attr
	return cmd
}
