package probe

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/midwatch/midwatch/bpf"
)

// State of a hook.
type State string

// States.
const (
	Attached State = "attached"
	Fallback State = "fallback" // the same is seen another way
	Missing  State = "missing"
)

// Hook is one place in the kernel where Midwatch looks, and whether it can.
type Hook struct {
	Name   string
	State  State
	Reason string // why not attached, empty otherwise
}

// point is one program and where it goes. A point without a group is a raw tracepoint.
type point struct{ group, name, program string }

// hookSpec is a hook as a set of points that are attached together or not at all.
type hookSpec struct {
	name   string
	points []point
}

// syscallHooks are the system calls that move bytes.
func syscallHooks() []hookSpec {
	names := []string{"read", "write", "recvfrom", "sendto", "readv", "writev", "recvmsg", "sendmsg", "sendfile64"}
	specs := make([]hookSpec, 0, len(names)+1)
	for _, n := range names {
		specs = append(specs, hookSpec{"syscalls/" + n, []point{
			{"syscalls", "sys_exit_" + n, "exit_" + n},
			{"syscalls", "sys_enter_" + n, "enter_" + n},
		}})
	}
	return append(specs, hookSpec{"syscalls/sendmmsg", []point{{"syscalls", "sys_enter_sendmmsg", bpf.KernelProgEnterSendmmsg}}})
}

// rawSyscalls sees every system call and picks out the same ones.
func rawSyscalls() hookSpec {
	return hookSpec{"raw_syscalls", []point{
		{"", "sys_exit", bpf.KernelProgExitAny},
		{"", "sys_enter", bpf.KernelProgEnterAny},
	}}
}

// otherHooks have no second way.
func otherHooks() []hookSpec {
	return []hookSpec{
		{"sock/inet_sock_set_state", []point{{"sock", "inet_sock_set_state", bpf.KernelProgSocketState}}},
		{"sched/sched_process_exec", []point{{"sched", "sched_process_exec", bpf.KernelProgProcessExec}}},
		{"sched/sched_process_exit", []point{{"sched", "sched_process_exit", bpf.KernelProgProcessExit}}},
		{"oom/mark_victim", []point{{"oom", "mark_victim", bpf.KernelProgOomMarkVictim}}},
	}
}

// attacher loads programs one hook at a time, all on the same maps, so that a program the kernel refuses costs its own hook only.
type attacher struct {
	spec  *ebpf.CollectionSpec
	maps  map[string]*ebpf.Map
	links []link.Link
	tls   tlsAttached
}

// attachAll attaches every hook and says how it went.
func (a *attacher) attachAll() []Hook {
	hooks := a.attachSyscalls()
	for _, s := range otherHooks() {
		_, err := a.attach(s)
		hooks = append(hooks, hookOf(s, err))
	}
	return hooks
}

// attachSyscalls attaches single system calls; if one of them refuses, all are seen through the raw tracepoints
// instead, and if those refuse too, whatever did attach stays.
func (a *attacher) attachSyscalls() []Hook {
	var hooks []Hook
	var single []link.Link
	missing := false
	for _, s := range syscallHooks() {
		links, err := a.attach(s)
		single = append(single, links...)
		missing = missing || err != nil
		hooks = append(hooks, hookOf(s, err))
	}
	if !missing {
		return hooks
	}
	if _, err := a.attach(rawSyscalls()); err != nil {
		for i := range hooks {
			if hooks[i].State == Missing {
				hooks[i].Reason += "; raw tracepoints: " + reason(err)
			}
		}
		return hooks
	}
	for _, l := range single {
		_ = l.Close()
	}
	for i := range hooks {
		hooks[i].State = Fallback
	}
	return hooks
}

func (a *attacher) attach(s hookSpec) ([]link.Link, error) {
	spec := a.spec.Copy()
	wanted := map[string]*ebpf.ProgramSpec{}
	for _, p := range s.points {
		wanted[p.program] = spec.Programs[p.program]
	}
	spec.Programs = wanted
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{MapReplacements: a.maps})
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", s.name, err)
	}
	defer coll.Close() // a link keeps its program alive
	var links []link.Link
	for _, p := range s.points {
		l, err := p.attach(coll.Programs[p.program])
		if err != nil {
			for _, l := range links {
				_ = l.Close()
			}
			return nil, fmt.Errorf("attach %s: %w", s.name, err)
		}
		links = append(links, l)
	}
	a.links = append(a.links, links...)
	return links, nil
}

func (p point) attach(program *ebpf.Program) (link.Link, error) {
	if p.group == "" {
		return link.AttachRawTracepoint(link.RawTracepointOptions{Name: p.name, Program: program})
	}
	return link.Tracepoint(p.group, p.name, program, nil)
}

// close detaches everything. Links that the fallback replaced are closed a second time, which does no harm.
func (a *attacher) close() {
	a.tls.close()
	closeAll(a.links)
	for _, m := range a.maps {
		_ = m.Close()
	}
}

func hookOf(s hookSpec, err error) Hook {
	if err != nil {
		return Hook{Name: s.name, State: Missing, Reason: reason(err)}
	}
	return Hook{Name: s.name, State: Attached}
}

// reason is one line of an error: of the verifier's log only the last.
func reason(err error) string {
	var v *ebpf.VerifierError
	if errors.As(err, &v) && len(v.Log) > 0 {
		return "verifier: " + v.Log[len(v.Log)-1]
	}
	return err.Error()
}
