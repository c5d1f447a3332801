package change

import (
	"cmp"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/midwatch/midwatch/collector/host"
	"github.com/midwatch/midwatch/collector/kept"
)

// Kinds of a change, values of telemetry.ChangeKind.
const (
	Executable    = "executable"
	Arguments     = "arguments"
	Configuration = "configuration"
)

// Change is one thing that is new about a service.
type Change struct {
	Process       *host.Process // that runs with it, or ran last
	Kind          string
	File          string // the program or the configuration file; "" for arguments
	Before, After string // short digests; the arguments, secrets masked
	Detail        string // unified diff, secrets masked, at most 4 KiB
	At            time.Time
	mark          string // tells it from the same change at another time: the process that came, or the file's times
}

// Config configures a Tracker.
type Config struct {
	Dir      string // where the state file is kept; made if missing
	Identity host.Identity
	Table    *host.Table
	Sockets  *host.Sockets
	Sink     Sink
	Log      *slog.Logger // nil means slog.Default()
}

// Tracker compares what runs with what is known. Its methods are called by one goroutine.
type Tracker struct {
	cfg    Config
	state  *state
	file   *kept.File
	placed map[host.ID]bool
	dirty  bool // the state is not in the file, nor on its way there
}

const (
	// settle is how long a process runs before it is looked at: by then it has set its title and most listen.
	settle = time.Second
	// patience is how long a process may lack what it is compared by: the digest, a port that tells its place.
	patience = 3 * time.Second
)

// maxPlaced bounds the processes remembered as looked at.
const maxPlaced = 16384

