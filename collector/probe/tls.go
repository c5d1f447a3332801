package probe

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/midwatch/midwatch/bpf"
)

// ErrNoTLS means that a file has none of the functions by which TLS libraries are used.
var ErrNoTLS = errors.New("no TLS library")

// ErrNotRunning means that the probe watches nothing now.
var ErrNotRunning = errors.New("the probe is not running")

// tlsFunction is a function of OpenSSL's, which BoringSSL has, too.
type tlsFunction struct {
	name, entry string
	needed      bool
}

func tlsFunctions() []tlsFunction {
	return []tlsFunction{
		{"SSL_read", bpf.KernelProgEnterSslRead, true},
		{"SSL_write", bpf.KernelProgEnterSslWrite, true},
		{"SSL_do_handshake", bpf.KernelProgEnterSslHandshake, true},
		{"SSL_read_ex", bpf.KernelProgEnterSslReadEx, false}, // since OpenSSL 1.1.1
		{"SSL_write_ex", bpf.KernelProgEnterSslWriteEx, false},
	}
}

// Decrypt has the probe see what programs send and receive through the TLS library in a file, be it a shared one or a program that has it built in, until Run
// returns. It wraps ErrNoTLS if there is none, and is ErrNotRunning outside of Run.
func (p *Probe) Decrypt(path string) error {
	p.attached.Lock()
	defer p.attached.Unlock()
	if p.attached.by == nil {
		return ErrNotRunning
	}
	return p.attached.by.attachTLS(path)
}

// attachTLS attaches to the functions of a library. Their ends come first: a call whose start alone is seen would hide what its thread does afterwards.
func (a *attacher) attachTLS(path string) error {
	at, err := tlsFunctionsIn(path)
	if err != nil {
		return err
	}
	found := slices.DeleteFunc(tlsFunctions(), func(f tlsFunction) bool { return at[f.name] == 0 })
	file, err := link.OpenExecutable(path)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	programs, err := a.tlsPrograms()
	if err != nil {
		return err
	}
	var links []link.Link
	for _, end := range []bool{true, false} {
		for _, f := range found {
			attach, program := file.Uprobe, programs[f.entry]
			if end {
				attach, program = file.Uretprobe, programs[bpf.KernelProgExitSsl]
			}
			l, err := attach(f.name, program, &link.UprobeOptions{Address: at[f.name]})
			if err != nil {
				detach(links)
				return fmt.Errorf("attach to %s in %s: %w", f.name, path, err)
			}
			links = append(links, l)
		}
	}
	a.tls = append(a.tls, links...)
	return nil
}

// ofLibuv is a function of programs that encrypt into memory and send by themselves, as Node does: no socket tells then what a call is about, and attaching would cost them for nothing.
const ofLibuv = "uv_run"

// tlsFunctionsIn finds the functions of a TLS library in a file, by name.
func tlsFunctionsIn(path string) (map[string]uint64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("look for a TLS library: %w", err)
	}
	defer func() { _ = f.Close() }()
	names := []string{ofLibuv}
	for _, f := range tlsFunctions() {
		names = append(names, f.name)
	}
	at, err := functionsOf(f, names)
	if err != nil {
		return nil, fmt.Errorf("look for a TLS library in %s: %w", path, err)
	}
	if at[ofLibuv] != 0 || slices.ContainsFunc(tlsFunctions(), func(f tlsFunction) bool { return f.needed && at[f.name] == 0 }) {
		return nil, fmt.Errorf("%s: %w", path, ErrNoTLS)
	}
	return at, nil
}

// detach closes links, the last first: so starts go before ends.
func detach(links []link.Link) {
	for i := range links {
		_ = links[len(links)-1-i].Close()
	}
}

// tlsPrograms loads the programs, once.
func (a *attacher) tlsPrograms() (map[string]*ebpf.Program, error) {
	if a.forTLS != nil {
		return a.forTLS.Programs, nil
	}
	spec := a.spec.Copy()
	wanted := map[string]*ebpf.ProgramSpec{bpf.KernelProgExitSsl: spec.Programs[bpf.KernelProgExitSsl]}
	for _, f := range tlsFunctions() {
		wanted[f.entry] = spec.Programs[f.entry]
	}
	spec.Programs = wanted
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{MapReplacements: a.maps})
	if err != nil {
		return nil, fmt.Errorf("load the programs for TLS: %w", err)
	}
	a.forTLS = coll
	return coll.Programs, nil
}

// closeTLS detaches from all libraries.
func (a *attacher) closeTLS() {
	detach(a.tls)
	if a.forTLS != nil {
		a.forTLS.Close()
	}
}
