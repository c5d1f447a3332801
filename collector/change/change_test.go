package change

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/midwatch/midwatch/collector/host"
	"github.com/midwatch/midwatch/collector/host/hosttest"
	"github.com/midwatch/midwatch/internal/telemetry"
)

func TestMain(m *testing.M) {
	hosttest.Main(m, map[string]func([]string){
		"serve": func([]string) {
			if _, err := net.Listen("tcp", "127.0.0.1:0"); err != nil {
				panic(err)
			}
			hosttest.Ready()
			hosttest.Wait()
		},
		"crash": func([]string) { hosttest.Ready(); os.Exit(3) },
		"eat": func([]string) {
			hosttest.Ready()
			hosttest.Wait() // the test moves us into the control group first
			hosttest.Eat()
		},
	})
}

// prompt is a sink that has everything at once.
type prompt struct{}

func (prompt) LogsAs(context.Context, string, plog.Logs) error { return nil }
func (prompt) Queued() uint64                                  { return 0 }
func (prompt) Settled() uint64                                 { return 0 }

// rig is a machine to look at: the real one, with a tracker of its own.
type rig struct {
	*testing.T
	table   *host.Table
	sockets *host.Sockets
	tracker *Tracker
	sink    Sink
	dir     string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	table, err := host.NewTable(host.TableConfig{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = table.Hash(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	r := &rig{T: t, table: table, sockets: host.NewSockets(table), sink: prompt{}, dir: t.TempDir()}
	r.restart()
	return r
}

// restart is what a restart of the node agent does to the tracker.
func (r *rig) restart() {
	r.Helper()
	tracker, err := New(Config{Dir: r.dir, Table: r.table, Sockets: r.sockets, Sink: r.sink})
	if err != nil {
		r.Fatal(err)
	}
	r.tracker = tracker
}

// step does what the node agent does each second, and keeps the changes of one service.
func (r *rig) step(service string) []Change {
	r.Helper()
	now := time.Now()
	_, left, err := r.table.Refresh(now)
	if err != nil {
		r.Fatal(err)
	}
	r.sockets.Refresh(now)
	var out []Change
	for _, p := range left {
		out = append(out, r.tracker.Ended(p, p.Service == service, now)...)
	}
	out = append(out, r.tracker.Step(now)...)
	r.tracker.Tell(r.Context(), out)
	var own []Change
	for _, c := range out {
		if c.Process.Service == service {
			own = append(own, c)
		}
	}
	return own
}

// placed steps until the child is known, and returns what was new about it.
func (r *rig) placed(c *hosttest.Child, service string) []Change {
	r.Helper()
	var out []Change
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); <-time.After(100 * time.Millisecond) {
		out = append(out, r.step(service)...)
		if p := r.table.Get(c.PID()); p != nil && r.tracker.placed[p.ID()] {
			return out
		}
	}
	r.Fatalf("%s was not looked at within 15 s", service)
	return nil
}

// next steps until something is new.
func (r *rig) next(service string) []Change {
	r.Helper()
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); <-time.After(100 * time.Millisecond) {
		if out := r.step(service); len(out) > 0 {
			return out
		}
	}
	r.Fatalf("nothing new about %s within 15 s", service)
	return nil
}

// outlive waits until what is written can no longer be the process's own; a file's time lags behind the clock by up to a tick.
func outlive(p *host.Process) {
	for time.Since(p.Started) < ownWriting+100*time.Millisecond {
		<-time.After(50 * time.Millisecond)
	}
}

func (r *rig) want(got []Change, kinds ...string) {
	r.Helper()
	var have []string
	for _, c := range got {
		have = append(have, c.Kind)
	}
	if strings.Join(have, " ") != strings.Join(kinds, " ") {
		r.Fatalf("changes %q, want %q", have, kinds)
	}
}

func TestWhatIsADeployment(t *testing.T) {
	r, exe := newRig(t), filepath.Join(t.TempDir(), "till")
	config := filepath.Join(t.TempDir(), "till.yaml")
	put(t, config, "payment: 127.0.0.1:8085\npassword: hunter2\n")
	hosttest.Copy(t, exe, "one")
	args := []string{"-config", config, "--token=hunter3"}

	child := hosttest.Start(t, exe, "serve", args...)
	r.want(r.placed(child, "till")) // the first sight of a service is none

	child.Stop()
	child = hosttest.Start(t, exe, "serve", args...)
	r.want(r.placed(child, "till")) // nor is a restart

	child.Stop()
	hosttest.Copy(t, exe, "two")
	started := time.Now()
	child = hosttest.Start(t, exe, "serve", args...)
	got := r.placed(child, "till")
	r.want(got, Executable)
	if c := got[0]; c.Before == c.After || c.File != exe || c.Before == "" || c.At.Before(started.Add(-2*time.Second)) {
		t.Errorf("change %+v", c)
	}

	child.Stop()
	child = hosttest.Start(t, exe, "serve", append(args, "--verbose")...)
	got = r.placed(child, "till")
	r.want(got, Arguments)
	if d := got[0].Detail; !strings.Contains(d, "+--verbose") || strings.Contains(d, "hunter") {
		t.Errorf("detail:\n%s", d)
	}

	outlive(r.table.Get(child.PID()))
	put(t, config, "payment: 127.0.0.1:9999\npassword: hunter4\n")
	got = r.next("till")
	r.want(got, Configuration)
	if c := got[0]; c.File != config || !strings.Contains(c.Detail, "-payment: 127.0.0.1:8085\n+payment: 127.0.0.1:9999") || strings.Contains(c.Detail, "hunter") {
		t.Errorf("change %+v", c)
	}

	r.restart()
	r.want(r.placed(child, "till")) // a node agent that restarts repeats nothing …

	put(t, config, "payment: 127.0.0.1:8085\npassword: hunter4\n")
	child.Stop()
	hosttest.Copy(t, exe, "three")
	r.restart()
	child = hosttest.Start(t, exe, "serve", append(args, "--verbose")...)
	r.want(r.placed(child, "till"), Executable, Configuration) // … and misses nothing

	state, err := os.ReadFile(filepath.Join(r.dir, stateFile))
	if err != nil || strings.Contains(string(state), "hunter") {
		t.Errorf("the state file holds a secret, or is not there: %v", err)
	}
}

func TestADigestThatComesLateStillCounts(t *testing.T) {
	r, exe := newRig(t), filepath.Join(t.TempDir(), "sloth")
	hosttest.Copy(t, exe, "one")
	child := hosttest.Start(t, exe, "serve")
	r.want(r.placed(child, "sloth"))
	r.tracker.state.Services["sloth"].Places[0].Digest = "" // as if hashing had taken longer than patience
	r.want(r.step("sloth"))
	child.Stop()
	hosttest.Copy(t, exe, "two")
	r.want(r.placed(hosttest.Start(t, exe, "serve"), "sloth"), Executable)
}

func TestTwoInstancesAreNotDeploymentsOfEachOther(t *testing.T) {
	r, exe := newRig(t), filepath.Join(t.TempDir(), "twin")
	hosttest.Copy(t, exe, "")
	a := hosttest.Start(t, exe, "serve", "--port=1")
	r.want(r.placed(a, "twin"))
	b := hosttest.Start(t, exe, "serve", "--port=2")
	r.want(r.placed(b, "twin"))
	b.Stop()
	b = hosttest.Start(t, exe, "serve", "--port=2")
	r.want(r.placed(b, "twin"))
	a.Stop()
	a = hosttest.Start(t, exe, "serve", "--port=1")
	r.want(r.placed(a, "twin"))
	hosttest.Copy(t, exe, "new")
	c := hosttest.Start(t, exe, "serve", "--port=3")
	r.want(r.placed(c, "twin"), Executable) // another version beside the old one is a canary
	b.Stop()
	a.Stop()
}

func TestAVersionThatCrashesAtOnceIsSeen(t *testing.T) {
	r, exe := newRig(t), filepath.Join(t.TempDir(), "frail")
	hosttest.Copy(t, exe, "")
	child := hosttest.Start(t, exe, "serve")
	r.want(r.placed(child, "frail"))
	child.Stop()
	hosttest.Copy(t, exe, "new")
	crash := hosttest.Start(t, exe, "serve")
	for r.table.Get(crash.PID()) == nil || r.table.Get(crash.PID()).Digest == "" {
		<-time.After(10 * time.Millisecond)
	}
	crash.Kill()
	r.want(r.next("frail"), Executable)
}

func TestAFileThatProgramsWriteIsNotConfiguration(t *testing.T) {
	r, exe := newRig(t), filepath.Join(t.TempDir(), "clerk")
	notes := filepath.Join(t.TempDir(), "notes.txt")
	put(t, notes, "0")
	hosttest.Copy(t, exe, "")
	r.want(r.placed(hosttest.Start(t, exe, "serve", "--notes="+notes), "clerk"))
	told := 0
	f := r.tracker.state.Services["clerk"].Files[notes]
	outlive(f.process)
	for n := 1; !f.ignored && n < 50; n++ {
		put(t, notes, fmt.Sprint(n))
		told += len(r.step("clerk"))
		told += len(r.step("clerk"))
	}
	if !f.ignored || told != maxChanges-1 {
		t.Errorf("ignored: %v, told %d times", f.ignored, told)
	}
}

func TestWhatTheNextProcessWritesIsItsOwn(t *testing.T) {
	r, exe := newRig(t), filepath.Join(t.TempDir(), "heir")
	address := filepath.Join(t.TempDir(), "address")
	put(t, address, "127.0.0.1:1\n")
	hosttest.Copy(t, exe, "")
	child := hosttest.Start(t, exe, "serve", address)
	r.want(r.placed(child, "heir"))
	outlive(r.table.Get(child.PID()))

	twin := hosttest.Start(t, exe, "serve", address)
	r.want(r.placed(twin, "heir"))
	outlive(r.table.Get(twin.PID()))
	twin.Stop() // the file is still the first one's
	put(t, address, "127.0.0.1:2\n")
	r.want(r.next("heir"), Configuration)

	child.Stop()
	r.want(r.step("heir"))
	child = hosttest.Start(t, exe, "serve", address)
	r.want(r.step("heir"))
	put(t, address, "127.0.0.1:3\n") // as the process would, before it is looked at
	written := r.table.Get(child.PID()).Started.Add(100 * time.Millisecond)
	if err := os.Chtimes(address, written, written); err != nil {
		t.Fatal(err)
	}
	r.want(r.step("heir"))
	r.want(r.step("heir"))
	r.want(r.placed(child, "heir"))
}

func TestLifecycle(t *testing.T) {
	table, err := host.NewTable(host.TableConfig{})
	if err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(t.TempDir(), "usher")
	hosttest.Copy(t, exe, "")
	old := hosttest.Start(t, exe, "serve")
	if _, _, err := table.Refresh(time.Now()); err != nil {
		t.Fatal(err)
	}
	for time.Since(table.Get(old.PID()).Started) < established {
		<-time.After(50 * time.Millisecond)
	}
	l := NewLifecycle(table, time.Now().Add(-time.Second)) // the kernel cuts the times of starts to ticks
	count := func(events []Event) (n int) {
		for _, e := range events {
			if e.Process.Service == "usher" {
				n++
			}
		}
		return n
	}
	if n := count(l.Step(time.Now())); n != 0 {
		t.Errorf("%d starts of what ran before", n)
	}
	p := table.Get(old.PID())
	old.Kill()
	events := l.Ended(Event{Process: p, At: time.Now(), Known: true, Signal: syscall.SIGKILL})
	if len(events) != 1 || events[0].Name != telemetry.EventExit {
		t.Fatalf("events %+v", events)
	}
	logs := plog.NewLogs()
	events[0].Append(logs, host.Identity{Host: "h", Environment: "e"})
	record := logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
	if v, _ := record.Attributes().Get(telemetry.ExitSignal); v.Str() != "SIGKILL" || record.SeverityNumber() != plog.SeverityNumberError {
		t.Errorf("record %v", record.Attributes().AsRaw())
	}
	hosttest.Start(t, exe, "serve")
	if _, _, err := table.Refresh(time.Now()); err != nil {
		t.Fatal(err)
	}
	if n := count(l.Step(time.Now())); n != 1 {
		t.Errorf("%d starts of a known service, want 1 at once", n)
	}
	crash := Event{Process: p, Known: true, Code: 1, At: time.Now()}
	for range 2 * perMinute {
		l.Ended(crash)
	}
	if l.Dropped() == 0 {
		t.Error("a crash loop is not bounded")
	}
}

func TestMemoryKillIsSeenInTheCounters(t *testing.T) {
	group := hosttest.MemoryGroup(t, 48<<20)
	table, err := host.NewTable(host.TableConfig{})
	if err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(t.TempDir(), "glutton")
	hosttest.Copy(t, exe, "")
	child := hosttest.Start(t, exe, "eat")
	put(t, filepath.Join(group, "cgroup.procs"), fmt.Sprint(child.PID()))
	if _, _, err := table.Refresh(time.Now()); err != nil {
		t.Fatal(err)
	}
	l := NewLifecycle(table, time.Now())
	l.Memory(nil, time.Now())
	child.Stop() // lets it eat; ends when the kernel has had enough
	_, left, err := table.Refresh(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	events := slices.DeleteFunc(l.Memory(left, time.Now()), func(e Event) bool { return e.Process.Service != "glutton" }) // others eat too
	if len(events) != 1 || events[0].Limit != 48<<20 || events[0].Name != telemetry.EventOOMKill {
		t.Errorf("events %+v", events)
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
