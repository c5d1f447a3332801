package host

import (
	"time"

	"github.com/midwatch/midwatch/collector/container"
)

// Process is one process at one moment. It is never changed after it was handed out; the table replaces it.
type Process struct {
	PID, PPID  int
	StartTicks uint64    // clock ticks after boot, which with the PID identifies the process until the next boot
	Started    time.Time // StartTicks as wall time
	Comm       string    // the kernel's short name
	Exe        string    // path of the executable, "" when it may not be read
	Script     string    // absolute path of the script or jar an interpreter runs, "" for anything else
	Args       []string  // as the process shows them, secrets included: mask them before they leave the node
	Dir        string    // working directory
	NetNS      uint64    // inode of the network namespace
	Group      container.Membership
	Service    string // see docs/telemetry.md, "Naming a service"
	Leads      bool   // its parent belongs to another service: it was started, not forked off
	Own        bool   // part of Midwatch
	Shell      bool   // a shell without a script
	Digest     string // SHA-256 of Script or else Exe in hex, "" until it was read
	Build      Build  // of a Go executable, known when Digest is
	Gone       time.Time

	link string // what /proc/PID/exe said, to notice another exec
}

// ID is what tells this process from a later one with the same PID.
type ID struct {
	PID        int
	StartTicks uint64
}

// ID returns the identity of p.
func (p *Process) ID() ID { return ID{p.PID, p.StartTicks} }

// Program is the file whose content makes the version of the process: the script of an interpreter, else the executable.
func (p *Process) Program() string {
	if p.Script != "" {
		return p.Script
	}
	return p.Exe
}

// Version is the short form of Digest, as in service.version.
func (p *Process) Version() string { return p.Digest[:min(12, len(p.Digest))] }
