package host

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"

	"github.com/midwatch/midwatch/collector/container"
)

// TableConfig configures a Table.
type TableConfig struct {
	Proc  string          // where proc is mounted; "" means /proc
	Names container.Names // where container runtimes keep names
	Log   *slog.Logger    // nil means slog.Default()
}

// Table is the processes of this machine. It is brought up to date by Refresh and by Get for a process not seen yet.
// Safe for concurrent use.
type Table struct {
	cfg    TableConfig
	fs     procfs.FS
	boot   time.Time
	hashes *digests

	mu         sync.Mutex
	procs      map[int]*Process  // :: PID → process, dead ones for a while
	containers map[string]string // :: container id → name
}

// keepGone is how long a process is remembered after its end, for the spans and lines that arrive late.
const keepGone = time.Minute

// settling is how long after its start a process may still be moved to its control group by whoever started it.
const settling = 10 * time.Second

// maxProcesses bounds the table; what is past it has no identity and is left out.
const maxProcesses = 32768

// kernelThread is PF_KTHREAD in the kernel's task flags.
const kernelThread = 0x00200000

// NewTable returns an empty table.
func NewTable(cfg TableConfig) (*Table, error) {
	cfg.Proc = cmp.Or(cfg.Proc, "/proc")
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	fs, err := procfs.NewFS(cfg.Proc)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", cfg.Proc, err)
	}
	var up unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &up); err != nil {
		return nil, fmt.Errorf("read the time since boot: %w", err)
	}
	return &Table{
		cfg: cfg, fs: fs,
		boot:       time.Now().Add(-time.Duration(up.Nano())),
		hashes:     newDigests(),
		procs:      map[int]*Process{},
		containers: map[string]string{},
	}, nil
}

// Get returns the process with this PID, from /proc when the table does not have it yet; nil when there is none, or only a
// kernel thread. One that ended within the last minute is still found.
func (t *Table) Get(pid int) *Process {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.get(pid, 0)
}

// maxDepth bounds the climb to a process's ancestors: a reused PID could otherwise make a circle.
const maxDepth = 32

func (t *Table) get(pid, depth int) *Process {
	if p := t.procs[pid]; p != nil && p.Gone.IsZero() {
		return p
	}
	if p := t.read(pid, depth); p != nil {
		return p
	}
	return t.procs[pid]
}

// Exec reads a process anew, because it runs another program now.
func (t *Table) Exec(pid int) *Process {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.read(pid, 0)
}

// Exit marks a process as gone, so that a later one with its PID is not mistaken for it. It returns what is known of it, nil if nothing.
func (t *Table) Exit(pid int, at time.Time) *Process {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.bury(pid, at)
}

func (t *Table) bury(pid int, at time.Time) *Process {
	p := t.procs[pid]
	if p == nil || !p.Gone.IsZero() {
		return p
	}
	dead := *p
	dead.Gone = at
	t.procs[pid] = &dead
	return &dead
}

// Live returns the processes alive at the last refresh, by PID.
func (t *Table) Live() []*Process {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]*Process, 0, len(t.procs))
	for _, p := range t.procs {
		if p.Gone.IsZero() {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b *Process) int { return a.PID - b.PID })
	return out
}

