package native

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"
	"unsafe"

	seccomp "github.com/elastic/go-seccomp-bpf"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/midwatch/midwatch/sandbox/contract"
	"github.com/midwatch/midwatch/sandbox/profile"
)

// programFD is where the child finds its own executable until it runs it again.
const programFD = contract.FD + 1

// reportFD is where it says which wall it cannot build. It closes as the program starts inside its walls, which can say nothing about them.
const reportFD = programFD + 1

// Limits of a step. Address space, not data: RLIMIT_DATA is bypassed by shared anonymous memory, and Go reserves much more than it uses.
var limits = map[int]uint64{
	unix.RLIMIT_AS:      6 << 30, // go.starlark.net reserves 4 GiB for small integers and Go 1.2: this leaves 800 MB to use
	unix.RLIMIT_CPU:     30,      // seconds
	unix.RLIMIT_NPROC:   64,
	unix.RLIMIT_NOFILE:  64,
	unix.RLIMIT_FSIZE:   0,
	unix.RLIMIT_CORE:    0,
	unix.RLIMIT_MEMLOCK: 0,
}

// Enter builds the walls around the calling process and executes it again inside them, with no argument. It returns only when a wall
// cannot be built; the caller must then exit with ExitWall and run nothing. without names walls to leave out: only the escape suite does,
// to see the wall behind each.
func Enter(without ...string) error {
	runtime.LockOSThread()
	for _, wall := range []struct {
		name  string
		build func() error
	}{
		{"uts namespace", func() error { return unix.Sethostname([]byte("step")) }},
		{"empty root", emptyRoot},
		{"rlimits", setLimits},
		{"no_new_privs", func() error { return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }},
		{"landlock", restrictPaths},
		{"capabilities", dropCapabilities},
		{"descriptors", closeDescriptors},
		{"seccomp", func() error { return loadFilter(profile.Allowed()) }},
		// It is per thread and lost when the parent's thread ends, so it is set again on the leader.
		{"parent death signal", func() error { return unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0) }},
	} {
		if slices.Contains(without, wall.name) {
			continue
		}
		if err := wall.build(); err != nil {
			return fmt.Errorf("%s: %w", wall.name, err)
		}
	}
	return execAgain()
}

// exitWall is the exit status of a child that could not build a wall.
const exitWall = 125

// ExitWall ends a child that could not build a wall, telling the engine so.
func ExitWall(err error) {
	fmt.Fprintln(os.Stderr, err)
	_, _ = unix.Write(reportFD, []byte(err.Error()))
	os.Exit(exitWall)
}

// emptyRoot makes an empty, read-only tmpfs the root and lets go of the old one.
func emptyRoot() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	const staging = "/tmp" // any directory that surely exists; the mount is in our namespace only
	if err := unix.Mount("root", staging, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=555,size=4k"); err != nil {
		return fmt.Errorf("mount tmpfs: %w", err)
	}
	if err := unix.Chdir(staging); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("let go of the old root: %w", err)
	}
	if err := unix.Chdir("/"); err != nil {
		return err
	}
	return unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
}

func setLimits() error {
	for resource, n := range limits {
		if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: n, Max: n}); err != nil {
			return fmt.Errorf("rlimit %d: %w", resource, err)
		}
	}
	return nil
}

// dropCapabilities empties the bounding, ambient, effective, permitted and inheritable sets.
func dropCapabilities() error {
	for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil && err != unix.EINVAL { // EINVAL: newer than this kernel
			return err
		}
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return err
	}
	var none [2]unix.CapUserData
	return unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &none[0])
}

// closeDescriptors leaves stdio and the socket for the program; its own executable closes as it starts.
func closeDescriptors() error {
	if err := unix.CloseRange(programFD, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return err
	}
	_, err := unix.FcntlInt(contract.FD, unix.F_SETFD, 0)
	return err
}

func loadFilter(rules []specs.LinuxSyscall) error {
	policy, err := seccompPolicy(rules)
	if err != nil {
		return err
	}
	return seccomp.LoadFilter(seccomp.Filter{NoNewPrivs: true, Flag: seccomp.FilterFlagTSync, Policy: policy})
}

// execAgain runs the program behind programFD; there is no path to it any more.
func execAgain() error {
	argv := []*byte{&[]byte("midwatch-analyst\x00")[0], nil}
	envv := []*byte{nil}
	empty := []byte{0}
	_, _, errno := syscall.RawSyscall6(unix.SYS_EXECVEAT, programFD, uintptr(unsafe.Pointer(&empty[0])),
		uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&envv[0])), unix.AT_EMPTY_PATH, 0)
	return fmt.Errorf("execute the program: %w", errno)
}
