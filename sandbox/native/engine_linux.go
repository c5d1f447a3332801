package native

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/sandbox"
	"github.com/midwatch/midwatch/sandbox/contract"
)

// EnterArgument makes the sandboxed program call Enter.
const EnterArgument = "enter"

// exitWall is the exit status of a child that could not build a wall.
const exitWall = 125

// nobody is the host's uid and gid behind the sandbox's root when the parent is root.
const nobody = 65534

// Config is what an engine needs.
type Config struct {
	Program string        // path of midwatch-analyst, a static binary
	Timeout time.Duration // of one step, start to answer; 0: 20 s
}

// Engine runs steps. Safe for concurrent use.
type Engine struct{ cfg Config }

var _ sandbox.Engine = (*Engine)(nil)

// New checks that the program is there; it starts nothing.
func New(cfg Config) (*Engine, error) {
	if cfg.Timeout == 0 {
		cfg.Timeout = 20 * time.Second
	}
	if _, err := os.Stat(cfg.Program); err != nil {
		return nil, fmt.Errorf("find the sandboxed program: %w (build it with make build)", err)
	}
	return &Engine{cfg}, nil
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
	ours, theirs, err := socketPair()
	if err != nil {
		return contract.Answer{}, fmt.Errorf("%w: socket pair: %w", sandbox.ErrUnavailable, err)
	}
	defer ours.Close()
	program, err := os.Open(e.cfg.Program)
	if err != nil {
		theirs.Close()
		return contract.Answer{}, fmt.Errorf("%w: %w", sandbox.ErrUnavailable, err)
	}
	var stderr tail
	cmd := command(ctx, program, theirs)
	cmd.Stderr = &stderr
	err = cmd.Start()
	theirs.Close()
	program.Close()
	if err != nil {
		return contract.Answer{}, fmt.Errorf("%w: start in new namespaces: %w (unprivileged user namespaces may be restricted: "+
			"run as root, or set kernel.unprivileged_userns_clone=1 and kernel.apparmor_restrict_unprivileged_userns=0)", sandbox.ErrUnavailable, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = ours.SetDeadline(time.Now()) })
	answer, ioErr := exchange(ours, req)
	stop()
	if ioErr != nil {
		_ = cmd.Process.Kill()
	}
	waitErr := cmd.Wait()
	return answer, verdict(ctx, ioErr, waitErr, stderr.String())
}

// exchange writes the request and reads the one answer.
func exchange(ours *os.File, req contract.Request) (answer contract.Answer, err error) {
	if err := contract.Write(ours, req); err != nil {
		return answer, err
	}
	err = contract.Read(ours, &answer)
	return answer, err
}

func verdict(ctx context.Context, ioErr, waitErr error, stderr string) error {
	var exit *exec.ExitError
	switch {
	case errors.As(waitErr, &exit) && exit.ExitCode() == exitWall:
		return fmt.Errorf("%w: %s", sandbox.ErrUnavailable, strings.TrimSpace(stderr))
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", sandbox.ErrStep, context.Cause(ctx))
	case ioErr == nil && waitErr == nil:
		return nil
	}
	return fmt.Errorf("%w: %w: %s", sandbox.ErrStep, errors.Join(ioErr, waitErr), strings.TrimSpace(stderr))
}

// command prepares the child: fd 3 the socket, fd 4 the program itself, nothing in its environment.
func command(ctx context.Context, program, socket *os.File) *exec.Cmd {
	cmd := exec.CommandContext(ctx, fmt.Sprintf("/proc/self/fd/%d", programFD))
	cmd.Args = []string{"midwatch-analyst", EnterArgument}
	cmd.Env = []string{}
	cmd.Dir = "/"
	cmd.ExtraFiles = []*os.File{socket, program}
	cmd.WaitDelay = time.Second
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

func socketPair() (ours, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	if err := unix.SetNonblock(fds[1], false); err != nil { // the child reads it without a poller
		return nil, nil, errors.Join(err, unix.Close(fds[0]), unix.Close(fds[1]))
	}
	return os.NewFile(uintptr(fds[0]), "sandbox"), os.NewFile(uintptr(fds[1]), "sandboxed"), nil
}

// tail keeps the end of what the child says on stderr.
type tail struct{ buf bytes.Buffer }

const maxTail = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.buf.Write(p)
	if over := t.buf.Len() - maxTail; over > 0 {
		t.buf.Next(over)
	}
	return len(p), nil
}

func (t *tail) String() string { return t.buf.String() }
