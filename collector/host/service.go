package host

import (
	"path/filepath"
	"strings"
)

// ownPrefix starts the executable names of Midwatch's parts.
const ownPrefix = "midwatch"

// name decides what service p belongs to. parent is nil when it is unknown. The rules are those of docs/telemetry.md.
func (t *Table) name(p, parent *Process) {
	base := filepath.Base(p.Exe)
	if p.Exe == "" {
		base = p.Comm
	}
	if strings.HasPrefix(base, ownPrefix) {
		p.Own, p.Service = true, ownName(base, p.Args)
		p.Leads = parent == nil || parent.Service != p.Service
		return
	}
	inherits := parent != nil && p.Exe != "" && parent.Exe == p.Exe && (p.Script == parent.Script || p.Script == "") && parent.Service != ""
	if in := interpreterOf(base); in != nil {
		program := in.program(p.Args)
		p.Shell = in.shell && program == ""
		inherits = inherits && !in.shell
		if program != "" {
			base = programName(program)
		}
	}
	switch {
	case inherits:
		p.Service = parent.Service
	case p.Group.Unit != "" && t.isUnitMain(p, parent):
		p.Service = p.Group.Unit
	case p.Group.Container != "":
		p.Service = t.containerName(p.Group.Container)
	}
	if p.Service == "" {
		p.Service = base
	}
	p.Leads = parent == nil || parent.Service != p.Service || parent.Exe != p.Exe
}

// isUnitMain tells whether p is what the unit was made for. What a unit's main process starts from other executables (a CI
// runner, a shell started by a daemon) is named after itself, or everything a runner starts would be one service.
func (t *Table) isUnitMain(p, parent *Process) bool {
	return parent == nil || parent.Group.Unit != p.Group.Unit
}

func (t *Table) containerName(id string) string {
	if name, known := t.containers[id]; known {
		return name
	}
	if len(t.containers) >= maxContainers {
		clear(t.containers)
	}
	name := t.cfg.Names.Name(id)
	t.containers[id] = name
	return name
}

// maxContainers bounds the cache of container names; past it the cache starts over.
const maxContainers = 4096

// ownName is midwatch-<part> for the main program, whose part is its first argument, and the name itself for the others.
func ownName(base string, args []string) string {
	if base != ownPrefix {
		return base
	}
	for i := 1; i < len(args); i++ {
		if !strings.HasPrefix(args[i], "-") {
			return ownPrefix + "-" + args[i]
		}
		if !strings.Contains(args[i], "=") {
			i++ // the option's value
		}
	}
	return base
}
