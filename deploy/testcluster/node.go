package testcluster

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

//go:embed node/node.sh
var nodeScript string

// node is the machine that the cluster believes to run on: namespaces held by a shell, and control groups.
type node struct {
	holder *exec.Cmd
	stdin  io.Closer // its end is the node's
	said   bytes.Buffer
	groups *groups
}

// startNode makes a node whose directories are under dir.
func startNode(ctx context.Context, dir string) (*node, error) {
	g, err := makeGroups()
	if err != nil {
		return nil, err
	}
	n := &node{groups: g}
	// No context: stop ends it, or the end of this process.
	n.holder = exec.CommandContext(context.Background(), "sh", append([]string{"-c", nodeScript, "node.sh", dir}, g.dirs...)...)
	n.holder.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWUTS, Setsid: true}
	n.holder.Stderr = &n.said
	if n.stdin, err = n.holder.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := n.holder.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := n.holder.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the node: %w", err), g.remove())
	}
	if line, _ := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
		err := n.stop()
		return nil, errors.Join(fmt.Errorf("make the node: %s", bytes.TrimSpace(n.said.Bytes())), err)
	}
	if err := writeState(dir, state{Launcher: self(), Node: identify(n.holder.Process.Pid), Groups: g.dirs}); err != nil {
		return nil, errors.Join(err, n.stop())
	}
	return n, ctx.Err()
}

// stopTimeout is how long the holder gets to end the node.
const stopTimeout = 30 * time.Second

func (n *node) stop() error {
	n.stdin.Close()
	late := time.AfterFunc(stopTimeout, func() { _ = n.holder.Process.Kill() })
	defer late.Stop()
	_ = n.holder.Wait()
	return n.groups.remove()
}

// command prepares a program that runs on the node.
func (n *node) command(ctx context.Context, argv ...string) *exec.Cmd {
	argv = append(enter(n.holder.Process.Pid), argv...)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/run"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, UseCgroupFD: true, CgroupFD: int(n.groups.node.Fd())}
	return cmd
}

// enter is the beginning of a command line that goes on in the namespaces of a process.
func enter(pid int) []string {
	return []string{"nsenter", "--target", strconv.Itoa(pid), "--mount", "--net", "--uts", "--"}
}

// run runs a program on the node to its end and returns its standard output.
func (n *node) run(ctx context.Context, in io.Reader, argv ...string) (string, error) {
	cmd := n.command(ctx, argv...)
	cmd.Stdin = in
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(out), fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, bytes.TrimSpace(exit.Stderr))
	}
	return string(out), err
}

// dial connects from a thread that has moved into the node's network and ends afterwards: it could not be trusted to have moved back.
func (n *node) dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		var ns *os.File
		if ns, err = os.Open(fmt.Sprintf("/proc/%d/ns/net", n.holder.Process.Pid)); err != nil {
			return
		}
		defer ns.Close()
		if err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			return
		}
		conn, err = new(net.Dialer).DialContext(ctx, network, address)
	}()
	<-done
	if err != nil {
		return nil, fmt.Errorf("dial from the node: %w", err)
	}
	return conn, nil
}
