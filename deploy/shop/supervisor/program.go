package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// startWithin is how long a program may take from start to ready. It takes milliseconds, but for a machine that is overloaded.
	startWithin = time.Minute
	// stopWithin is how long it may take to stop before it is killed.
	stopWithin = 8 * time.Second
)

// program says how to start one child.
type program struct {
	name  string
	path  string
	args  []string
	dir   string // working directory; "" for the supervisor's
	log   string // file that standard output and error are appended to
	as    identity
	stop  syscall.Signal
	group *memoryGroup // nil: no limit
	// await returns once the child is ready; nil: the child writes to descriptor 3 when it is.
	await func(ctx context.Context) error
}

// instance is one run of a program.
type instance struct {
	program program
	cmd     *exec.Cmd
	since   time.Time
	done    chan struct{} // closed when the process is gone
	exit    error         // valid after done
}

// start runs p and returns once it is ready. If it does not become ready, nothing of it is left.
func (p program) start(ctx context.Context, s *spawner) (*instance, error) {
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	defer out.Close() //nolint:errcheck // the child has its own copy
	ready, signal, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	defer ready.Close() //nolint:errcheck // read only

	cmd := exec.Command(p.path, p.args...) //nolint:noctx // it outlives this call; the keeper ends it
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, out, out
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "HOME=/nonexistent"}
	cmd.ExtraFiles = []*os.File{signal}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: p.stop, Credential: p.as.credential()}
	err = s.start(cmd)
	_ = signal.Close() // so that reading ends when the child does
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	i := &instance{program: p, cmd: cmd, since: time.Now(), done: make(chan struct{})}
	go func() { i.exit = cmd.Wait(); close(i.done) }()
	if p.group != nil {
		err = p.group.add(cmd.Process.Pid)
	}
	if err == nil {
		err = i.awaitReady(ctx, ready)
	}
	if err != nil {
		i.kill()
		return nil, fmt.Errorf("start %s: %w; its log is %s", p.name, err, p.log)
	}
	return i, nil
}

func (i *instance) awaitReady(ctx context.Context, pipe *os.File) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	answered := make(chan error, 1)
	go func() {
		if i.program.await != nil {
			answered <- i.program.await(ctx)
			return
		}
		_ = pipe.SetReadDeadline(time.Now().Add(startWithin)) // pipes of os.Pipe can have one
		_, err := pipe.Read(make([]byte, 1))
		answered <- err
	}()
	select {
	case err := <-answered:
		if err != nil {
			return fmt.Errorf("not ready: %w", err)
		}
		return nil
	case <-i.done:
		return fmt.Errorf("it ended at once: %w", errors.Join(i.exit, errEnded))
	case <-ctx.Done():
		return fmt.Errorf("not ready: %w", ctx.Err())
	}
}

var errEnded = errors.New("the process is gone")

// poll repeats try until it succeeds; when ctx ends it gives the last error.
func poll(ctx context.Context, try func() error) error {
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (i *instance) pid() int { return i.cmd.Process.Pid }

// end asks the process to stop, waits, and kills what is left of its group.
func (i *instance) end() {
	_ = i.cmd.Process.Signal(i.program.stop) // it may be gone
	select {
	case <-i.done:
	case <-time.After(stopWithin):
	}
	i.kill()
}

// kill ends the whole process group and waits.
func (i *instance) kill() {
	_ = unix.Kill(-i.pid(), unix.SIGKILL) // it may be gone
	<-i.done
}
