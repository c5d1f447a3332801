package main

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The sandboxed program is process 1 of its own, so others are looked for behind a number that is none of its threads either.
const other = 30000

func processes() map[string]attempt {
	return map[string]attempt{
		"its number":         func() error { return seen(fmt.Sprintf("pid %d, parent %d", os.Getpid(), os.Getppid())) },
		"ptrace 1":           func() error { return unix.PtraceAttach(1) },
		"ptrace another":     func() error { return unix.PtraceAttach(other) },
		"ptrace seize":       call(unix.SYS_PTRACE, unix.PTRACE_SEIZE, other),
		"ptrace me":          call(unix.SYS_PTRACE, unix.PTRACE_TRACEME),
		"process_vm_readv":   func() error { return vm(unix.SYS_PROCESS_VM_READV) },
		"process_vm_writev":  func() error { return vm(unix.SYS_PROCESS_VM_WRITEV) },
		"kill 1":             func() error { return unix.Kill(1, 0) },
		"kill another":       func() error { return unix.Kill(other, 0) },
		"kill everybody":     func() error { return unix.Kill(-1, 0) },
		"kill the parent":    func() error { return unix.Kill(os.Getppid(), 0) },
		"tgkill another":     func() error { return unix.Tgkill(other, other, 0) },
		"tkill another":      call(unix.SYS_TKILL, other, 0),
		"sigqueue another":   queueSignal,
		"pidfd_open 1":       func() error { _, err := unix.PidfdOpen(1, 0); return err },
		"pidfd_open another": func() error { _, err := unix.PidfdOpen(other, 0); return err },
		"pidfd_getfd":        func() error { _, err := unix.PidfdGetfd(0, 0, 0); return err },
		"prlimit another":    func() error { return unix.Prlimit(other, unix.RLIMIT_NOFILE, nil, &unix.Rlimit{}) },
		"kcmp":               call(unix.SYS_KCMP, 1, other, 0, 0, 0),
		"read scheduling of another": func() error {
			_, err := unix.SchedGetAttr(other, 0)
			return err
		},
		"execve": func() error { return unix.Exec("/proc/self/exe", []string{"x"}, nil) },
		"execveat": func() error {
			p, argv := []byte("/proc/self/exe\x00"), []uintptr{0}
			return raw(unix.SYS_EXECVEAT, minus1-99, uintptr(unsafe.Pointer(&p[0])), uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&argv[0])), 0)
		},
		"memfd_create": func() error { _, err := unix.MemfdCreate("x", 0); return err },
		"memfd_secret": func() error { _, err := unix.MemfdSecret(0); return err },
		"fork":         func() error { return noChild(child(unix.SYS_CLONE, uintptr(unix.SIGCHLD))) },
		"old fork":     func() error { return noChild(child(unix.SYS_FORK, 0)) },
		"clone3":       call(unix.SYS_CLONE3, 0, 0),
	}
}

func vm(nr uintptr) error {
	var b [8]byte
	local := unix.Iovec{Base: &b[0], Len: 8}
	remote := unix.RemoteIovec{Base: 0x400000, Len: 8}
	return raw(nr, other, uintptr(unsafe.Pointer(&local)), 1, uintptr(unsafe.Pointer(&remote)), 1, 0)
}

func queueSignal() error {
	var info [128]byte
	*(*int32)(unsafe.Pointer(&info[8])) = -1 // SI_QUEUE
	return raw(unix.SYS_RT_SIGQUEUEINFO, other, 0, uintptr(unsafe.Pointer(&info)))
}

func clone(flags uintptr) error { return child(unix.SYS_CLONE, flags) }

// child makes a process that ends at once, and returns the errno of making it.
func child(nr, flags uintptr) error {
	pid, _, errno := unix.RawSyscall6(nr, flags, 0, 0, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	if pid == 0 {
		_, _, _ = unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
	}
	return nil
}

// noChild tells a process that could be made from one that is bounded only by number.
func noChild(err error) error {
	if err == nil {
		return seen("made, within the limit")
	}
	return err
}
