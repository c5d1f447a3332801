package conversation_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/midwatch/midwatch/collector/probe"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
)

// libraryOf is the TLS library that Python uses.
func libraryOf(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("python3", "-c", "import ssl; print([l.split()[-1] for l in open('/proc/self/maps') if 'libssl' in l][0])").Output()
	if err != nil {
		t.Skipf("needs python3 with OpenSSL: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// plainAndSecure runs a test without TLS, and with it, where the server uses OpenSSL and the client Go's: then cert and key are files.
func plainAndSecure(t *testing.T, test func(t *testing.T, r *recorder, cert, key string)) {
	t.Helper()
	t.Run("plain", func(t *testing.T) { test(t, watch(t), "", "") })
	t.Run("TLS", func(t *testing.T) {
		r := watch(t)
		for _, file := range []string{libraryOf(t), "/proc/self/exe"} {
			if err := r.probe.Decrypt(file); err != nil {
				t.Fatal(err)
			}
		}
		cert, key := protocoltest.Certificate(t)
		test(t, r, cert, key)
	})
}

// secureTo is how clients of the tests' own servers use TLS, nil if they do not.
func secureTo(cert string) *tls.Config {
	if cert == "" {
		return nil
	}
	return &tls.Config{InsecureSkipVerify: true} //nolint:gosec // the tests' own servers
}

// TestKernelOpenSSL has programs use OpenSSL with a socket, and encrypt into memory and send by themselves.
func TestKernelOpenSSL(t *testing.T) {
	cert, key := protocoltest.Certificate(t)
	library := libraryOf(t)
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		library        string
		server, client []string
	}{
		"Python":  {library, []string{"python3", "testdata/https_server.py"}, []string{"python3", "testdata/https_client.py"}},
		"asyncio": {library, []string{"python3", "testdata/https_server_asyncio.py"}, []string{"python3", "testdata/https_client_asyncio.py"}},
		"Node":    {node, []string{"node", "testdata/https_server.js"}, []string{"node", "testdata/https_client.js"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := watch(t)
			if err := r.probe.Decrypt(c.library); err != nil {
				t.Fatal(err)
			}
			server := exec.Command(c.server[0], c.server[1], cert, key)
			server.Stderr = os.Stderr
			addr := serve(t, server)
			const n = 300
			client := exec.Command(c.client[0], c.client[1], addr.Addr().String(), strconv.Itoa(int(addr.Port())), strconv.Itoa(n))
			client.Stderr = os.Stderr
			run(t, client)
			for end, calls := range r.both(t, addr.Port(), n, func(seen) bool { return true }) {
				for i, c := range calls {
					want := [][2]string{{"/items/{id}", "200"}, {"/missing/x", "404"}, {"/large", "200"}}[i%3]
					if c.Operation != "GET" || c.Resource != want[0] || c.Status != want[1] || c.Duration <= 0 || (c.ResponseBytes > 50_000) != (i%3 == 2) {
						t.Fatalf("%s, %d: %+v", end, i, c.Call)
					}
				}
			}
		})
	}
}

// TestKernelSessionsBelongToTheirConnections: many connections of programs that encrypt into memory, in one thread, with requests and answers as long as each other's. Each request says
// which port asks.
func TestKernelSessionsBelongToTheirConnections(t *testing.T) {
	cert, key := protocoltest.Certificate(t)
	library := libraryOf(t)
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ library, program, server, client string }{
		"asyncio": {library, "python3", "testdata/https_server_asyncio.py", "testdata/https_crowd_asyncio.py"},
		"Node":    {node, "node", "testdata/https_server.js", "testdata/https_crowd.js"},
	} {
		t.Run(name, func(t *testing.T) {
			r := watch(t)
			if err := r.probe.Decrypt(c.library); err != nil {
				t.Fatal(err)
			}
			server := exec.Command(c.program, c.server, cert, key)
			server.Stderr = os.Stderr
			addr := serve(t, server)
			const connections, each = 50, 60
			client := exec.Command(c.program, c.client, addr.Addr().String(), strconv.Itoa(int(addr.Port())), strconv.Itoa(connections), strconv.Itoa(each))
			client.Stderr = os.Stderr
			run(t, client)
			told := func() (known, unknown, wrong int) {
				r.Lock()
				defer r.Unlock()
				for _, c := range r.calls {
					from, ok := strings.CutPrefix(c.Path, "/from/")
					asker := c.Remote
					if c.Role == probe.RoleClient {
						asker = c.Local
					}
					switch {
					case !ok:
					case !c.Remote.IsValid():
						unknown++
					case from != strconv.Itoa(int(asker.Port())):
						wrong++
					default:
						known++
					}
				}
				return known, unknown, wrong
			}
			for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
				if known, unknown, wrong := told(); known+unknown+wrong >= 2*connections*each {
					break
				}
			}
			known, unknown, wrong := told()
			t.Logf("%d with the right address, %d without, %d with a wrong one", known, unknown, wrong)
			if wrong > 0 || known+unknown != 2*connections*each || known < 2*connections*each*95/100 {
				t.Errorf("%d with the right address, %d without, %d with a wrong one, of %d", known, unknown, wrong, 2*connections*each)
			}
		})
	}
}

