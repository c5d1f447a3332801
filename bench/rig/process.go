package rig

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Process is a program that can be killed and started again.
type Process struct {
	name, program string
	args          []string
	listens       string // host:port that accepts when it serves
	log           string // file that gets its stderr
	cmd           *exec.Cmd
	pid           atomic.Int64 // 0: does not run; Usage may be asked while it is killed
}

const (
	startWithin = 2 * time.Minute
	lookEvery   = 200 * time.Millisecond
	stopWithin  = 30 * time.Second
)

// Start starts it and waits until it accepts connections.
func (p *Process) Start(ctx context.Context) error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	p.cmd = exec.Command(p.program, p.args...) //nolint:noctx // ended by Stop or Kill
	p.cmd.Stderr, p.cmd.SysProcAttr = log, &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start the %s: %w", p.name, err)
	}
	p.pid.Store(int64(p.cmd.Process.Pid))
	return Await(ctx, startWithin, "the "+p.name+" to serve", func() (bool, error) {
		if state(p.cmd.Process.Pid) == "Z" {
			return false, fmt.Errorf("the %s ended: %w%s", p.name, ErrOver, p.lastLines())
		}
		c, err := new(net.Dialer).DialContext(ctx, "tcp", p.listens)
		if err != nil {
			return false, err
		}
		return true, c.Close()
	})
}

// ErrOver ends an Await: what is waited for cannot come any more.
var ErrOver = errors.New("in vain")

// Await asks until done says so, an error says ErrOver, or time is up.
func Await(ctx context.Context, within time.Duration, what string, done func() (bool, error)) error {
	for until := time.Now().Add(within); ; {
		ok, err := done()
		switch {
		case ok && err == nil:
			return nil
		case errors.Is(err, ErrOver):
			return err
		case time.Now().After(until):
			return errors.Join(fmt.Errorf("waited %s for %s", within, what), err)
		}
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Stop asks it to end and waits until it did.
func (p *Process) Stop() error {
	if p == nil || p.cmd == nil || p.cmd.Process == nil {
		return nil
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails when it is gone already
	force := time.AfterFunc(stopWithin, func() { _ = p.cmd.Process.Kill() })
	defer force.Stop()
	err := p.cmd.Wait()
	p.cmd = nil
	p.pid.Store(0)
	return err
}

// Kill ends it as the kernel would for want of memory, and waits until it is gone.
func (p *Process) Kill() {
	if p == nil || p.cmd == nil || p.cmd.Process == nil {
		return
	}
	_ = p.cmd.Process.Kill() // fails when it is gone already
	_ = p.cmd.Wait()
	p.cmd = nil
	p.pid.Store(0)
}

// lastLines is the end of what it said.
func (p *Process) lastLines() string {
	b, err := os.ReadFile(p.log)
	if err != nil || len(b) == 0 {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return "\n" + strings.Join(lines[max(0, len(lines)-5):], "\n")
}

// Usage is what a process took since it was started.
type Usage struct {
	CPU  time.Duration
	Peak float64 // resident memory at its highest since ForgetPeak, MB
}

// Usage reads it from /proc.
func (p *Process) Usage() (u Usage, err error) {
	proc := fmt.Sprintf("/proc/%d/", p.pid.Load())
	b, err := os.ReadFile(proc + "stat")
	if err != nil {
		return u, fmt.Errorf("the %s does not run: %w", p.name, err)
	}
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	for _, i := range []int{11, 12} { // user and system time, in hundredths of a second
		ticks, err := strconv.Atoi(fields[i])
		if err != nil {
			return u, err
		}
		u.CPU += time.Duration(ticks) * 10 * time.Millisecond
	}
	u.Peak, err = memory(proc, "VmHWM:")
	return u, err
}

// memory reads a line of a process's status, in MB.
func memory(proc, what string) (float64, error) {
	b, err := os.ReadFile(proc + "status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, what); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1000, err
		}
	}
	return 0, fmt.Errorf("%sstatus has no %s", proc, what)
}

// ForgetPeak makes the highest resident memory be measured from now on.
func (p *Process) ForgetPeak() error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.pid.Load()), []byte("5"), 0)
}

// state is the letter in a process's stat file; "" when there is none.
func state(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	return fields[0]
}
