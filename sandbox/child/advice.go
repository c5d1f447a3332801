package child

import (
	"os"
	"strings"
)

// Namespaces says what to do where no user namespace can be made.
func Namespaces() string {
	if advice := Filtered(); advice != "" {
		return advice
	}
	return " (user namespaces may be restricted: run as root, or set kernel.unprivileged_userns_clone=1 and " +
		"kernel.apparmor_restrict_unprivileged_userns=0)"
}

// Filtered says what to do where a seccomp filter is on this process, and is empty where none is.
func Filtered() string {
	status, _ := os.ReadFile("/proc/self/status")
	if !strings.Contains(string(status), "\nSeccomp:\t2\n") {
		return ""
	}
	return " (a seccomp filter is on this process, as in a container with its runtime's default profile, which forbids user namespaces: " +
		"run the sandbox role with a profile that allows clone, mount, umount2, pivot_root, sethostname and chroot; in Kubernetes " +
		"seccompProfile type Localhost with the chart's files/seccomp.json, or Unconfined)"
}
