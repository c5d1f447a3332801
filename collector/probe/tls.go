package probe

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/midwatch/midwatch/bpf"
)

// ErrNoTLS means that a file has none of the functions by which TLS libraries are used.
var ErrNoTLS = errors.New("no TLS library")

// ErrNotRunning means that the probe watches nothing now.
var ErrNotRunning = errors.New("the probe is not running")

// tlsFunction is a function of a TLS library, and the programs for its start and its end, "" for none.
type tlsFunction struct {
	name, start, end string
	needed           bool
}

// openSSL are the functions of OpenSSL, which BoringSSL and others have, too.
func openSSL() []tlsFunction {
	return []tlsFunction{
		{"SSL_read", bpf.KernelProgEnterSslRead, bpf.KernelProgExitSsl, true},
		{"SSL_write", bpf.KernelProgEnterSslWrite, bpf.KernelProgExitSsl, true},
		{"SSL_do_handshake", bpf.KernelProgEnterSslHandshake, bpf.KernelProgExitSslHandshake, true},
		{"SSL_free", bpf.KernelProgEnterSslFree, "", true},
		{"SSL_read_ex", bpf.KernelProgEnterSslReadEx, bpf.KernelProgExitSsl, false}, // since OpenSSL 1.1.1
		{"SSL_write_ex", bpf.KernelProgEnterSslWriteEx, bpf.KernelProgExitSsl, false},
	}
}

// goTLS are those of Go's crypto/tls.
func goTLS() []tlsFunction {
	return []tlsFunction{
		{"crypto/tls.(*Conn).Read", bpf.KernelProgEnterGoTlsRead, bpf.KernelProgExitGoTls, true},
		{"crypto/tls.(*Conn).Write", bpf.KernelProgEnterGoTlsWrite, bpf.KernelProgExitGoTls, true},
		{"crypto/tls.(*Conn).clientHandshake", bpf.KernelProgEnterGoTlsHandshake, bpf.KernelProgExitGoTlsHandshake, false}, // of clients, and of servers: one may be left out
		{"crypto/tls.(*Conn).serverHandshake", bpf.KernelProgEnterGoTlsHandshake, bpf.KernelProgExitGoTlsHandshake, false},
	}
}

func namesOf(functions []tlsFunction) (names []string) {
	for _, f := range functions {
		names = append(names, f.name)
	}
	return names
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

// attachTLS attaches to the functions of a library. Their ends come first: a call of which the start alone is seen would hide what comes after it.
func (a *attacher) attachTLS(path string) error {
	places, err := tlsPlacesIn(path)
	if err != nil {
		return err
	}
	file, err := link.OpenExecutable(path)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	ends, err := a.attachAt(file, places, true)
	if err != nil {
		return fmt.Errorf("attach to the ends of TLS functions in %s: %w", path, err)
	}
	starts, err := a.attachAt(file, places, false)
	if err != nil {
		closeAll(ends)
		return fmt.Errorf("attach to TLS functions in %s: %w", path, err)
	}
	a.tls.starts, a.tls.ends = append(a.tls.starts, starts...), append(a.tls.ends, ends...)
	return nil
}

// attachAt attaches to the ends of functions, or to their starts: all that a program is for with one link where the kernel can, else with one each.
func (a *attacher) attachAt(file *link.Executable, places []place, ends bool) (links []link.Link, err error) {
	offsets := map[target][]uint64{}
	for _, p := range places {
		if p.end == ends {
			offsets[p.target] = append(offsets[p.target], p.offset)
		}
	}
	for t, at := range offsets {
		l, err := a.attachEach(file, t, at)
		links = append(links, l...)
		if err != nil {
			closeAll(links)
			return nil, fmt.Errorf("%s: %w", t.program, err)
		}
	}
	return links, nil
}

func (a *attacher) attachEach(file *link.Executable, t target, at []uint64) (links []link.Link, err error) {
	if !a.tls.single {
		programs, err := a.tlsPrograms(ebpf.AttachTraceUprobeMulti)
		if err == nil {
			attach := file.UprobeMulti
			if t.back {
				attach = file.UretprobeMulti
			}
			l, err := attach(nil, programs[t.program], &link.UprobeMultiOptions{Addresses: at})
			if err == nil {
				return []link.Link{l}, nil
			}
		}
		a.tls.single = true // before Linux 6.6
	}
	programs, err := a.tlsPrograms(ebpf.AttachNone)
	if err != nil {
		return nil, err
	}
	attach := file.Uprobe
	if t.back {
		attach = file.Uretprobe
	}
	for _, offset := range at {
		l, err := attach(t.program, programs[t.program], &link.UprobeOptions{Address: offset})
		if err != nil {
			return links, err //nolint:wrapcheck // by the caller
		}
		links = append(links, l)
	}
	return links, nil
}

// target is a program and how it is attached.
type target struct {
	program string
	back    bool // where the function returns to, else at the offset itself
}

// place is where a program is attached to.
type place struct {
	target
	offset uint64 // in the file
	end    bool   // of a function, else its start
}

// tlsPlacesIn finds where to attach in a file.
func tlsPlacesIn(path string) (places []place, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("look for a TLS library: %w", err)
	}
	defer func() { _ = f.Close() }()
	switch found, err := goFunctionsOf(f, namesOf(goTLS())); {
	case err == nil && hasAll(goTLS(), found):
		return goPlaces(found), nil
	case err != nil && !errors.Is(err, errNotGo):
		return nil, fmt.Errorf("look for Go's TLS in %s: %w", path, err)
	}
	found, err := functionsOf(f, namesOf(openSSL()))
	if err != nil {
		return nil, fmt.Errorf("look for a TLS library in %s: %w", path, err)
	}
	if !hasAll(openSSL(), found) {
		return nil, fmt.Errorf("%s: %w", path, ErrNoTLS)
	}
	for _, f := range openSSL() {
		if at := found[f.name]; at != 0 {
			places = append(places, place{target{f.start, false}, at, false})
			if f.end != "" {
				places = append(places, place{target{f.end, true}, at, true})
			}
		}
	}
	return places, nil
}

