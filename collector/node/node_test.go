package node

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/collector/host/hosttest"
	"github.com/midwatch/midwatch/collector/logs"
	"github.com/midwatch/midwatch/collector/probe"
	"github.com/midwatch/midwatch/collector/trace"
	"github.com/midwatch/midwatch/internal/telemetry"
)

func TestMain(m *testing.M) {
	hosttest.Main(m, map[string]func([]string){
		"serve": func(args []string) { // address file, log file
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				panic(err)
			}
			_ = os.WriteFile(args[0], []byte(l.Addr().String()), 0o600)
			log, _ := os.OpenFile(args[1], os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			go func() {
				_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if strings.HasPrefix(r.URL.Path, "/fail/") {
						fmt.Fprintln(log, "level=error msg=broken path="+r.URL.Path)
						w.WriteHeader(http.StatusInternalServerError)
					}
				}))
			}()
			hosttest.Ready()
			hosttest.Wait()
		},
		"call": func(args []string) { // URLs; each is called ten times once standard input ends
			hosttest.Ready()
			hosttest.Wait()
			for range 10 {
				for _, url := range args {
					if resp, err := http.Get(url); err == nil {
						_, _ = io.Copy(io.Discard, resp.Body)
						_ = resp.Body.Close()
					}
				}
			}
			time.Sleep(time.Second) // a process whose identity is needed is still there
		},
		"lookUp":  lookUp,
		"resolve": resolve,
		"reach":   reach,
		"flood":   flood,
		"eat": func([]string) {
			hosttest.Ready()
			hosttest.Wait()
			hosttest.Eat()
		},
	})
}

// recorder is a sink that keeps what it is sent.
type recorder struct {
	mu      sync.Mutex
	spans   []seenSpan
	events  []seenLog
	metrics map[string]int // :: service and name, and the peer's name where there is one → points
}

type seenSpan struct {
	service, peer, name, version string
	asked, address               string // the name asked for, and the address it was called at
	question, transport          string // of lookups
	kind                         ptrace.SpanKind
	failed, secure               bool
	errorType                    string
	id                           trace.Identity
}

type seenLog struct {
	service, event, body string
	attributes           map[string]any
}

func (r *recorder) Traces(_ context.Context, td ptrace.Traces) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rs := range td.ResourceSpans().All() {
		for _, s := range rs.ScopeSpans().At(0).Spans().All() {
			r.spans = append(r.spans, seenSpan{
				service: text(rs.Resource().Attributes(), telemetry.ServiceName), version: text(rs.Resource().Attributes(), telemetry.ServiceVersion),
				peer: text(s.Attributes(), telemetry.PeerService), name: s.Name(), kind: s.Kind(),
				asked: text(s.Attributes(), telemetry.PeerName), address: text(s.Attributes(), telemetry.PeerAddress), failed: s.Status().Code() == ptrace.StatusCodeError,
				secure:   text(s.Attributes(), telemetry.TLSEstablished) == "true",
				question: text(s.Attributes(), telemetry.DNSQuestion), transport: text(s.Attributes(), telemetry.NetworkTransport), errorType: text(s.Attributes(), telemetry.ErrorType),
				id: trace.Identity{Trace: s.TraceID(), Span: s.SpanID(), Parent: s.ParentSpanID()},
			})
		}
	}
	return nil
}

func (r *recorder) Logs(_ context.Context, ld plog.Logs) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rl := range ld.ResourceLogs().All() {
		for _, l := range rl.ScopeLogs().At(0).LogRecords().All() {
			r.events = append(r.events, seenLog{text(rl.Resource().Attributes(), telemetry.ServiceName), l.EventName(), l.Body().Str(), l.Attributes().AsRaw()})
		}
	}
	return nil
}

func (r *recorder) LogsAs(ctx context.Context, _ string, ld plog.Logs) error { return r.Logs(ctx, ld) }
func (r *recorder) Queued() uint64                                           { return 0 }
func (r *recorder) Settled() uint64                                          { return 0 }

