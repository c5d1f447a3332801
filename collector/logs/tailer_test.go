package logs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/midwatch/midwatch/collector/host"
	"github.com/midwatch/midwatch/collector/host/hosttest"
	"github.com/midwatch/midwatch/collector/kept"
	"github.com/midwatch/midwatch/internal/telemetry"
)

func TestMain(m *testing.M) {
	hosttest.Main(m, map[string]func([]string){
		"write": func(args []string) {
			f, err := os.OpenFile(args[0], os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			if err != nil {
				panic(err)
			}
			hosttest.Ready()
			hosttest.Wait()
			_ = f.Close()
		},
	})
}

// recorder keeps what it is sent as "service: body".
type recorder struct {
	mu    sync.Mutex
	lines []string
	holds bool
}

func (r *recorder) Queued() uint64 { return uint64(len(r.all())) }

func (r *recorder) Settled() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.holds {
		return 0
	}
	return uint64(len(r.lines))
}

func (r *recorder) Logs(_ context.Context, ld plog.Logs) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range ld.ResourceLogs().Len() {
		rl := ld.ResourceLogs().At(i)
		service, _ := rl.Resource().Attributes().Get(telemetry.ServiceName)
		for j := range rl.ScopeLogs().At(0).LogRecords().Len() {
			r.lines = append(r.lines, service.Str()+": "+rl.ScopeLogs().At(0).LogRecords().At(j).Body().Str())
		}
	}
	return nil
}

// hold acknowledges nothing any more.
func (r *recorder) hold() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.holds = true
}

func (r *recorder) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.lines...)
}

// rig runs a tailer that a test can stop and start.
type rig struct {
	*testing.T
	dir, state string
	table      *host.Table
	sockets    *host.Sockets
	got        *recorder
	paths      []Path
	rate       int
	tailer     *Tailer
}

func newRig(t *testing.T) *rig {
	t.Helper()
	table, err := host.NewTable(host.TableConfig{})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{T: t, dir: t.TempDir(), state: t.TempDir(), table: table, sockets: host.NewSockets(table), got: &recorder{}}
	r.paths = []Path{{Glob: filepath.Join(r.dir, "*.log")}}
	return r
}

// start runs a tailer and returns what stops it.
func (r *rig) start() (stop func()) {
	r.Helper()
	tailer, err := New(Config{Paths: r.paths, Dir: r.state, RateLimit: r.rate, Table: r.table, Sockets: r.sockets, Sink: r.got})
	if err != nil {
		r.Fatal(err)
	}
	r.tailer = tailer
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- tailer.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				r.Error(err)
			}
		})
	}
	r.Cleanup(stop)
	for { // the first scan decides what is old
		if _, err := os.Stat(filepath.Join(r.state, positionsFile)); err == nil {
			return stop
		}
		<-time.After(5 * time.Millisecond)
	}
}

func (r *rig) write(name, text string) {
	r.Helper()
	f, err := os.OpenFile(filepath.Join(r.dir, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		r.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		r.Fatal(err)
	}
}

// want waits until exactly these lines have come, in this order.
func (r *rig) want(lines ...string) {
	r.Helper()
	for deadline := time.Now().Add(15 * time.Second); ; <-time.After(20 * time.Millisecond) {
		got := r.got.all()
		if strings.Join(got, "\n") == strings.Join(lines, "\n") {
			return
		}
		if time.Now().After(deadline) || len(got) > len(lines) {
			r.Fatalf("got %q\nwant %q", got, lines)
		}
	}
}

func TestLinesAreReadOnceWhateverHappensToTheFile(t *testing.T) {
	r := newRig(t)
	r.write("till.log", "old\n") // there before the first start: nobody asked for it
	stop := r.start()
	r.write("fresh.log", "1\n2\n")
	r.want("fresh: 1", "fresh: 2")
	r.write("fresh.log", "hal")
	r.write("fresh.log", "f\n")
	r.want("fresh: 1", "fresh: 2", "fresh: half")

	// Rotation: what is written to the old file late still comes.
	old := filepath.Join(r.dir, "fresh.log")
	if err := os.Rename(old, old+".1"); err != nil {
		t.Fatal(err)
	}
	r.write("fresh.log.1", "late\n")
	r.want("fresh: 1", "fresh: 2", "fresh: half", "fresh: late")
	r.write("fresh.log", "new\n")
	r.want("fresh: 1", "fresh: 2", "fresh: half", "fresh: late", "fresh: new")

	// Truncation starts over.
	if err := os.Truncate(old, 0); err != nil {
		t.Fatal(err)
	}
	r.write("fresh.log", "x\n")
	r.want("fresh: 1", "fresh: 2", "fresh: half", "fresh: late", "fresh: new", "fresh: x")

	// A restart misses nothing and repeats nothing, rotation meanwhile included.
	stop()
	r.write("fresh.log", "while away\n")
	if err := os.Rename(old, old+".2"); err != nil {
		t.Fatal(err)
	}
	r.write("fresh.log", "after\n")
	stop = r.start()
	defer stop()
	for deadline := time.Now().Add(10 * time.Second); len(r.got.all()) < 8 && time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
	}
	got := strings.Join(r.got.all()[6:], "|")
	if !strings.Contains(got, "while away") || !strings.Contains(got, "fresh: after") || len(r.got.all()) != 8 {
		t.Errorf("after the restart: %q", got)
	}
}