// Refresh brings the table in line with /proc and returns who appeared (or runs another program now) and who left.
func (t *Table) Refresh(now time.Time) (appeared, left []*Process, err error) {
	all, err := t.fs.AllProcs()
	if err != nil {
		return nil, nil, fmt.Errorf("list processes: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	alive := make(map[int]bool, len(all))
	for _, pr := range all {
		alive[pr.PID] = true
		if known := t.procs[pr.PID]; known == nil || !known.Gone.IsZero() || t.changed(pr, known) {
			if p := t.read(pr.PID, 0); p != nil {
				appeared = append(appeared, p)
			}
		} else if young := now.Sub(known.Started) < settling; young || known.Digest == "" {
			p := *known
			if group, err := container.Of(pr); young && err == nil {
				p.Group = group
			}
			if p.Digest == "" {
				t.digest(&p)
			}
			t.procs[pr.PID] = &p
		}
	}
	for pid, p := range t.procs {
		switch {
		case p.Gone.IsZero() && !alive[pid]:
			left = append(left, t.bury(pid, now))
		case !p.Gone.IsZero() && now.Sub(p.Gone) > keepGone:
			delete(t.procs, pid)
		}
	}
	return appeared, left, nil
}

// changed tells whether the PID belongs to another process now, or its process runs another program.
func (t *Table) changed(pr procfs.Proc, known *Process) bool {
	link, err := os.Readlink(t.path(pr.PID, "exe"))
	if err == nil && link != known.link {
		return true
	}
	b, ok := t.brief(pr.PID)
	return ok && b.startTicks != known.StartTicks
}

// read makes the table's entry for pid from /proc; nil when it is gone, a zombie or a kernel thread.
func (t *Table) read(pid, depth int) *Process {
	pr, err := t.fs.Proc(pid)
	if err != nil {
		return nil
	}
	st, err := pr.Stat()
	if err != nil || st.Flags&kernelThread != 0 || st.State == "Z" || st.State == "X" {
		return nil
	}
	if len(t.procs) >= maxProcesses && t.procs[pid] == nil {
		return nil
	}
	p := &Process{
		PID: pid, PPID: st.PPID, Comm: st.Comm, StartTicks: st.Starttime,
		Started: t.boot.Add(time.Duration(st.Starttime) * (time.Second / userHZ)),
	}
	if p.link, err = os.Readlink(t.path(pid, "exe")); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	p.Exe = strings.TrimSuffix(p.link, " (deleted)")
	p.Dir, _ = os.Readlink(t.path(pid, "cwd"))
	p.Args, _ = pr.CmdLine()
	p.NetNS = inode(t.path(pid, "ns/net"))
	p.Group, _ = container.Of(pr)
	p.Script = t.script(p)
	var parent *Process
	if p.PPID > 0 && p.PPID != pid && depth < maxDepth {
		parent = t.get(p.PPID, depth+1)
	}
	t.name(p, parent)
	t.procs[pid] = p
	t.digest(p)
	return t.procs[pid]
}

// userHZ is the unit of the tick counts in /proc: 100 on every architecture Linux supports today.
const userHZ = 100

// script returns the absolute path of what an interpreter runs if that is a file.
func (t *Table) script(p *Process) string {
	in := interpreterOf(p.Exe)
	if in == nil {
		return ""
	}
	file := in.program(p.Args)
	if file == "" {
		return ""
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(p.Dir, file)
	}
	if st, err := os.Stat(t.Path(p, file)); err != nil || !st.Mode().IsRegular() {
		return ""
	}
	return file
}

// Alive tells whether a process still runs; a zombie does not.
func (t *Table) Alive(id ID) bool {
	b, ok := t.brief(id.PID)
	return ok && b.startTicks == id.StartTicks && !b.dead()
}

// Group reads the control group a process is in now, and returns the last known when it is gone.
func (t *Table) Group(p *Process) container.Membership {
	pr, err := t.fs.Proc(p.PID)
	if err != nil {
		return p.Group
	}
	group, err := container.Of(pr)
	if err != nil {
		return p.Group
	}
	return group
}

// Args reads the arguments a process shows now. Servers that set their title change them soon after their start.
func (t *Table) Args(p *Process) []string {
	pr, err := t.fs.Proc(p.PID)
	if err != nil {
		return p.Args
	}
	args, err := pr.CmdLine()
	if err != nil || len(args) == 0 {
		return p.Args
	}
	return args
}

// User is who a process acts as.
type User struct{ UID, GID uint32 }

// User reads who a process acts as now, from its status: the owner of its directory in /proc can be another one. ok is false when
// the process is gone.
func (t *Table) User(p *Process) (u User, ok bool) {
	pr, err := t.fs.Proc(p.PID)
	if err != nil {
		return u, false
	}
	st, err := pr.NewStatus()
	if err != nil {
		return u, false
	}
	const effective = 1
	return User{uint32(st.UIDs[effective]), uint32(st.GIDs[effective])}, true //nolint:gosec // the kernel's are 32 bits
}

// Path turns a path as p sees it into one this process can open, whatever root directory p has.
func (t *Table) Path(p *Process, file string) string { return t.path(p.PID, "root"+file) }

func (t *Table) path(pid int, name string) string {
	return fmt.Sprintf("%s/%d/%s", t.cfg.Proc, pid, name)
}

func inode(path string) uint64 {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return 0
	}
	return st.Ino
}
