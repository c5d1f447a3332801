// Package child is what engines have in common: it starts a sandboxed program with one socket, in a control group of its own where one can be
// had, speaks the contract with it and tells what came of it.
package child

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/midwatch/midwatch/sandbox"
	"github.com/midwatch/midwatch/sandbox/cgroup"
	"github.com/midwatch/midwatch/sandbox/contract"
)

// Limits of one step, whatever the engine.
var Limits = cgroup.Limits{Memory: 512 << 20, Pids: 64}

// Child is one step's process.
type Child struct {
	Command func(ctx context.Context, socket *os.File) *exec.Cmd // socket is for the program's descriptor 3
	Groups  *cgroup.Parent                                       // nil: no control group
	Limits  cgroup.Limits                                        // of the group
	Advice  string                                               // added when the process cannot be started
	// Missing tells, once the child is gone, what kept its walls from being built; "" when they stood. stderr is the end of what it said.
	// It must not believe the sandboxed program.
	Missing func(stderr string) string
}

// Run starts the child, hands it req and returns its answer; the child is gone when it returns.
// Errors wrap sandbox.ErrUnavailable (a wall is missing) or sandbox.ErrStep (the program misbehaved, was killed or ran out of time).
func (c Child) Run(ctx context.Context, req contract.Request) (answer contract.Answer, err error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return answer, fmt.Errorf("%w: socket pair: %w", sandbox.ErrUnavailable, err)
	}
	defer ours.Close()
	var stderr tail
	cmd := c.Command(ctx, theirs)
	cmd.Stderr = &stderr
	cmd.WaitDelay = time.Second
	group, err := c.start(cmd)
	theirs.Close()
	if err != nil {
		return answer, err
	}
	stop := context.AfterFunc(ctx, func() { _ = ours.SetDeadline(time.Now()) })
	answer, ioErr := contract.Call(ours, req)
	stop()
	if ioErr != nil {
		_ = cmd.Process.Kill()
	}
	waitErr := cmd.Wait()
	err = c.verdict(ctx, ioErr, waitErr, strings.TrimSpace(stderr.String()))
	if group != nil {
		if err != nil && group.OutOfMemory() {
			err = fmt.Errorf("%w: used more than %d MiB of memory", sandbox.ErrStep, c.Limits.Memory>>20)
		}
		err = errors.Join(err, group.Close())
	}
	if err != nil {
		return contract.Answer{}, err
	}
	return answer, nil
}

// start starts cmd, in a group where there can be one.
func (c Child) start(cmd *exec.Cmd) (*cgroup.Group, error) {
	if c.Groups == nil {
		if err := cmd.Start(); err != nil {
			return nil, fmt.Errorf("%w: start %s: %w%s", sandbox.ErrUnavailable, cmd.Args[0], err, c.Advice)
		}
		return nil, nil
	}
	group, err := c.Groups.New(c.Limits)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", sandbox.ErrUnavailable, err)
	}
	if err := group.Start(cmd); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: start %s: %w%s", sandbox.ErrUnavailable, cmd.Args[0], err, c.Advice), group.Close())
	}
	return group, nil
}

func (c Child) verdict(ctx context.Context, ioErr, waitErr error, stderr string) error {
	if ioErr == nil && waitErr == nil {
		return nil
	}
	if missing := c.Missing(stderr); missing != "" && ctx.Err() == nil {
		return fmt.Errorf("%w: %s", sandbox.ErrUnavailable, missing)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", sandbox.ErrStep, context.Cause(ctx))
	}
	err := errors.Join(ioErr, waitErr)
	if errors.Is(ioErr, contract.ErrFrame) {
		err = ioErr // what it answered says it all; how it ended is a race between its exit and our kill
	}
	if stderr != "" {
		err = fmt.Errorf("%w: %s", err, stderr)
	}
	return fmt.Errorf("%w: %w", sandbox.ErrStep, err)
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
	n := len(p)
	p = p[max(0, n-maxTail):]
	t.buf.Write(p)
	if over := t.buf.Len() - maxTail; over > 0 {
		t.buf.Next(over)
	}
	return n, nil
}

func (t *tail) String() string { return t.buf.String() }

// Bounds says how memory and processes are bounded: by groups, or by otherwise because of why.
func Bounds(groups *cgroup.Parent, why error, limits cgroup.Limits, otherwise string) string {
	if groups == nil {
		return fmt.Sprintf("memory bounded only by %s: %v", otherwise, why)
	}
	return fmt.Sprintf("%d MiB of memory and %d threads by %s", limits.Memory>>20, limits.Pids, groups)
}
