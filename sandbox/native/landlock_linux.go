package native

import (
	"fmt"

	landlock "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// Rights that each version of Landlock's interface added. What a kernel does not know it cannot handle, so they are masked by version;
// seccomp and the namespaces stand behind it.
var fileRights = []struct {
	abi    int
	rights uint64
}{
	{1, landlock.AccessFSExecute | landlock.AccessFSWriteFile | landlock.AccessFSReadFile | landlock.AccessFSReadDir |
		landlock.AccessFSRemoveDir | landlock.AccessFSRemoveFile | landlock.AccessFSMakeChar | landlock.AccessFSMakeDir |
		landlock.AccessFSMakeReg | landlock.AccessFSMakeSock | landlock.AccessFSMakeFifo | landlock.AccessFSMakeBlock | landlock.AccessFSMakeSym},
	{2, landlock.AccessFSRefer},
	{3, landlock.AccessFSTruncate},
	{5, landlock.AccessFSIoctlDev},
}

const (
	abiNet   = 4
	abiScope = 6

	scopeAbstractUnixSocket = 1 << 0 // LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
	scopeSignal             = 1 << 1 // LANDLOCK_SCOPE_SIGNAL
)

// restrictPaths forbids every file, TCP port, abstract socket and signal outside, but for executing the program once more.
func restrictPaths() error {
	abi, err := landlock.LandlockGetABIVersion()
	if err != nil {
		return fmt.Errorf("this kernel has no Landlock (needs 5.13 with CONFIG_SECURITY_LANDLOCK, and landlock in the lsm= list): %w", err)
	}
	attr := landlock.RulesetAttr{}
	for _, f := range fileRights {
		if abi >= f.abi {
			attr.HandledAccessFS |= f.rights
		}
	}
	if abi >= abiNet {
		attr.HandledAccessNet = landlock.AccessNetBindTCP | landlock.AccessNetConnectTCP
	}
	if abi >= abiScope {
		attr.Scoped = scopeAbstractUnixSocket | scopeSignal
	}
	ruleset, err := landlock.LandlockCreateRuleset(&attr, 0)
	if err != nil {
		return fmt.Errorf("create ruleset: %w", err)
	}
	program := landlock.PathBeneathAttr{AllowedAccess: landlock.AccessFSExecute | landlock.AccessFSReadFile, ParentFd: programFD}
	if err := landlock.LandlockAddPathBeneathRule(ruleset, &program, 0); err != nil {
		return fmt.Errorf("allow the program: %w", err)
	}
	return landlock.LandlockRestrictSelf(ruleset, 0)
}
