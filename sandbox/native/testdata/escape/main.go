// Command escape stands in for midwatch-analyst in the engine's tests and tries what the sandbox must forbid. The request's question names
// the attempt; the answer's error says what came of it ("blocked: …" or "OPEN: …").
package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/midwatch/midwatch/sandbox/contract"
	"github.com/midwatch/midwatch/sandbox/native"
)

func socket(domain, kind int) func() error {
	return func() error { _, err := unix.Socket(domain, kind, 0); return err }
}

func open(path string) func() error {
	return func() error { _, err := os.ReadFile(path); return err }
}

var attempts = map[string]func() error{
	"tcp socket":       socket(unix.AF_INET, unix.SOCK_STREAM),
	"udp6 socket":      socket(unix.AF_INET6, unix.SOCK_DGRAM),
	"unix socket":      socket(unix.AF_UNIX, unix.SOCK_STREAM),
	"vsock":            socket(unix.AF_VSOCK, unix.SOCK_STREAM),
	"netlink":          socket(unix.AF_NETLINK, unix.SOCK_RAW),
	"packet socket":    socket(unix.AF_PACKET, unix.SOCK_RAW),
	"read passwd":      open("/etc/passwd"),
	"read proc":        open("/proc/self/environ"),
	"read own program": open("/proc/self/exe"),
	"list root": func() error {
		entries, err := os.ReadDir("/")
		if err == nil && len(entries) == 0 {
			return unix.ENOENT
		}
		return err
	},
	"write root":    func() error { return os.WriteFile("/x", nil, 0o600) },
	"write tmp":     func() error { return os.WriteFile("/tmp/x", nil, 0o600) },
	"mount":         func() error { return unix.Mount("t", "/", "tmpfs", 0, "") },
	"unshare user":  func() error { return unix.Unshare(unix.CLONE_NEWUSER) },
	"ptrace":        func() error { return unix.PtraceAttach(1) },
	"signal parent": func() error { return unix.Kill(1, 0) },
	"memfd":         func() error { _, err := unix.MemfdCreate("x", 0); return err },
	"io_uring":      func() error { return raw(unix.SYS_IO_URING_SETUP, 4, 0) },
	"bpf":           func() error { return raw(unix.SYS_BPF, 0, 0) },
	"keyctl":        func() error { return raw(unix.SYS_KEYCTL, 0, 0) },
	"exec again":    func() error { return unix.Exec("/proc/self/exe", []string{"x"}, nil) },
	"userfaultfd":   func() error { return raw(unix.SYS_USERFAULTFD, 0, 0) },
	"device":        func() error { return unix.Mknod("/null", unix.S_IFCHR|0o666, 0x103) },
	"raise limit":   func() error { return unix.Setrlimit(unix.RLIMIT_NPROC, &unix.Rlimit{Cur: 4096, Max: 4096}) },
	"set hostname":  func() error { return unix.Sethostname([]byte("x")) },
	"chroot":        func() error { return unix.Chroot("/") },
	"descriptor 4":  func() error { _, err := unix.FcntlInt(4, unix.F_GETFD, 0); return closedOrRuntime(4, err) },
	"environment":   func() error { return nothing(len(os.Environ())) },
	"capabilities":  capabilities,
	"address space": func() error {
		_, err := unix.Mmap(-1, 0, 8<<30, unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_ANON)
		return err
	},
}

func raw(nr, a, b uintptr) error {
	if _, _, errno := syscall.Syscall(nr, a, b, 0); errno != 0 && errno != unix.EFAULT && errno != unix.EINVAL {
		return errno
	}
	return nil // it reached the kernel's own checks
}

func nothing(n int) error {
	if n == 0 {
		return unix.ENOENT
	}
	return nil
}

// closedOrRuntime accepts a descriptor that the Go runtime itself opened (its poller): reading from it is no way out.
func closedOrRuntime(fd int, err error) error {
	if err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT == unix.S_IFREG {
		return err
	}
	return unix.EBADF
}

func capabilities() error {
	var data [2]unix.CapUserData
	if err := unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &data[0]); err != nil {
		return err
	}
	return nothing(int(data[0].Effective | data[0].Permitted | data[1].Effective | data[1].Permitted))
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == native.EnterArgument {
		native.ExitWall(native.Enter())
	}
	engine := os.NewFile(contract.FD, "engine")
	var req contract.Request
	if err := contract.Read(engine, &req); err != nil {
		os.Exit(3)
	}
	switch q := req.Step.Request.Question; q {
	case "list":
		names := make([]string, 0, len(attempts))
		for name := range attempts {
			names = append(names, name)
		}
		say(engine, strings.Join(names, "\n"))
	case "hang":
		time.Sleep(time.Hour)
	case "eat memory":
		var hold [][]byte
		for {
			b := make([]byte, 64<<20)
			for i := 0; i < len(b); i += 4096 {
				b[i] = 1
			}
			hold = append(hold, b)
			_ = hold
		}
	case "say nothing":
	case "babble":
		_, _ = engine.Write([]byte("\xff\xff\xff\xffnot a frame"))
	default:
		if err := attempts[q](); err != nil {
			say(engine, "blocked: "+err.Error())
			return
		}
		say(engine, "OPEN: "+q)
	}
}

func say(engine *os.File, text string) {
	if err := contract.Write(engine, contract.Answer{Error: text}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(4)
	}
}
