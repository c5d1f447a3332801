package native_test

import (
	"os"
	"syscall"
)

// ordinaryUser gives up root where the tests run as root: root could build walls even outside namespaces.
func ordinaryUser() *syscall.SysProcAttr {
	if os.Getuid() != 0 {
		return nil
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
}
