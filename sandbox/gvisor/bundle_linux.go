package gvisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/midwatch/midwatch/sandbox/profile"
)

// bundle is the directory of one step: runsc's configuration, its state and an empty root.
type bundle struct{ dir string }

// newBundle makes one that runsc's user owns.
func (e *Engine) newBundle() (bundle, error) {
	dir, err := os.MkdirTemp(e.cfg.Dir, "midwatch-gvisor-")
	if err != nil {
		return bundle{}, fmt.Errorf("make the bundle: %w", err)
	}
	b := bundle{dir}
	if err := b.fill(e.spec()); err != nil {
		return bundle{}, errors.Join(fmt.Errorf("make the bundle: %w", err), os.RemoveAll(dir))
	}
	return b, nil
}

func (b bundle) fill(spec specs.Spec) error {
	config, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	root := filepath.Join(b.dir, "root")
	if err := errors.Join(os.WriteFile(filepath.Join(b.dir, "config.json"), config, 0o600), os.Mkdir(root, 0o700), os.Mkdir(b.state(), 0o700)); err != nil {
		return err
	}
	if os.Getuid() != 0 {
		return nil
	}
	for _, path := range []string{b.dir, filepath.Join(b.dir, "config.json"), root, b.state()} {
		if err := os.Chown(path, nobody, nobody); err != nil {
			return err
		}
	}
	return nil
}

// spec is the container: no capability, nothing writable, no file. gVisor would mount /proc, /sys, /dev and /tmp by itself, so
// something empty is mounted there.
func (e *Engine) spec() specs.Spec {
	s := specs.Spec{
		Version:  "1.1.0",
		Root:     &specs.Root{Path: "root", Readonly: true},
		Hostname: "step",
		Process: &specs.Process{
			Args: []string{"/midwatch-analyst"}, Cwd: "/", NoNewPrivileges: true,
			User:         specs.User{UID: nobody, GID: nobody},
			Capabilities: &specs.LinuxCapabilities{},
			Rlimits: []specs.POSIXRlimit{
				rlimit("RLIMIT_AS", 6<<30), // as in the native engine: go.starlark.net reserves 4 GiB
				rlimit("RLIMIT_DATA", uint64(e.limits.Memory)),
				rlimit("RLIMIT_NPROC", uint64(e.limits.Pids)), rlimit("RLIMIT_NOFILE", 64), rlimit("RLIMIT_FSIZE", 0),
				rlimit("RLIMIT_CORE", 0), rlimit("RLIMIT_MEMLOCK", 0), rlimit("RLIMIT_CPU", 30),
			},
		},
		Linux: &specs.Linux{Namespaces: []specs.LinuxNamespace{
			{Type: specs.PIDNamespace}, {Type: specs.NetworkNamespace}, {Type: specs.IPCNamespace}, {Type: specs.UTSNamespace}, {Type: specs.MountNamespace},
		}},
	}
	for _, dir := range []string{"/proc", "/sys", "/dev", "/tmp"} {
		s.Mounts = append(s.Mounts, specs.Mount{
			Destination: dir, Type: "tmpfs", Source: "empty", Options: []string{"ro", "nosuid", "nodev", "noexec", "size=4k", "mode=555"},
		})
	}
	s.Linux.Seccomp = &specs.LinuxSeccomp{DefaultAction: specs.ActErrno, Architectures: []specs.Arch{specs.ArchX86_64, specs.ArchAARCH64}, Syscalls: profile.Allowed()}
	return s
}

func rlimit(name string, n uint64) specs.POSIXRlimit {
	return specs.POSIXRlimit{Type: name, Hard: n, Soft: n}
}