// hasAll tells whether all functions are there without which nothing is seen.
func hasAll[V any](functions []tlsFunction, found map[string]V) bool {
	return !slices.ContainsFunc(functions, func(f tlsFunction) bool {
		_, ok := found[f.name]
		return f.needed && !ok
	})
}

func goPlaces(found map[string]code) (places []place) {
	for _, f := range goTLS() {
		c, ok := found[f.name]
		if !ok {
			continue
		}
		places = append(places, place{target{f.start, false}, c.entry, false})
		for _, r := range c.returns {
			places = append(places, place{target{f.end, false}, r, true})
		}
	}
	return places
}

// tlsAttached is what is attached to TLS libraries.
type tlsAttached struct {
	starts, ends []link.Link
	single       bool // the kernel attaches to one place at a time
	programs     map[ebpf.AttachType]*ebpf.Collection
}

// tlsPrograms loads the programs, once for each way to attach them.
func (a *attacher) tlsPrograms(as ebpf.AttachType) (map[string]*ebpf.Program, error) {
	if c := a.tls.programs[as]; c != nil {
		return c.Programs, nil
	}
	spec := a.spec.Copy()
	wanted := map[string]*ebpf.ProgramSpec{}
	for _, f := range slices.Concat(openSSL(), goTLS()) {
		for _, name := range []string{f.start, f.end} {
			if p := spec.Programs[name]; p != nil {
				wanted[name], p.AttachType = p, as
			}
		}
	}
	spec.Programs = wanted
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{MapReplacements: a.maps})
	if err != nil {
		return nil, fmt.Errorf("load the programs for TLS: %w", err)
	}
	if a.tls.programs == nil {
		a.tls.programs = map[ebpf.AttachType]*ebpf.Collection{}
	}
	a.tls.programs[as] = coll
	return coll.Programs, nil
}

// close detaches from all libraries, from starts before ends.
func (t *tlsAttached) close() {
	closeAll(t.starts)
	closeAll(t.ends)
	for _, c := range t.programs {
		c.Close()
	}
}

// closeAll closes links at once: each waits until no CPU runs its program.
func closeAll(links []link.Link) {
	var wg sync.WaitGroup
	for _, l := range links {
		wg.Go(func() { _ = l.Close() })
	}
	wg.Wait()
}