func TestLinesThatWereNotAcknowledgedAreReadAgain(t *testing.T) {
	r := newRig(t)
	stop := r.start()
	r.write("a.log", "1\n")
	r.want("a: 1")
	for deadline := time.Now().Add(15 * time.Second); r.offset() != 2; <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the position is %d after 15 s, want 2", r.offset())
		}
	}
	r.got.hold()
	r.write("a.log", "2\n")
	r.want("a: 1", "a: 2")
	stop()
	if n := r.offset(); n != 2 {
		t.Errorf("the position is %d although the line before it was not acknowledged", n)
	}
	r.got = &recorder{}
	r.start()
	r.want("a: 2")
}

func TestAFileThatGetsItsNameBackIsFollowedOn(t *testing.T) {
	r := newRig(t)
	tailer, err := New(Config{Paths: r.paths, Dir: r.state, Table: r.table, Sockets: r.sockets, Sink: r.got})
	if err != nil {
		t.Fatal(err)
	}
	name, away := filepath.Join(r.dir, "a.log"), filepath.Join(r.dir, "a.away")
	r.write("a.log", "")
	rename := func(from, to string) {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	tailer.scan(now)
	r.write("a.log", "1\n")
	rename(name, away)
	tailer.scan(now)
	rename(away, name)
	tailer.scan(now)
	tailer.read(t.Context(), now) // the line; from here on there is nothing to read
	tailer.read(t.Context(), now.Add(2*drainTime))
	if len(tailer.tails) != 1 {
		t.Error("it was given up, and would be read from its beginning again")
	}
	tailer.finish(t.Context())
	r.want("a: 1")
}

func TestCredentialsStayHere(t *testing.T) {
	r := newRig(t)
	r.start()
	r.write("a.log", "login password=hunter2 user=jo\n")
	r.want("a: login password=**** user=jo")
}

func TestTheWriterNamesTheService(t *testing.T) {
	r := newRig(t)
	exe := filepath.Join(t.TempDir(), "scribe")
	hosttest.Copy(t, exe, "")
	file := filepath.Join(r.dir, "whatever.log")
	hosttest.Start(t, exe, "write", file)
	if _, _, err := r.table.Refresh(time.Now()); err != nil {
		t.Fatal(err)
	}
	r.sockets.Watch([]string{file})
	r.sockets.Refresh(time.Now())
	r.write("tail.txt", "")
	r.paths = append(r.paths, Path{Glob: filepath.Join(r.dir, "tail.txt"), Service: "named"})
	r.start()
	for r.tailerSees() < 2 {
		<-time.After(10 * time.Millisecond)
	}
	r.write("whatever.log", "a\n")
	r.want("scribe: a")
	r.write("tail.txt", "b\n")
	r.want("scribe: a", "named: b")
}

// tailerSees counts the files in the state, which is written after each scan.
func (r *rig) tailerSees() int {
	return len(r.positions().Files)
}

func (r *rig) positions() positions {
	r.Helper()
	f, err := kept.New(r.state, positionsFile, r.got)
	if err != nil {
		r.Fatal(err)
	}
	p, err := loadPositions(f)
	if err != nil {
		r.Fatal(err)
	}
	return p
}

// offset is how far a.log was read, as it is kept.
func (r *rig) offset() int64 {
	for _, p := range r.positions().Files {
		if filepath.Base(p.Path) == "a.log" {
			return p.Offset
		}
	}
	return -1
}

func TestLongLinesAreCutAndFloodsAreBounded(t *testing.T) {
	r := newRig(t)
	r.rate = 10
	r.start()
	r.write("big.log", strings.Repeat("x", 3*maxLine)+"\nnext\n")
	r.want("big: "+strings.Repeat("x", maxLine), "big: next")
	if n := r.tailer.Drops()["log_line_cut"]; n != 1 {
		t.Errorf("%d lines cut, want 1", n)
	}
	var flood strings.Builder
	for i := range 500 {
		fmt.Fprintf(&flood, "line %d\n", i)
	}
	r.write("flood.log", flood.String())
	for deadline := time.Now().Add(10 * time.Second); r.tailer.Drops()["log_rate_limit"] == 0; <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a flood was let through")
		}
	}
}

func TestJournal(t *testing.T) {
	if _, err := os.Stat(journalSocket); err != nil {
		t.Skip("journald does not run here")
	}
	r := newRig(t)
	r.paths = nil
	entries := make(chan entry, 100)
	go followJournal(t.Context(), "", entries, nil)
	word := fmt.Sprintf("midwatch-test-%d", os.Getpid())
	if err := exec.Command("logger", "-p", "user.err", word).Run(); err != nil {
		t.Skip("logger cannot write to the journal: ", err)
	}
	for {
		select {
		case e := <-entries:
			if strings.Contains(e.text, word) {
				return
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the message did not come")
		}
	}
}
