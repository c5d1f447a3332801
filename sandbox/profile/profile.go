// Package profile lists the system calls a sandboxed step may make, in every engine: the container runtimes' default profile as it is without
// capabilities, less what a step never needs.
package profile

import (
	"runtime"
	"slices"

	moby "github.com/moby/profiles/seccomp"
	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// denied is what the container profile allows and a step never needs. clone3 is not among the allowed either: its flags lie in memory
// where no filter can see them.
var denied = []string{
	"socket", "socketpair", "getsockopt", "setsockopt", "getsockname", "getpeername", "connect", "bind", "listen", "accept", "accept4", "sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "recvmmsg",
	"ptrace", "process_vm_readv", "process_vm_writev", "pidfd_open", "pidfd_getfd", "kill", "tkill",
	"memfd_create", "memfd_secret", "keyctl", "add_key", "request_key", "perf_event_open", "userfaultfd", "bpf",
	"io_uring_setup", "io_uring_enter", "io_uring_register", "unshare", "setns", "mount", "umount2", "pivot_root", "chroot",
	"name_to_handle_at", "open_by_handle_at", "syslog", "mknod", "mknodat", "fork", "vfork", "execve",
	"modify_ldt", "inotify_init", "inotify_init1", "fanotify_init",
	"shmget", "shmat", "shmctl", "msgget", "msgsnd", "semget", "mq_open", "clone3",
}

// Allowed are the rules; a call that none allows is to fail with EPERM, but clone3 with ENOSYS, so that runtimes fall back to clone.
func Allowed() []specs.LinuxSyscall {
	var rules []specs.LinuxSyscall
	for _, rule := range Container() {
		rule.Names = slices.DeleteFunc(slices.Clone(rule.Names), func(name string) bool { return slices.Contains(denied, name) })
		if len(rule.Names) > 0 {
			rules = append(rules, rule)
		}
	}
	return rules
}

// Container are the rules of the container runtimes' default profile, as it is without capabilities.
func Container() []specs.LinuxSyscall {
	var rules []specs.LinuxSyscall
	for _, rule := range moby.DefaultProfile().Syscalls {
		if rule.Action != specs.ActAllow || (rule.Includes != nil && len(rule.Includes.Caps) > 0) {
			continue
		}
		if rule.Includes != nil && len(rule.Includes.Arches) > 0 && !slices.Contains(rule.Includes.Arches, runtime.GOARCH) {
			continue
		}
		rules = append(rules, specs.LinuxSyscall{Names: rule.Names, Action: specs.ActAllow, Args: rule.Args})
	}
	return rules
}
