package native

import (
	"fmt"
	"runtime"
	"slices"

	seccomp "github.com/elastic/go-seccomp-bpf"
	profile "github.com/moby/profiles/seccomp"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// denied is what the container profile allows and a step never needs.
var denied = []string{
	"socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "recvmmsg",
	"ptrace", "process_vm_readv", "process_vm_writev", "pidfd_open", "pidfd_getfd", "kill", "tkill",
	"memfd_create", "memfd_secret", "keyctl", "add_key", "request_key", "perf_event_open", "userfaultfd", "bpf",
	"io_uring_setup", "io_uring_enter", "io_uring_register", "unshare", "setns", "mount", "umount2", "pivot_root", "chroot",
	"name_to_handle_at", "open_by_handle_at", "syslog", "mknod", "mknodat", "fork", "vfork", "execve",
	"shmget", "shmat", "shmctl", "msgget", "msgsnd", "semget", "mq_open",
}

// seccompPolicy is the container runtimes' default profile, as it is without capabilities, less denied. Everything else fails with EPERM;
// clone3 with ENOSYS, so that runtimes fall back to clone, whose flags the profile can see.
func seccompPolicy() (seccomp.Policy, error) {
	allow := seccomp.SyscallGroup{Action: seccomp.ActionAllow}
	seen := map[string]bool{}
	for _, rule := range profile.DefaultProfile().Syscalls {
		if rule.Action != "SCMP_ACT_ALLOW" || (rule.Includes != nil && len(rule.Includes.Caps) > 0) {
			continue
		}
		if rule.Includes != nil && len(rule.Includes.Arches) > 0 && !slices.Contains(rule.Includes.Arches, runtime.GOARCH) {
			continue
		}
		for _, name := range rule.Names {
			if slices.Contains(denied, name) || name == "clone3" || !known(name) {
				continue
			}
			if len(rule.Args) == 0 {
				if !seen[name] {
					allow.Names = append(allow.Names, name)
					seen[name] = true
				}
				continue
			}
			if cs := conditions(rule.Args); cs != nil {
				allow.NamesWithCondtions = append(allow.NamesWithCondtions, seccomp.NameWithConditions{Name: name, Conditions: cs})
			}
		}
	}
	if len(allow.Names) == 0 {
		return seccomp.Policy{}, fmt.Errorf("no system call of the profile is known on %s", runtime.GOARCH)
	}
	return seccomp.Policy{
		DefaultAction: seccomp.ActionErrno,
		Syscalls: []seccomp.SyscallGroup{
			{Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS), Names: []string{"clone3"}},
			allow,
		},
	}, nil
}

// conditions translates argument rules; nil when one of them cannot be expressed, and the call is then left out.
func conditions(args []specs.LinuxSeccompArg) seccomp.ArgumentConditions {
	var cs seccomp.ArgumentConditions
	for _, a := range args {
		c := seccomp.Condition{Argument: uint32(a.Index), Value: a.Value}
		switch {
		case a.Op == "SCMP_CMP_EQ":
			c.Operation = seccomp.Equal
		case a.Op == "SCMP_CMP_NE":
			c.Operation = seccomp.NotEqual
		case a.Op == "SCMP_CMP_MASKED_EQ" && a.ValueTwo == 0:
			c.Operation = seccomp.BitsNotSet
		default:
			return nil
		}
		cs = append(cs, c)
	}
	return cs
}

// known tells whether this architecture has the system call.
func known(name string) bool {
	p := seccomp.Policy{DefaultAction: seccomp.ActionErrno, Syscalls: []seccomp.SyscallGroup{{Action: seccomp.ActionAllow, Names: []string{name}}}}
	_, err := p.Assemble()
	return err == nil
}
