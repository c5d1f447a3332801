package conversation_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/midwatch/midwatch/collector/probe"
)

const slow = 30 * time.Millisecond

// httpServer answers /items/N; every 10th with 500, every 7th late, every 5th with a large body.
func httpServer([]string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/items/"))
		_, _ = io.Copy(io.Discard, r.Body)
		if n%7 == 0 {
			time.Sleep(slow)
		}
		if n%10 == 0 {
			w.WriteHeader(http.StatusInternalServerError)
		}
		size := 100
		if n%5 == 0 {
			size = 200_000
		}
		_, _ = w.Write(make([]byte, size))
	}))
}

// httpClient makes n requests over a few kept-alive connections.
func httpClient(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	const workers = 4
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}}
	errs := make(chan error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				if err := request(client, args[0], i); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	client.CloseIdleConnections()
	close(errs)
	return <-errs
}

func request(client *http.Client, addr string, i int) error {
	method, body := http.MethodGet, io.Reader(nil)
	if i%3 == 0 {
		method, body = http.MethodPost, strings.NewReader(strings.Repeat("x", i))
	}
	req, err := http.NewRequest(method, fmt.Sprintf("http://%s/items/%d?q=secret", addr, i), body)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

func TestKernelHTTP(t *testing.T) {
	r := watch(t)
	const n = 1000
	srv := helper("http-server")
	addr := serve(t, srv)
	cli := helper("http-client", addr.String(), strconv.Itoa(n))
	run(t, cli)

	pids := map[string]int{"server": srv.Process.Pid, "client": cli.Process.Pid}
	for end, calls := range r.both(t, addr.Port(), n, func(seen) bool { return true }) {
		for _, c := range calls {
			checkHTTP(t, c, pids[end])
		}
	}
}

func checkHTTP(t *testing.T, c seen, pid int) {
	t.Helper()
	i, err := strconv.Atoi(strings.TrimPrefix(c.Path, "/items/"))
	if err != nil || c.Resource != "/items/{id}" || strings.Contains(c.Path, "secret") {
		t.Fatalf("path %q, route %q", c.Path, c.Resource)
	}
	want := "200"
	if i%10 == 0 {
		want = "500"
	}
	if c.Status != want || c.Failed || int(c.TGID) != pid {
		t.Errorf("%d: status %s, want %s; failed %t; process %d, want %d", i, c.Status, want, c.Failed, c.TGID, pid)
	}
	if i%7 == 0 && c.Duration < slow {
		t.Errorf("%d: took %v", i, c.Duration)
	}
	if c.Duration <= 0 || c.Duration > 5*time.Second || time.Since(c.Start) > time.Minute {
		t.Errorf("%d: took %v from %v", i, c.Duration, c.Start)
	}
	if big := c.ResponseBytes > 200_000; big != (i%5 == 0) {
		t.Errorf("%d: %d bytes", i, c.ResponseBytes)
	}
}

// Hooks are attached one after the other, in the middle of other people's conversations. No answer may be taken for that of
// another request because of it.
func TestKernelAttachMidTraffic(t *testing.T) {
	srv := helper("http-server")
	addr := serve(t, srv)
	cli := helper("http-client", addr.String(), "1000000")
	start(t, cli)
	r := watch(t)
	const n = 300
	until(t, func() bool {
		return len(r.at(probe.RoleServer, addr.Port())) >= n && len(r.at(probe.RoleClient, addr.Port())) >= n
	},
		func() string { return fmt.Sprintf("%d calls seen", len(r.at(probe.RoleServer, addr.Port()))) })
	for role, pid := range map[probe.Role]int{probe.RoleServer: srv.Process.Pid, probe.RoleClient: cli.Process.Pid} {
		for _, c := range r.at(role, addr.Port()) {
			checkHTTP(t, c, pid)
		}
	}
}
