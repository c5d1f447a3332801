package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/midwatch/midwatch/sandbox/contract"
)

func files() map[string]attempt {
	all := map[string]attempt{
		"list the root": func() error {
			entries, err := os.ReadDir("/")
			if err != nil {
				return err
			}
			names := make([]string, 0, len(entries))
			for _, e := range entries {
				names = append(names, e.Name())
			}
			return seen("sees: " + strings.Join(names, " "))
		},
		"leave by dots":         read("../../../../../../etc/passwd"),
		"leave by openat":       func() error { _, err := unix.Openat(contract.FD, "../etc/passwd", unix.O_RDONLY, 0); return err },
		"reopen descriptor 3":   func() error { _, err := unix.Open("/proc/self/fd/3", unix.O_RDWR, 0); return err },
		"reopen standard error": func() error { _, err := unix.Open("/proc/self/fd/2", unix.O_RDWR, 0); return err },
		"make a symlink":        func() error { return unix.Symlink("/etc/shadow", "/link") },
		"make a hard link":      func() error { return unix.Link("/proc/self/exe", "/link") },
		"make a directory":      func() error { return unix.Mkdir("/dir", 0o777) },
		"make a directory in tmp": func() error {
			return unix.Mkdir("/tmp/dir", 0o777)
		},
		"make a fifo": func() error { return unix.Mkfifo("/fifo", 0o666) },
		"open by handle": func() error {
			handle := unix.NewFileHandle(1, []byte{2, 0, 0, 0, 0, 0, 0, 0}) // inode 2: the root of many file systems
			root, err := unix.Open("/", unix.O_RDONLY|unix.O_DIRECTORY, 0)
			if err != nil {
				root = unix.AT_FDCWD
			}
			_, err = unix.OpenByHandleAt(root, handle, unix.O_RDONLY)
			return err
		},
		"name to handle":               func() error { _, _, err := unix.NameToHandleAt(unix.AT_FDCWD, "/", 0); return err },
		"chmod the root":               func() error { return unix.Chmod("/", 0o777) },
		"chown the root":               func() error { return unix.Chown("/", 1, 1) },
		"set an attribute of the root": func() error { return unix.Setxattr("/", "user.x", []byte("x"), 0) },
		"nameless file in the root":    func() error { _, err := unix.Open("/", unix.O_TMPFILE|unix.O_RDWR, 0o600); return err },
		"watch the root":               watch,
		"rename":                       func() error { return unix.Rename("/proc", "/x") },
		"write its own memory":         write("/proc/self/mem"),
		"raise its own oom score":      write("/proc/self/oom_score_adj"),
	}
	for _, path := range []string{
		"/etc/passwd", "/etc/shadow", "/etc/resolv.conf", "/root/.ssh/id_rsa", "/var/lib/midwatch", "/proc/self/exe", "/proc/self/environ", "/proc/self/maps",
		"/proc/1/environ", "/proc/1/root/etc/shadow", "/proc/1/cwd", "/proc/2/environ", "/proc/kcore", "/proc/kallsyms", "/proc/keys", "/proc/cmdline",
		"/proc/net/tcp", "/sys/kernel/notes", "/sys/class/net", "/sys/fs/cgroup", "/dev/mem", "/dev/kmem", "/dev/kmsg", "/dev/kvm", "/dev/fuse", "/dev/vda", "/dev/port",
		"/run/docker.sock", "/var/run/secrets/kubernetes.io/serviceaccount/token",
	} {
		all["read "+path] = read(path)
	}
	for _, path := range []string{
		"/x", "/tmp/x", "/dev/shm/x", "/var/tmp/x", "/run/x", "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/sys/fs/cgroup/cgroup.procs",
		"/proc/self/uid_map", "/proc/self/setgroups",
	} {
		all["write "+path] = write(path)
	}
	return all
}

// read opens a file or directory and says how much of it could be read.
func read(path string) attempt {
	return func() error {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK, 0)
		if err != nil {
			return err
		}
		b := make([]byte, 4096)
		n, err := unix.Read(fd, b)
		if err == unix.EISDIR {
			n, err = unix.ReadDirent(fd, b)
		}
		if err != nil {
			return err
		}
		return seen(fmt.Sprintf("OPEN: %v bytes", n > 0))
	}
}

func write(path string) attempt {
	return func() error {
		fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CREAT, 0o600)
		if err != nil {
			return err
		}
		_, err = unix.Write(fd, []byte("0"))
		return err
	}
}

func watch() error {
	fd, err := unix.InotifyInit1(0)
	if err != nil {
		return err
	}
	_, err = unix.InotifyAddWatch(fd, "/", unix.IN_ALL_EVENTS)
	return err
}
