package action

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// ErrGone means the process is not there any more, or its number is another's now.
var ErrGone = errors.New("the process is gone")

const (
	// grace is how long a process may take to end by itself.
	grace = 5 * time.Second
	// look is how often a cancelled wait is noticed.
	look = 200 * time.Millisecond
)

// stop ends exactly this process. The descriptor is opened first and compared then, so that the number cannot be given to
// another process between the look and the signal.
func (p Process) stop(ctx context.Context) (string, error) {
	fd, err := unix.PidfdOpen(p.PID, 0)
	if err != nil {
		return "", fmt.Errorf("open process %d: %w", p.PID, gone(err))
	}
	defer func() { _ = unix.Close(fd) }()
	if err := p.alive(); err != nil {
		return "", err
	}
	for _, sig := range []unix.Signal{unix.SIGTERM, unix.SIGKILL} {
		if err := unix.PidfdSendSignal(fd, sig, nil, 0); err != nil {
			return "", fmt.Errorf("signal process %d: %w", p.PID, gone(err))
		}
		ended, err := wait(ctx, fd)
		if err != nil {
			return "", fmt.Errorf("wait for process %d: %w", p.PID, err)
		}
		if ended {
			return fmt.Sprintf("process %d ended after %s", p.PID, unix.SignalName(sig)), nil
		}
	}
	return "", fmt.Errorf("process %d is still there after SIGKILL", p.PID)
}

// wait returns true when the process behind fd ends within grace: its descriptor becomes readable.
func wait(ctx context.Context, fd int) (bool, error) {
	for until := time.Now().Add(grace); time.Now().Before(until); {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(look.Milliseconds()))
		if err != nil && !errors.Is(err, unix.EINTR) {
			return false, err
		}
		if n > 0 {
			return true, nil
		}
	}
	return false, nil
}

// alive returns ErrGone unless the process of this number began at the same moment from the same executable.
func (p Process) alive() error {
	proc, err := procfs.NewProc(p.PID)
	if err != nil {
		return fmt.Errorf("process %d: %w", p.PID, gone(err))
	}
	stat, err := proc.Stat()
	if err != nil {
		return fmt.Errorf("process %d: %w", p.PID, gone(err))
	}
	exe, err := os.Readlink("/proc/" + strconv.Itoa(p.PID) + "/exe")
	if err != nil {
		return fmt.Errorf("process %d: %w", p.PID, gone(err))
	}
	if stat.Starttime != p.StartTicks || strings.TrimSuffix(exe, " (deleted)") != strings.TrimSuffix(p.Executable, " (deleted)") {
		return fmt.Errorf("%w: process %d is now %s, started at tick %d", ErrGone, p.PID, exe, stat.Starttime)
	}
	return nil
}

func gone(err error) error {
	if errors.Is(err, unix.ESRCH) || errors.Is(err, os.ErrNotExist) {
		return ErrGone
	}
	return err
}
