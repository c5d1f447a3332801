package silence

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// inside is set in the environment of a test that runs in a network of its own.
const inside = "MIDWATCH_INSIDE_NAMESPACE"

// enter runs the calling test once more in network and mount namespaces of its own. It returns false in the test that did so, which is over.
func enter(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inside) != "" {
		prepare(t)
		return true
	}
	if os.Getuid() != 0 {
		t.Skip("a network namespace with a device in it needs root")
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run", "^"+t.Name()+"$", "-test.v", "-test.timeout", "15m")
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Errorf("inside the namespace: %v", err)
	}
	return false
}

// nameserver is where names are asked for: somewhere outside.
const nameserver = "198.51.100.53"

// prepare gives names to a server outside; what else is there is loopback. See newRecorder for the way out.
func prepare(t *testing.T) {
	t.Helper()
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	resolv := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(resolv, []byte("nameserver "+nameserver+"\noptions timeout:1 attempts:1\n"), 0o644); err != nil { //nolint:gosec // as usual
		t.Fatal(err)
	}
	if err := unix.Mount(resolv, "/etc/resolv.conf", "", unix.MS_BIND, ""); err != nil {
		t.Fatalf("mount resolv.conf: %v", err)
	}
}

// ip runs iproute2's command once per line.
func ip(t *testing.T, lines string) {
	t.Helper()
	for line := range strings.Lines(lines) {
		argv := strings.Fields(line)
		if len(argv) == 0 {
			continue
		}
		if out, err := exec.CommandContext(t.Context(), "ip", argv...).CombinedOutput(); err != nil {
			t.Fatal(fmt.Errorf("ip %s: %w: %s", strings.Join(argv, " "), err, out))
		}
	}
}
