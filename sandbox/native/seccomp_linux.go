package native

import (
	"fmt"
	"runtime"

	seccomp "github.com/elastic/go-seccomp-bpf"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// seccompPolicy makes rules a filter of this architecture. Everything else fails with EPERM, clone3 with ENOSYS.
func seccompPolicy(rules []specs.LinuxSyscall) (seccomp.Policy, error) {
	allow := seccomp.SyscallGroup{Action: seccomp.ActionAllow}
	seen := map[string]bool{}
	for _, rule := range rules {
		for _, name := range rule.Names {
			if !known(name) {
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
		case a.Op == specs.OpEqualTo:
			c.Operation = seccomp.Equal
		case a.Op == specs.OpNotEqual:
			c.Operation = seccomp.NotEqual
		case a.Op == specs.OpMaskedEqual && a.ValueTwo == 0:
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
