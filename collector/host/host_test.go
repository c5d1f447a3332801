package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/midwatch/midwatch/collector/host/hosttest"
	"github.com/midwatch/midwatch/internal/telemetry"
)

func TestMain(m *testing.M) {
	hosttest.Main(m, map[string]func([]string){
		"idle": func([]string) { hosttest.Ready(); hosttest.Wait() },
		"burn": func([]string) {
			hosttest.Ready()
			for n := 0; ; n++ {
				_ = sha256.Sum256([]byte{byte(n)})
			}
		},
		"fork": func(args []string) { // starts itself once more, as PostgreSQL does for a connection
			cmd := exec.Command(os.Args[0], args...)
			cmd.Env = append(os.Environ(), "MIDWATCH_TEST_ROLE=idle")
			in, _ := cmd.StdinPipe()
			out, _ := cmd.StdoutPipe()
			if err := cmd.Start(); err != nil {
				panic(err)
			}
			_, _ = out.Read(make([]byte, 16))
			hosttest.Ready()
			hosttest.Wait()
			_ = in.Close()
			_ = cmd.Wait()
		},
		"serve": func(args []string) {
			l, err := net.Listen("tcp", args[0])
			if err != nil {
				panic(err)
			}
			_ = os.WriteFile(args[1], []byte(l.Addr().String()), 0o600)
			log, _ := os.OpenFile(args[1]+".log", os.O_CREATE|os.O_WRONLY, 0o600)
			go func() {
				for {
					if _, err := l.Accept(); err != nil {
						return
					}
				}
			}()
			hosttest.Ready()
			hosttest.Wait()
			_ = log.Close()
		},
		"dial": func(args []string) {
			for range 3 {
				if _, err := net.Dial("tcp", args[0]); err != nil {
					panic(err)
				}
			}
			hosttest.Ready()
			hosttest.Wait()
		},
	})
}

