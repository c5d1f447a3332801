package cgroup

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// startV2 lets the kernel create the process in the group.
func (g *Group) startV2(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(g.dirs[0].Fd())
	return cmd.Start()
}

// startV1 moves the calling thread into the group, forks and moves it back: version 1 keeps threads apart, and a process starts where the
// thread was that forked it.
func (g *Group) startV1(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	tid := strconv.Itoa(unix.Gettid())
	for i, dir := range g.dirs {
		if err := write(dir.Name(), "tasks", tid); err != nil {
			return errors.Join(fmt.Errorf("enter control group: %w", err), g.leave(tid, i))
		}
	}
	err := cmd.Start()
	return errors.Join(err, g.leave(tid, len(g.dirs)))
}

// leave moves the thread back out of the first n hierarchies. One that cannot leave stays locked: it does nothing else any more.
func (g *Group) leave(tid string, n int) error {
	for _, dir := range g.dirs[:n] {
		if err := write(filepath.Dir(dir.Name()), "tasks", tid); err != nil {
			return fmt.Errorf("leave control group: %w", err)
		}
	}
	runtime.UnlockOSThread()
	return nil
}