func (r *recorder) Metrics(_ context.Context, md pmetric.Metrics) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rm := range md.ResourceMetrics().All() {
		for _, m := range rm.ScopeMetrics().At(0).Metrics().All() {
			name := text(rm.Resource().Attributes(), telemetry.ServiceName) + " " + m.Name()
			r.metrics[name]++
			for _, p := range gauge(m).All() {
				if asked := text(p.Attributes(), telemetry.PeerName); asked != "" {
					r.metrics[name+" "+asked]++
				}
			}
		}
	}
	return nil
}

func gauge(m pmetric.Metric) pmetric.NumberDataPointSlice {
	if m.Type() != pmetric.MetricTypeGauge {
		return pmetric.NewNumberDataPointSlice()
	}
	return m.Gauge().DataPoints()
}

func text(m pcommon.Map, key string) string {
	v, ok := m.Get(key)
	if !ok {
		return ""
	}
	return v.AsString()
}

// count returns how many spans match.
func (r *recorder) count(want func(seenSpan) bool) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.spans {
		if want(s) {
			n++
		}
	}
	return n
}

// find returns the first log record that matches.
func (r *recorder) find(want func(seenLog) bool) *seenLog {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.IndexFunc(r.events, want); i >= 0 {
		return &r.events[i]
	}
	return nil
}

func (r *recorder) points(name string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.metrics[name]
}

// start runs an agent until the test ends.
func start(t testing.TB, cfg Config) (*Agent, *recorder) {
	t.Helper()
	a, got, stop := launch(t, cfg)
	t.Cleanup(stop)
	return a, got
}

// launch runs an agent until it is stopped.
func launch(t testing.TB, cfg Config) (a *Agent, got *recorder, stop func()) {
	t.Helper()
	got = &recorder{metrics: map[string]int{}}
	ready := make(chan struct{})
	cfg.DataDir, cfg.Publisher, cfg.Node, cfg.Environment, cfg.NoJournal, cfg.MemoryLimit = t.TempDir(), got, "node-1", "test", true, -1
	cfg.Interval = time.Second
	cfg.Ready = func() { close(ready) }
	a, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	select {
	case <-ready:
	case <-time.After(patience):
		stop()
		t.Fatalf("not ready within %s", patience)
	}
	return a, got, stop
}

func needKernel(t testing.TB, a *Agent) {
	t.Helper()
	for _, h := range a.Hooks() {
		if h.State == probe.Missing {
			t.Skipf("%s: %s", h.Name, h.Reason)
		}
	}
}

func child(t testing.TB, name, role string, args ...string) *hosttest.Child {
	t.Helper()
	exe := filepath.Join(t.TempDir(), name)
	hosttest.Copy(t, exe, name)
	return hosttest.Start(t, exe, role, args...)
}

// patience is three times what the agent may take to read sockets anew, on a machine with many connections or network namespaces.
const patience = 90 * time.Second

func until(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !cond(); <-time.After(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for %s", patience, what)
		}
	}
}