func newTable(t *testing.T) *Table {
	t.Helper()
	table, err := NewTable(TableConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func start(t *testing.T, name, role string, args ...string) *hosttest.Child {
	t.Helper()
	exe := filepath.Join(t.TempDir(), name)
	hosttest.Copy(t, exe, name)
	return hosttest.Start(t, exe, role, args...)
}

func TestIdentityOfAProcess(t *testing.T) {
	table := newTable(t)
	child := start(t, "ledger", "idle", "--port", "80")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { _ = table.Hash(ctx) }()

	p := table.Get(child.PID())
	if p == nil || p.Service != "ledger" || !p.Leads || p.Exe != child.Exe || strings.Join(p.Args[1:], " ") != "--port 80" {
		t.Fatalf("process %+v", p)
	}
	if age := time.Since(p.Started); age < 0 || age > time.Minute {
		t.Errorf("started %s ago", age)
	}
	b, _ := os.ReadFile(child.Exe)
	sum := sha256.Sum256(b)
	wait(t, "the digest", func() bool { return table.Get(child.PID()).Digest == hex.EncodeToString(sum[:]) })

	child.Kill()
	_, left, err := table.Refresh(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	gone := false
	for _, p := range left {
		gone = gone || p.PID == child.PID()
	}
	if !gone {
		t.Error("its end was not noticed")
	}
	if p := table.Get(child.PID()); p == nil || p.Gone.IsZero() {
		t.Errorf("a dead process is forgotten at once: %+v", p)
	}
}

func TestChildrenOfOneExecutableAreOneService(t *testing.T) {
	table := newTable(t)
	start(t, "forker", "fork", "worker")
	_, _, err := table.Refresh(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	leads, follows := 0, 0
	for _, p := range table.Live() {
		if p.Service == "forker" {
			if p.Leads {
				leads++
			} else {
				follows++
			}
		}
	}
	if leads != 1 || follows != 1 {
		t.Errorf("%d leaders and %d children, want 1 and 1", leads, follows)
	}
}

func TestExecIsNoticed(t *testing.T) {
	table := newTable(t)
	cmd := exec.Command("/bin/sh", "-c", "read x; exec sleep 60")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	if p := table.Get(cmd.Process.Pid); p == nil || !p.Shell {
		t.Fatalf("want a shell, got %+v", p)
	}
	fmt.Fprintln(in)
	wait(t, "the other program", func() bool {
		appeared, _, err := table.Refresh(time.Now())
		for _, p := range appeared {
			if p.PID == cmd.Process.Pid && p.Service == "sleep" {
				return true
			}
		}
		return err != nil
	})
}

func TestServiceNames(t *testing.T) {
	dir := t.TempDir()
	for _, f := range []string{"app.py", "server.js", "shop.jar", "job.sh"} {
		if err := os.WriteFile(filepath.Join(dir, f), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	table := newTable(t)
	for _, c := range []struct{ exe, args, want string }{
		{"/usr/bin/redis-server", "redis-server *:6379", "redis-server"},
		{"/usr/bin/python3.11", "python3 -u app.py --port 1", "app"},
		{"/usr/bin/python3.11", "python3 -m http.server 80", "http.server"},
		{"/usr/bin/python3.11", "python3 -c x", "python3.11"},
		{"/usr/bin/node", "node -r dotenv server.js", "server"},
		{"/usr/bin/java", "java -Xmx1g -cp a:b -jar shop.jar", "shop"},
		{"/bin/sh", "sh job.sh", "job"},
		{"/bin/dash", "-dash", "dash"},
		{"/opt/midwatch", "midwatch --config x node-agent", "midwatch-node-agent"},
		{"/opt/midwatch", "midwatch node-agent --config x", "midwatch-node-agent"},
		{"/opt/midwatch-analyst", "midwatch-analyst", "midwatch-analyst"},
	} {
		p := &Process{PID: os.Getpid(), Exe: c.exe, Args: strings.Fields(c.args), Dir: dir}
		p.Script = table.script(p)
		table.name(p, nil)
		if p.Service != c.want {
			t.Errorf("%s: %q, want %q", c.args, p.Service, c.want)
		}
		if wantScript := strings.Contains(c.args, ".py") || strings.Contains(c.args, ".js") || strings.Contains(c.args, ".jar") || strings.Contains(c.args, ".sh"); (p.Script != "") != wantScript {
			t.Errorf("%s: script %q", c.args, p.Script)
		}
	}
}

func TestAUnitNamesItsMainProcessOnly(t *testing.T) {
	table := newTable(t)
	runner := &Process{PID: 1, Exe: "/opt/Runner", Args: []string{"Runner"}}
	runner.Group.Unit = "actions"
	table.name(runner, nil)
	job := &Process{PID: 2, Exe: "/opt/gateway", Args: []string{"gateway"}}
	job.Group.Unit = "actions"
	table.name(job, runner)
	if runner.Service != "actions" || job.Service != "gateway" {
		t.Errorf("%q and %q", runner.Service, job.Service)
	}
}

func TestSocketsNameBothEnds(t *testing.T) {
	table := newTable(t)
	file := filepath.Join(t.TempDir(), "address")
	server := start(t, "depot", "serve", "127.0.0.1:0", file)
	address, _ := os.ReadFile(file)
	at := netip.MustParseAddrPort(string(address))
	client := start(t, "van", "dial", at.String())

	s := NewSockets(table)
	s.Watch([]string{file + ".log"})
	if _, _, err := table.Refresh(time.Now()); err != nil {
		t.Fatal(err)
	}
	s.Refresh(time.Now())
	ns := table.Get(client.PID()).NetNS
	if service, pid := s.Serving(ns, at); service != "depot" || pid != server.PID() {
		t.Errorf("%s is %q (%d)", at, service, pid)
	}
	if len(s.Ports(server.PID())) != 1 || len(s.Ports(client.PID())) != 0 {
		t.Error("who listens is wrong")
	}
	if n := s.Opened(client.PID())[at]; n != 3 {
		t.Errorf("client opened %d connections, want 3", n)
	}
	if n := len(s.Opened(server.PID())); n != 0 {
		t.Errorf("server opened %d connections, want none", n)
	}
	if w := s.Writers(file + ".log"); len(w) != 1 || w[0].Service != "depot" {
		t.Errorf("writers %v", w)
	}
	server.Kill()
	if _, _, err := table.Refresh(time.Now()); err != nil {
		t.Fatal(err)
	}
	s.refresh(time.Now()) // not paced
	if service, pid := s.Serving(ns, at); service != "depot" || pid != 0 {
		t.Errorf("after its end %s is %q (%d), want it remembered without a process", at, service, pid)
	}
}

func TestMetrics(t *testing.T) {
	table := newTable(t)
	m := NewMeter(Identity{Host: "node-1", Environment: "test"}, table, NewSockets(table), NewNames(NewSockets(table)))
	child := start(t, "burner", "burn")
	m.CountTraffic(child.PID(), 1000, 2000)
	m.CountFailure(child.PID(), netip.MustParseAddrPort("127.0.0.1:9"), "connection_refused")
	if _, _, err := table.Refresh(time.Now()); err != nil {
		t.Fatal(err)
	}
	m.Collect(time.Now())
	<-time.After(time.Second) // what is measured is a rate: it needs an interval
	m.CountTraffic(child.PID(), 1000, 2000)
	m.CountFailure(child.PID(), netip.MustParseAddrPort("127.0.0.1:9"), "connection_refused")
	m.CountLookup(child.PID(), "servfail")
	m.CountLookup(child.PID(), "servfail")
	got := points(m.Collect(time.Now()))
	for name, in := range map[string][2]float64{
		"burner " + telemetry.ProcessCPU:                {0.001, 3},
		"burner " + telemetry.ProcessMemory:             {1 << 19, 1 << 30},
		"burner " + telemetry.ProcessThreads:            {1, 100},
		"burner " + telemetry.ProcessRunDelay:           {0, 100},
		"burner " + telemetry.ProcessOpenFiles:          {1, 100},
		"burner " + telemetry.ProcessNetIO:              {1000, 3000},
		"burner " + telemetry.TCPConnectFailures:        {1, 1},
		"burner " + telemetry.DNSFailures:               {2, 2},
		ServiceName + " " + telemetry.SystemCPU:         {0, 1},
		ServiceName + " " + telemetry.SystemMemory:      {1, 1 << 50},
		ServiceName + " " + telemetry.SystemPressure:    {0, 1},
		ServiceName + " " + telemetry.SystemFilesystem:  {0, 1},
		ServiceName + " " + telemetry.ProcessUnreported: {0, 0},
	} {
		v, ok := got[name]
		if !ok || v < in[0] || v > in[1] {
			t.Errorf("%s is %v (there: %v), want %v to %v", name, v, ok, in[0], in[1])
		}
	}
}

// points returns the last value of each metric by service and name.
func points(m pmetric.Metrics) map[string]float64 {
	out := map[string]float64{}
	for i := range m.ResourceMetrics().Len() {
		rm := m.ResourceMetrics().At(i)
		service, _ := rm.Resource().Attributes().Get(telemetry.ServiceName)
		for j := range rm.ScopeMetrics().At(0).Metrics().Len() {
			metric := rm.ScopeMetrics().At(0).Metrics().At(j)
			points := metric.Gauge().DataPoints()
			out[service.Str()+" "+metric.Name()] = points.At(points.Len() - 1).DoubleValue()
		}
	}
	return out
}

// wait polls for a condition that something outside the test brings about.
func wait(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !cond(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited 10 s for %s", what)
		}
		<-time.After(20 * time.Millisecond)
	}
}
