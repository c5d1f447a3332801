package testcluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// process is a running part.
type process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when it ended; err is set before
	err  error
}

// StartPart starts a part that is not running, and returns when it serves.
func (c *Cluster) StartPart(ctx context.Context, p Part) error {
	if err := c.spawn(p); err != nil {
		return err
	}
	return c.wait(ctx, string(p), func(ctx context.Context) error { return c.ready(ctx, p) })
}

// spawn starts a part and does not wait.
func (c *Cluster) spawn(p Part) error {
	c.parts.Lock()
	defer c.parts.Unlock()
	if c.parts.running[p] != nil {
		return fmt.Errorf("start %s: it is running", p)
	}
	proc := &process{log: filepath.Join(c.logs(), string(p)+".log"), done: make(chan struct{})}
	log, err := os.OpenFile(proc.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	// No context: StopPart ends it, or the end of the node.
	proc.cmd = c.node.command(context.Background(), c.argv(p)...)
	proc.cmd.Stdout, proc.cmd.Stderr = log, log
	if err := proc.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p, err)
	}
	go func() {
		proc.err = proc.cmd.Wait()
		close(proc.done)
	}()
	c.parts.running[p] = proc
	return nil
}

// StopPart kills a part at once, as a crash would, and returns when it is gone. Pods stay as they are when the kubelet or containerd goes.
func (c *Cluster) StopPart(p Part) error {
	c.parts.Lock()
	proc := c.parts.running[p]
	delete(c.parts.running, p)
	c.parts.Unlock()
	if proc == nil {
		return fmt.Errorf("stop %s: it is not running", p)
	}
	if err := proc.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p, err)
	}
	<-proc.done
	return nil
}

// RestartPart kills a part and starts it again.
func (c *Cluster) RestartPart(ctx context.Context, p Part) error {
	if err := c.StopPart(p); err != nil {
		return err
	}
	return c.StartPart(ctx, p)
}

// Pause stops a part where it is, so that its peers see it hang; Resume lets it go on.
func (c *Cluster) Pause(p Part) error { return c.signal(p, syscall.SIGSTOP) }

// Resume ends a Pause.
func (c *Cluster) Resume(p Part) error { return c.signal(p, syscall.SIGCONT) }

func (c *Cluster) signal(p Part, s syscall.Signal) error {
	c.parts.Lock()
	defer c.parts.Unlock()
	if c.parts.running[p] == nil {
		return fmt.Errorf("send %s to %s: it is not running", s, p)
	}
	return c.parts.running[p].cmd.Process.Signal(s)
}

// PID is a part's process id on the host, 0 if it is not running.
func (c *Cluster) PID(p Part) int {
	c.parts.Lock()
	defer c.parts.Unlock()
	if c.parts.running[p] == nil {
		return 0
	}
	return c.parts.running[p].cmd.Process.Pid
}

// died is an error that names a part which ended by itself, with the end of its log.
func (c *Cluster) died() error {
	c.parts.Lock()
	defer c.parts.Unlock()
	for p, proc := range c.parts.running {
		select {
		case <-proc.done:
			b, _ := os.ReadFile(proc.log) // without it the exit status has to do
			lines := strings.Split(strings.TrimSpace(string(b)), "\n")
			return fmt.Errorf("%s ended: %w: %s", p, errors.Join(proc.err, errEnded), strings.Join(lines[max(0, len(lines)-3):], "\n  "))
		default:
		}
	}
	return nil
}

var errEnded = errors.New("a part must not end by itself")