// write appends to a file.
func write(t *testing.T, file, text string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestConversationOfTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	a, got := start(t, Config{Logs: []logs.Path{{Glob: filepath.Join(dir, "*.log")}}})
	needKernel(t, a)
	address, log := filepath.Join(dir, "address"), filepath.Join(dir, "x.log")
	depot := child(t, "depot", "serve", address, log)
	b, err := os.ReadFile(address)
	if err != nil {
		t.Fatal(err)
	}
	at := "http://" + string(b)
	van := child(t, "van", "call", at+"/items/7", at+"/fail/1", "http://127.0.0.1:1/")
	until(t, "their versions", func() bool {
		return a.table.Get(depot.PID()).Digest != "" && a.table.Get(van.PID()).Digest != ""
	})
	until(t, "whose log it is", func() bool {
		write(t, log, "level=info msg=open\n")
		return got.find(func(l seenLog) bool { return l.service == "depot" && strings.Contains(l.body, "open") }) != nil
	})
	go van.Stop()

	is := func(service, peer, name string, kind ptrace.SpanKind, failed bool) func() bool {
		return func() bool {
			return got.count(func(s seenSpan) bool {
				return s.service == service && s.peer == peer && s.name == name && s.kind == kind && s.failed == failed && s.version != ""
			}) == 10
		}
	}
	until(t, "ten good server spans", is("depot", "van", "GET /items/{id}", ptrace.SpanKindServer, false))
	until(t, "ten bad server spans", is("depot", "van", "GET /fail/{id}", ptrace.SpanKindServer, true))
	until(t, "ten good client spans", is("van", "depot", "GET /items/{id}", ptrace.SpanKindClient, false))
	until(t, "ten bad client spans", is("van", "depot", "GET /fail/{id}", ptrace.SpanKindClient, true))
	until(t, "ten failed connects", is("van", "", "CONNECT 127.0.0.1:1", ptrace.SpanKindClient, true))
	until(t, "the server's error lines", func() bool {
		l := got.find(func(l seenLog) bool { return strings.Contains(l.body, "broken") })
		return l != nil && l.service == "depot" && l.attributes["path"] == "/fail/1"
	})
	for _, name := range []string{telemetry.ProcessCPU, telemetry.ProcessMemory, telemetry.ProcessNetIO} {
		until(t, name, func() bool { return got.points("depot "+name) > 0 })
	}
	until(t, "the probe's state", func() bool { return got.points(serviceName+" "+telemetry.ProbeState) > 0 })
	if n := got.count(func(s seenSpan) bool { return s.service == "node.test" }); n != 0 {
		t.Errorf("%d spans of the agent itself", n)
	}
}

// below returns how many spans of servers, of those that are wanted, are below the span of the client's end of the same request.
func (r *recorder) below(wanted func(seenSpan) bool) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	clients := map[pcommon.SpanID]seenSpan{}
	for _, s := range r.spans {
		if s.kind == ptrace.SpanKindClient {
			clients[s.id.Span] = s
		}
	}
	for _, s := range r.spans {
		c, ok := clients[s.id.Parent]
		if s.kind == ptrace.SpanKindServer && wanted(s) && ok && c.id.Trace == s.id.Trace && c.name == s.name {
			n++
		}
	}
	return n
}

func TestTheEndsOfARequestAreOneTrace(t *testing.T) {
	a, got := start(t, Config{})
	needKernel(t, a)
	address := filepath.Join(t.TempDir(), "address")
	child(t, "depot", "serve", address, os.DevNull)
	b, err := os.ReadFile(address)
	if err != nil {
		t.Fatal(err)
	}
	at := "http://" + string(b)
	go child(t, "van", "call", at+"/items/7", at+"/fail/1").Stop()
	go child(t, "cart", "call", at+"/items/7", at+"/carts/1").Stop()
	ofDepot := func(s seenSpan) bool { return s.service == "depot" }
	until(t, "forty server spans below those of their clients", func() bool { return got.below(ofDepot) == 40 })
	traces := map[pcommon.TraceID]int{}
	for _, s := range got.spans {
		traces[s.id.Trace]++
	}
	for id, n := range traces {
		if n > 2 {
			t.Errorf("trace %s has %d spans", id, n)
		}
	}
}

