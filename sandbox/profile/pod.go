package profile

import (
	"slices"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// building are the calls that engines build a step's walls with, in namespaces of its own, and that the container profile forbids without
// capabilities. chroot is gVisor's.
var building = []string{"clone", "mount", "umount2", "pivot_root", "sethostname", "chroot"}

// Pod is the filter for a pod in which steps run: the container profile, and the calls their walls are built with. A step itself is under Allowed.
// It is what the chart brings for seccompProfile type Localhost (deploy/helm/midwatch/files/seccomp.json).
func Pod() specs.LinuxSeccomp {
	refused, absent := uint(1), uint(38)                                                                                        // EPERM, ENOSYS
	rules := slices.DeleteFunc(Container(), func(rule specs.LinuxSyscall) bool { return slices.Contains(rule.Names, "clone") }) // with conditions
	return specs.LinuxSeccomp{
		DefaultAction: specs.ActErrno, DefaultErrnoRet: &refused,
		Architectures: []specs.Arch{specs.ArchX86_64, specs.ArchAARCH64},
		Syscalls: append(rules,
			specs.LinuxSyscall{Names: building, Action: specs.ActAllow},
			// Its flags lie in memory where no filter can see them; programs fall back to clone.
			specs.LinuxSyscall{Names: []string{"clone3"}, Action: specs.ActErrno, ErrnoRet: &absent}),
	}
}
