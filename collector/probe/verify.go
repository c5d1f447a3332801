package probe

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cilium/ebpf"
)

// Program is one of the kernel's programs, as the kernel took it.
type Program struct {
	Name         string
	Instructions int // of the program
	Verified     int // that the kernel went through to prove it safe, of a million at most; 0: it does not say, as before Linux 5.16
}

// Verify loads every program, those too that are fallbacks of others, and attaches none. The error names what the kernel refuses, with its reason.
func Verify(ctx context.Context) ([]Program, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	a, err := open()
	if err != nil {
		return nil, err
	}
	defer a.close()
	var all []Program
	var refused []error
	for _, name := range slices.Sorted(maps.Keys(a.spec.Programs)) {
		p, err := a.verify(name)
		if err != nil {
			refused = append(refused, fmt.Errorf("load %s: %w", name, err))
			continue
		}
		all = append(all, p)
	}
	return all, errors.Join(refused...)
}

func (a *attacher) verify(name string) (Program, error) {
	only := a.spec.Copy()
	only.Programs = map[string]*ebpf.ProgramSpec{name: only.Programs[name]}
	c, err := ebpf.NewCollectionWithOptions(only, ebpf.CollectionOptions{MapReplacements: a.maps})
	if err != nil {
		return Program{}, err
	}
	defer c.Close()
	info, err := c.Programs[name].Info()
	if err != nil {
		return Program{}, fmt.Errorf("ask the kernel about it: %w", err)
	}
	verified, _ := info.VerifiedInstructions()
	return Program{Name: name, Instructions: len(a.spec.Programs[name].Instructions), Verified: int(verified)}, nil
}