func TestMidwatchIsLeftOutOfSpans(t *testing.T) {
	a, got := start(t, Config{})
	needKernel(t, a)
	address := filepath.Join(t.TempDir(), "address")
	shelf := child(t, "midwatch-shelf", "serve", address, os.DevNull)
	b, _ := os.ReadFile(address)
	// The probe tells nothing of it: who is called is known from its socket alone.
	until(t, "its port", func() bool { return len(a.sockets.Ports(shelf.PID())) > 0 })
	go child(t, "clerk", "call", "http://"+string(b)+"/items/1").Stop()
	until(t, "the other end's spans", func() bool {
		return got.count(func(s seenSpan) bool { return s.service == "clerk" && s.peer == "midwatch-shelf" }) == 10
	})
	until(t, "its resources", func() bool { return got.points("midwatch-shelf "+telemetry.ProcessMemory) > 0 })
	if n := got.count(func(s seenSpan) bool { return s.service == "midwatch-shelf" }); n != 0 {
		t.Errorf("%d spans of Midwatch itself", n)
	}
}

func TestMemoryKillAndCrash(t *testing.T) {
	group := hosttest.MemoryGroup(t, 48<<20)
	a, got := start(t, Config{})
	needKernel(t, a)
	exe := filepath.Join(t.TempDir(), "glutton")
	hosttest.Copy(t, exe, "")
	glutton := hosttest.Start(t, exe, "eat")
	if err := os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(fmt.Sprint(glutton.PID())), 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, "its start", func() bool {
		return got.find(func(l seenLog) bool { return l.service == "glutton" && l.event == telemetry.EventStart }) != nil
	})
	glutton.Stop()
	until(t, "its death", func() bool {
		kill := got.find(func(l seenLog) bool { return l.service == "glutton" && l.event == telemetry.EventOOMKill })
		exit := got.find(func(l seenLog) bool { return l.service == "glutton" && l.event == telemetry.EventExit })
		return kill != nil && exit != nil && kill.attributes[telemetry.OOMLimit] == int64(48<<20) && exit.attributes[telemetry.ExitSignal] == "SIGKILL"
	})
}

func TestDeploymentIsSeenWithinSeconds(t *testing.T) {
	_, got := start(t, Config{})
	exe := filepath.Join(t.TempDir(), "bakery")
	address := filepath.Join(t.TempDir(), "address")
	hosttest.Copy(t, exe, "one")
	bakery := hosttest.Start(t, exe, "serve", address, os.DevNull)
	until(t, "its start", func() bool {
		return got.find(func(l seenLog) bool { return l.service == "bakery" && l.event == telemetry.EventStart }) != nil
	})
	bakery.Stop()
	hosttest.Copy(t, exe, "two")
	hosttest.Start(t, exe, "serve", address, os.DevNull)
	until(t, "the deployment", func() bool {
		return got.find(func(l seenLog) bool {
			return l.service == "bakery" && l.event == telemetry.EventDeployment && l.attributes[telemetry.ChangeKind] == "executable" && l.attributes[telemetry.ChangeFile] == exe
		}) != nil
	})
}

func TestWithoutTheKernelTheRestRuns(t *testing.T) {
	a, got := start(t, Config{NoKernel: true})
	hooks := a.Hooks()
	if len(hooks) != 1 || hooks[0].State != probe.Missing || hooks[0].Reason == "" {
		t.Errorf("hooks %+v", hooks)
	}
	idle := child(t, "lamp", "call")
	until(t, "its memory", func() bool { return got.points("lamp "+telemetry.ProcessMemory) > 0 })
	until(t, "its start", func() bool {
		return got.find(func(l seenLog) bool { return l.service == "lamp" && l.event == telemetry.EventStart }) != nil
	})
	idle.Kill()
	until(t, "its end", func() bool {
		return got.find(func(l seenLog) bool { return l.service == "lamp" && l.event == telemetry.EventExit }) != nil
	})
}

func TestConfigIsChecked(t *testing.T) {
	for name, cfg := range map[string]Config{
		"nothing":        {},
		"short interval": {DataDir: t.TempDir(), Publisher: &recorder{}, Interval: time.Millisecond},
		"bad pattern":    {DataDir: t.TempDir(), Publisher: &recorder{}, Logs: []logs.Path{{Glob: "["}}},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
