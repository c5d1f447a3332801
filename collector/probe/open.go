package probe

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"github.com/midwatch/midwatch/bpf"
)

// ErrUnavailable means that nothing can be seen from the kernel here; the text around it says why and what to do.
var ErrUnavailable = errors.New("kernel probes are unavailable")

// unavailable is ErrUnavailable with its cause.
type unavailable struct {
	advice string
	cause  error
}

func (e *unavailable) Error() string {
	return fmt.Sprintf("%v: %s (%v)", ErrUnavailable, e.advice, e.cause)
}

func (e *unavailable) Unwrap() []error { return []error{ErrUnavailable, e.cause} }

// open checks what every hook needs and creates the maps.
func open() (*attacher, error) {
	if _, err := btf.LoadKernelSpec(); err != nil {
		return nil, &unavailable{"this kernel carries no type information; use one built with CONFIG_DEBUG_INFO_BTF", err}
	}
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, &unavailable{"locked memory is limited; run as root or with CAP_BPF and CAP_PERFMON", err}
	}
	if err := mountTracefs(); err != nil {
		return nil, &unavailable{"tracefs is not mounted; run as root, or mount it on " + tracefs, err}
	}
	spec, err := bpf.LoadKernel()
	if err != nil {
		return nil, fmt.Errorf("read the kernel programs: %w", err)
	}
	maps := spec.Copy()
	maps.Programs = nil
	coll, err := ebpf.NewCollection(maps)
	if err != nil {
		return nil, &unavailable{"the kernel refuses eBPF maps; run as root or with CAP_BPF and CAP_PERFMON", err}
	}
	return &attacher{spec: spec, maps: coll.Maps}, nil
}

const tracefs = "/sys/kernel/tracing"

// mountTracefs mounts the file system that names the tracepoints, where the distribution does not.
func mountTracefs() error {
	for _, dir := range []string{tracefs, "/sys/kernel/debug/tracing"} {
		if _, err := os.Stat(dir + "/events"); err == nil {
			return nil
		}
	}
	if err := unix.Mount("tracefs", tracefs, "tracefs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil && !errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("mount tracefs on %s: %w", tracefs, err)
	}
	return nil
}

// Check attaches every hook, detaches it again and says how it went. It wraps ErrUnavailable if nothing could be tried.
func Check(ctx context.Context) ([]Hook, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	a, err := open()
	if err != nil {
		return nil, err
	}
	defer a.close()
	return a.attachAll(), nil
}