// httpsServer serves HTTPS with Go's own TLS, as the servers in testdata do.
func httpsServer(args []string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	server := http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "missing") {
			w.WriteHeader(http.StatusNotFound)
		}
		n := 10
		if strings.Contains(r.URL.Path, "large") {
			n = 50_000
			if r.ProtoMajor == 2 { // of what is larger, not every frame is copied that says where a body ends
				n = 8_000
			}
		}
		w.Header().Set("Content-Length", strconv.Itoa(n))
		_, _ = w.Write(make([]byte, n))
	})}
	return server.ServeTLS(l, args[0], args[1])
}

// httpsClient asks a server n times, from several goroutines with a connection each. Arguments: address, n, which HTTP.
func httpsClient(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	const crowd = 4
	failed := make([]error, crowd)
	var wg sync.WaitGroup
	for i := range crowd {
		wg.Go(func() {
			var protocols http.Protocols
			protocols.SetHTTP1(args[2] == "1")
			protocols.SetHTTP2(args[2] == "2")
			transport := &http.Transport{Protocols: &protocols, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // the test's own server
			defer transport.CloseIdleConnections()
			client := http.Client{Transport: transport}
			for j := range n / crowd {
				resp, err := client.Get("https://" + args[0] + []string{"/items/17", "/missing/x", "/large"}[j%3]) //nolint:noctx // a role
				if err != nil {
					failed[i] = err
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		})
	}
	wg.Wait()
	return errors.Join(failed...)
}

func TestKernelGoTLS(t *testing.T) {
	r := watch(t)
	if err := r.probe.Decrypt("/proc/self/exe"); err != nil {
		t.Fatal(err)
	}
	cert, key := protocoltest.Certificate(t)
	for _, version := range []string{"1", "2"} {
		t.Run("HTTP/"+version, func(t *testing.T) {
			addr := serve(t, helper("https-server", cert, key))
			const n = 600
			run(t, helper("https-client", addr.String(), strconv.Itoa(n), version))
			for end, calls := range r.both(t, addr.Port(), n, func(seen) bool { return true }) {
				answers := map[string]int{}
				for _, c := range calls {
					answers[c.Operation+" "+c.Resource+" "+c.Status]++
					if c.Duration <= 0 || !probe.IsSecure(c.Sock) {
						t.Fatalf("%s: %+v", end, c)
					}
				}
				if want := map[string]int{"GET /items/{id} 200": n / 3, "GET /missing/x 404": n / 3, "GET /large 200": n / 3}; !maps.Equal(answers, want) {
					t.Errorf("%s: %v, want %v", end, answers, want)
				}
			}
		})
	}
}
