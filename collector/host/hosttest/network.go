package hosttest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Network is a network namespace that a child moves into, with loopback alone.
type Network struct {
	Nameserver string   // that resolv.conf names there, "" leaves it alone
	Setup      []string // commands to run in it, after loopback is up
}

// NeedNetwork skips a test that needs namespaces with rewritten addresses where they cannot be had.
func NeedNetwork(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("network namespaces need root")
	}
	for _, command := range []string{"ip link", "iptables -t nat -S", "ip6tables -t nat -S"} {
		argv := strings.Fields(command)
		if out, err := exec.CommandContext(t.Context(), argv[0], argv[1:]...).CombinedOutput(); err != nil { //nolint:gosec // fixed commands
			t.Skipf("%s: %v: %s", command, err, out)
		}
	}
}

// Enter is for a role: it moves this process into a network of its own and plays another role there. It returns only what went wrong.
func (n Network) Enter(role string, args ...string) error {
	runtime.LockOSThread() // the thread that execs is the one that moved
	if err := unix.Unshare(unix.CLONE_NEWNET | unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("make namespaces: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts private: %w", err)
	}
	if err := n.resolv(); err != nil {
		return err
	}
	for _, command := range append([]string{"ip link set lo up"}, n.Setup...) {
		argv := strings.Fields(command)
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil { //nolint:gosec,noctx // the test's own commands
			return fmt.Errorf("%s: %w: %s", command, err, out)
		}
	}
	if err := os.Setenv(roleVariable, role); err != nil {
		return err
	}
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	return syscall.Exec(self, append([]string{self}, args...), os.Environ()) //nolint:gosec // our own copy
}

func (n Network) resolv() error {
	if n.Nameserver == "" {
		return nil
	}
	dir, err := os.MkdirTemp("", "midwatch-test-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // the mount keeps the file
	file := filepath.Join(dir, "resolv.conf")
	text := "nameserver " + n.Nameserver + "\noptions timeout:1 attempts:3\n"
	return errors.Join(
		os.WriteFile(file, []byte(text), 0o644), //nolint:gosec // as the real one
		unix.Mount(file, "/etc/resolv.conf", "", unix.MS_BIND, ""),
	)
}