// New reads the state. It starts nothing.
func New(cfg Config) (*Tracker, error) {
	if cfg.Dir == "" || cfg.Table == nil || cfg.Sockets == nil || cfg.Sink == nil {
		return nil, errors.New("track changes: Dir, Table, Sockets and Sink are needed")
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	f, err := kept.New(cfg.Dir, stateFile, cfg.Sink)
	if err != nil {
		return nil, err
	}
	s, err := load(f)
	if err != nil {
		return nil, err
	}
	return &Tracker{cfg: cfg, state: s, file: f, placed: map[host.ID]bool{}}, nil
}

// Step looks at every live process and every known configuration file, and returns what is new. Call it each second,
// and Tell with what it and Ended returned.
func (t *Tracker) Step(now time.Time) []Change {
	t.leave(now)
	if len(t.placed) > maxPlaced {
		clear(t.placed) // whoever still runs is found at its place again
	}
	var out []Change
	for _, p := range t.cfg.Table.Live() {
		if p.Leads && !p.Own && !p.Shell && !t.placed[p.ID()] && now.Sub(p.Started) >= settle {
			out = append(out, t.consider(p, now)...)
		}
	}
	return append(out, t.pollFiles(now)...)
}

// Ended tells of a process that is gone. One that failed before Step looked at it may be a deployment that crashes at once: its
// executable is compared, its arguments are not, because they may not be what it would have shown later.
func (t *Tracker) Ended(p *host.Process, failed bool, now time.Time) []Change {
	svc := t.state.Services[p.Service]
	known := t.placed[p.ID()]
	delete(t.placed, p.ID())
	if known || !failed || svc == nil || !p.Leads || p.Own || p.Shell || p.Digest == "" {
		return nil
	}
	t.leave(now)
	at := svc.vacant(t.placeOf(p, nil))
	if at == nil || at.Digest == "" || at.Digest == p.Digest {
		return nil
	}
	c := executable(at.profile, profile{Digest: p.Digest, Program: p.Program()}, p)
	at.Digest, at.Program, t.dirty = p.Digest, p.Program(), true
	return []Change{c}
}

// leave marks the places whose process is gone.
func (t *Tracker) leave(now time.Time) {
	for _, svc := range t.state.Services {
		taken := 0
		for _, pl := range svc.Places {
			switch {
			case !pl.Left.IsZero():
			case t.cfg.Table.Alive(pl.Process):
				taken++
				t.complete(pl)
			default:
				pl.Left, t.dirty = now, true
			}
		}
		if taken > 0 {
			svc.Places = slices.DeleteFunc(svc.Places, func(pl *place) bool { return !pl.Left.IsZero() && now.Sub(pl.Left) > keepPlace })
		}
	}
}

// complete fills in a digest that was not computed yet when the place was taken.
func (t *Tracker) complete(pl *place) {
	if pl.Digest != "" {
		return
	}
	if p := t.cfg.Table.Get(pl.Process.PID); p != nil && p.ID() == pl.Process && p.Digest != "" {
		pl.Digest, pl.Program, t.dirty = p.Digest, p.Program(), true
	}
}

// consider finds a process its place, and says what is new there.
func (t *Tracker) consider(p *host.Process, now time.Time) []Change {
	ports := t.cfg.Sockets.Ports(p.PID)
	serves := len(ports) > 0 || p.Group.Unit != "" || p.Group.Container != ""
	svc := t.state.Services[p.Service]
	if svc == nil && !serves {
		return nil
	}
	if p.Digest == "" && now.Sub(p.Started) < patience {
		return nil
	}
	next := t.placeOf(p, ports)
	if svc == nil {
		if len(t.state.Services) >= maxServices {
			return nil
		}
		svc = &service{Files: map[string]*file{}}
		t.state.Services[p.Service] = svc
	}
	changes, done := t.settleIn(svc, next, p, serves, now)
	if !done {
		return nil
	}
	t.placed[p.ID()], t.dirty = true, true
	return append(changes, t.adopt(svc, p, now)...)
}

// settleIn puts next where it belongs among the service's places. done is false when that cannot be told yet.
func (t *Tracker) settleIn(svc *service, next *place, p *host.Process, serves bool, now time.Time) (changes []Change, done bool) {
	for _, pl := range svc.Places {
		if pl.Process == next.Process { // known from before the node agent's restart
			pl.Ports, pl.Parent = next.Ports, next.Parent
			return nil, true
		}
	}
	if at := svc.vacant(next); at != nil {
		changes = differences(at.profile, next.profile, p)
		if next.Digest == "" { // it may not be read: what was known stays known
			next.Digest = at.Digest
		}
		*at = *next
		return changes, true
	}
	if now.Sub(p.Started) < patience && len(svc.Places) > 0 {
		return nil, false
	}
	if !serves || len(svc.Places) >= maxPlaces {
		return nil, serves
	}
	if newest := svc.newest(); newest != nil && next.Digest != "" && newest.Left.IsZero() && !svc.runs(next.Digest) {
		changes = []Change{executable(newest.profile, next.profile, p)} // a canary, or a handover without a gap
	}
	svc.Places = append(svc.Places, next)
	return changes, true
}

func (t *Tracker) placeOf(p *host.Process, ports []uint16) *place {
	args := t.cfg.Table.Args(p)
	pl := &place{
		profile: t.state.profile(p, args),
		Process: p.ID(),
		Unit:    p.Group.Unit,
		Group:   p.Group.Container,
		Ports:   ports,
	}
	if parent := t.cfg.Table.Get(p.PPID); parent != nil && p.PPID != 1 {
		pl.Parent = parent.ID()
	}
	return pl
}

// vacant returns the empty place that next comes back to: one with the same profile if there is one, else the last left.
func (s *service) vacant(next *place) *place {
	var best *place
	for _, pl := range s.Places {
		if pl.Left.IsZero() || !pl.same(next) {
			continue
		}
		if pl.Digest == next.Digest && pl.ArgsDigest == next.ArgsDigest {
			return pl
		}
		if best == nil || pl.Left.After(best.Left) {
			best = pl
		}
	}
	return best
}

// same tells whether two processes of one service ran at the same place. Without proof they did not: two servers of one
// make, each with its own arguments, are not deployments of each other.
func (pl *place) same(next *place) bool {
	switch {
	case pl.Unit != "" || next.Unit != "":
		return pl.Unit == next.Unit
	case pl.Group != "" && next.Group != "": // the service is named after the container
		return true
	case pl.Digest == next.Digest && pl.ArgsDigest == next.ArgsDigest:
		return true
	case pl.Parent.PID != 0 && pl.Parent == next.Parent:
		return true
	}
	return slices.ContainsFunc(pl.Ports, func(p uint16) bool { return slices.Contains(next.Ports, p) })
}

func (s *service) newest() *place {
	if len(s.Places) == 0 {
		return nil
	}
	return slices.MaxFunc(s.Places, func(a, b *place) int { return cmp.Compare(a.Process.StartTicks, b.Process.StartTicks) })
}

func (s *service) runs(digest string) bool {
	return slices.ContainsFunc(s.Places, func(pl *place) bool { return pl.Digest == digest || pl.Digest == "" })
}
