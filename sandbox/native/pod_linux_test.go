package native_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/sandbox/contract"
	"github.com/midwatch/midwatch/sandbox/escapetest"
	"github.com/midwatch/midwatch/sandbox/native"
)

// Modes of the test binary: it becomes like a container, then checks an engine in there.
const (
	asPod   = "MIDWATCH_AS_POD" // what else to do: "filter"
	checkIn = "MIDWATCH_CHECK_IN"
)

// What a pod is without any setting in its favour: an ordinary user without capabilities and without a way to get some, on a read-only root. A
// filter is on it where the cluster asks for the runtime's default one.
func TestInAPod(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("becoming a container needs root")
	}
	for name, c := range map[string]struct{ filter, says string }{
		"without a filter":              {"none", "works: namespaces"},
		"with the runtime's own filter": {"filter", "sandbox unavailable: start midwatch-analyst: fork/exec /proc/self/fd/4: operation not permitted (a seccomp filter is on this process"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
			cmd.Env = append(os.Environ(), asPod+"="+c.filter, checkIn+"="+escapetest.Build(t))
			cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS}
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.HasPrefix(string(out), c.says) {
				t.Errorf("got %q, %v, want %q", out, err, c.says)
			}
		})
	}
}

// becomePod gives up what a container does not have and executes this program again.
func becomePod(filter bool) error {
	runtime.LockOSThread()
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
		return err
	}
	for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil && err != unix.EINVAL {
			return err
		}
	}
	const nobody = 65534
	if err := syscall.Setgroups(nil); err != nil {
		return err
	}
	if err := syscall.Setgid(nobody); err != nil {
		return err
	}
	if err := syscall.Setuid(nobody); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	if filter {
		if err := native.EnterContainer(); err != nil {
			return err
		}
	}
	return unix.Exec("/proc/self/exe", os.Args[:1], []string{checkIn + "=" + os.Getenv(checkIn)})
}

// check says what the engine can do where this process is.
func check(program string) {
	e, err := native.New(native.Config{Program: program})
	if err == nil {
		step := &investigation.Transcript{Request: investigation.Request{Question: "its number"}}
		_, err = e.Run(context.Background(), contract.Request{Step: step})
	}
	if err != nil {
		fmt.Print(err)
		return
	}
	fmt.Print("works: ", e.Walls())
}
