package conversation_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/midwatch/midwatch/collector/probe"
	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/conversation"
)

// The kernel tests run real servers and clients in processes of their own: the probe never looks at its own.

// helperEnv makes the test binary one of the helpers instead.
const helperEnv = "MIDWATCH_TEST_HELPER"

func TestMain(m *testing.M) {
	if name := os.Getenv(helperEnv); name != "" {
		if err := helpers[name](os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, name+":", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

var helpers = map[string]func(args []string) error{
	"amqp-client":       amqpClient,
	"cassandra-client":  cassandraClient,
	"cassandra-server":  cassandraServer,
	"clickhouse-client": clickhouseClient,
	"clickhouse-proxy":  clickhouseProxy,
	"grpc-client":       grpcClient,
	"grpc-server":       grpcServer,
	"http-client":       httpClient,
	"http-server":       httpServer,
	"https-client":      httpsClient,
	"https-server":      httpsServer,
	"kafka-client":      kafkaClient,
	"kafka-server":      kafkaServer,
	"kafka-talker":      kafkaTalker,
	"memcached-client":  memcachedClient,
	"mongo-client":      mongoClient,
	"mongo-server":      mongoServer,
	"mysql-client":      mysqlClient,
	"nats-client":       natsClient,
	"nats-server":       natsServer,
	"nats-service":      natsService,
	"postgres-client":   postgresClient,
	"redis-client":      redisClient,
	"segmentio-client":  segmentioClient,
}

// helper prepares a helper process.
func helper(name string, args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), helperEnv+"="+name)
	cmd.Stderr = os.Stderr
	return cmd
}

// serve starts a helper that prints its address, and stops it when the test ends.
func serve(t *testing.T, cmd *exec.Cmd) netip.AddrPort {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	start(t, cmd)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return netip.MustParseAddrPort(strings.TrimSpace(line))
}

func start(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

func run(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
}

// seen is a call and where it was seen.
type seen struct {
	conversation.Peer
	protocol.Call
}

// server is the address of the end that answers.
func (s seen) server() netip.AddrPort {
	if s.Role == probe.RoleClient {
		return s.Remote
	}
	return s.Local
}

// recorder is a sink that keeps what it is given.
type recorder struct {
	*conversation.Tracker
	probe *probe.Probe
	sync.Mutex
	calls    []seen
	connects []probe.Connect
	execs    []probe.Exec
	exits    []probe.Exit
	ooms     []probe.OOMKill
	ports    map[uint16]bool // of the test's servers
}

func (r *recorder) Chunk(c *probe.Chunk)    { r.locked(func() { r.Tracker.Chunk(c) }) }
func (r *recorder) Datagram(*probe.Chunk)   {}
func (r *recorder) Closed(c probe.Closed)   { r.locked(func() { r.Tracker.Closed(c) }) }
func (r *recorder) Connect(c probe.Connect) { r.locked(func() { r.connects = append(r.connects, c) }) }
func (r *recorder) Exec(e probe.Exec)       { r.locked(func() { r.execs = append(r.execs, e) }) }
func (r *recorder) Exit(e probe.Exit)       { r.locked(func() { r.exits = append(r.exits, e) }) }
func (r *recorder) OOMKill(k probe.OOMKill) { r.locked(func() { r.ooms = append(r.ooms, k) }) }
func (r *recorder) Quiet(time.Time)         {}

func (r *recorder) locked(f func()) {
	r.Lock()
	defer r.Unlock()
	f()
}

// watch runs a probe until the test ends.
func watch(t *testing.T) *recorder {
	t.Helper()
	ready := make(chan struct{})
	p, err := probe.New(probe.Config{Log: slog.New(slog.DiscardHandler), Ready: func() { close(ready) }})
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{probe: p, ports: map[uint16]bool{}}
	r.Tracker, err = conversation.New(conversation.Config{
		OnCall: func(p conversation.Peer, c protocol.Call) { r.calls = append(r.calls, seen{p, c}) },
		Mute:   p.Mute,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx, r) }()
	select {
	case <-ready:
	case err := <-done:
		cancel()
		if errors.Is(err, probe.ErrUnavailable) {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		for reason, n := range p.Drops() {
			if n > 0 {
				t.Errorf("%d drops: %s", n, reason)
			}
		}
		r.checkRequests(t)
	})
	return r
}

// joined is of how many requests in a hundred it must be known that their two ends are of one.
var joined = map[protocol.Name]int{
	protocol.HTTP: 99, protocol.GRPC: 99, protocol.PostgreSQL: 99, protocol.MySQL: 95, protocol.Redis: 95, protocol.MongoDB: 99, protocol.Memcached: 99, protocol.Kafka: 99,
	protocol.NATS: 95,
}

// checkRequests wants the two ends of a request to be one, of all that the test's servers were asked: no two calls of one end are, and what is one at both ends is the same there.
func (r *recorder) checkRequests(t *testing.T) {
	t.Helper()
	type end struct {
		conversation.Request
		probe.Role
	}
	ends := map[end]seen{}
	for _, c := range r.calls {
		if !c.Request.Known() || !r.ports[c.server().Port()] {
			continue
		}
		e := end{c.Request, c.Role}
		if other, twice := ends[e]; twice && c.Kind == protocol.Asked {
			t.Errorf("two calls are the request %+v:\n%+v\n%+v", c.Request, other, c)
		}
		ends[e] = c
	}
	what := func(c seen) string { return fmt.Sprint(c.Protocol, c.Operation, c.Resource, c.Path, c.Query, c.Status) }
	both := map[protocol.Name]int{}
	for e, c := range ends {
		if e.Role != probe.RoleServer {
			continue
		}
		client, ok := ends[end{e.Request, probe.RoleClient}]
		switch {
		case !ok:
		case what(client) != what(c) || client.Start.After(c.Start) || client.Local != c.Remote:
			t.Errorf("these are no ends of one request:\n%+v\n%+v", c, client)
		default:
			both[c.Protocol]++
		}
	}
	t.Logf("known to be of one request at both ends: %v", both)
}

// at returns the calls seen at one end of connections to a server's port.
func (r *recorder) at(role probe.Role, port uint16) []seen {
	r.Lock()
	defer r.Unlock()
	r.ports[port] = true
	var found []seen
	for _, c := range r.calls {
		if c.Role == role && c.server().Port() == port {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(a, b seen) int { return a.Start.Compare(b.Start) })
	return found
}

// both waits until n of the calls to a port were seen at both ends, and fails if there are more.
func (r *recorder) both(t *testing.T, port uint16, n int, which func(seen) bool) map[string][]seen {
	t.Helper()
	others := func(c seen) bool { return !which(c) }
	at := func(role probe.Role) []seen { return slices.DeleteFunc(r.at(role, port), others) }
	until(t, func() bool { return len(at(probe.RoleServer)) >= n && len(at(probe.RoleClient)) >= n }, func() string {
		return fmt.Sprintf("%d server and %d client calls, want %d; seen: %v; %+v", len(at(probe.RoleServer)), len(at(probe.RoleClient)), n, r.queries(port), r.Stats())
	})
	server, client := at(probe.RoleServer), at(probe.RoleClient)
	if len(server) != n || len(client) != n {
		t.Fatalf("%d server and %d client calls, want %d; the first: %+v", len(server), len(client), n, server[0].Call)
	}
	checkJoined(t, server, client)
	return map[string][]seen{"server": server, "client": client}
}

// checkJoined wants it to be known of enough requests that the two ends are of one.
func checkJoined(t *testing.T, server, client []seen) {
	t.Helper()
	clients := map[conversation.Request]bool{}
	for _, c := range client {
		clients[c.Request] = c.Request.Known()
	}
	n, all := 0, 0
	for _, c := range server {
		if c.Kind == protocol.Asked && !probe.IsSecure(c.Sock) {
			all++
			if clients[c.Request] {
				n++
			}
		}
	}
	if all < 100 { // the first and the last of a connection may be unlike the rest
		return
	}
	if least := joined[server[0].Protocol]; n*100 < all*least {
		t.Errorf("%s: of %d requests %d are known to be one at both ends, want %d %%", server[0].Protocol, all, n, least)
	}
}

// queries counts what was seen at the server's end.
func (r *recorder) queries(port uint16) map[string]int {
	n := map[string]int{}
	for _, c := range r.at(probe.RoleServer, port) {
		n[c.Operation+" "+c.Query]++
	}
	return n
}

func until(t *testing.T, cond func() bool, what func() string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !cond(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("gave up waiting: " + what())
		}
	}
}
