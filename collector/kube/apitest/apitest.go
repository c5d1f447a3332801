// Package apitest runs a real Kubernetes API server over a real etcd for tests: no nodes, no controllers, so that objects change only when a test
// changes them. Both are children on loopback ports of their own.
package apitest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

const startTimeout = 90 * time.Second

// Server is an API server and its etcd.
type Server struct {
	Config *rest.Config // of an administrator

	t      testing.TB
	binary string
	dir    string
	pki    *authority
	etcdAt string // host:port
	peerAt string
	port   string
	etcd   *exec.Cmd
	api    *exec.Cmd
}

// Binary is the program that is etcd and the API server; deploy/cluster builds it. The error says where it was looked for.
func Binary() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("not in the repository")
		}
		dir = filepath.Dir(dir)
	}
	path := filepath.Join(dir, ".cache/kube/kube")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("no Kubernetes at %s: make cluster-up builds it", path)
	}
	return path, nil
}

// Start runs both until the test ends. Without the program the test is skipped, or fails if MIDWATCH_CLUSTER=1.
func Start(t testing.TB) *Server {
	t.Helper()
	binary, err := Binary()
	if err != nil {
		if os.Getenv("MIDWATCH_CLUSTER") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	s := &Server{t: t, binary: binary, dir: t.TempDir()}
	if s.pki, err = newAuthority(s.dir); err != nil {
		t.Fatal(err)
	}
	free := freeAddresses(t, 3)
	s.etcdAt, s.peerAt = free[0], free[1]
	_, s.port, _ = net.SplitHostPort(free[2])
	s.Config = s.User("admin", "system:masters")
	t.Cleanup(func() { s.StopAPI(); stop(s.etcd) })
	s.etcd = s.run("etcd", "--data-dir", filepath.Join(s.dir, "etcd"), "--listen-client-urls", "http://"+s.etcdAt, "--advertise-client-urls", "http://"+s.etcdAt,
		"--listen-peer-urls", "http://"+s.peerAt, "--initial-advertise-peer-urls", "http://"+s.peerAt, "--initial-cluster", "default=http://"+s.peerAt,
		"--unsafe-no-fsync", "--log-level", "error")
	s.StartAPI()
	return s
}

// User is the configuration of a client with a certificate of its own.
func (s *Server) User(name string, groups ...string) *rest.Config {
	s.t.Helper()
	cert, key, err := s.pki.client(name, groups...)
	if err != nil {
		s.t.Fatal(err)
	}
	return &rest.Config{Host: "https://127.0.0.1:" + s.port, QPS: -1, TLSClientConfig: rest.TLSClientConfig{CAData: s.pki.caPEM, CertData: cert, KeyData: key}}
}

// StartAPI runs the API server after StopAPI, at the same address, and returns when it is ready.
func (s *Server) StartAPI() {
	s.t.Helper()
	s.api = s.run("kube-apiserver", "--etcd-servers=http://"+s.etcdAt, "--bind-address=127.0.0.1", "--secure-port="+s.port, "--advertise-address=127.0.0.1",
		"--tls-cert-file="+s.pki.file("server.crt"), "--tls-private-key-file="+s.pki.file("server.key"), "--client-ca-file="+s.pki.file("ca.crt"),
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file="+s.pki.file("sa.pub"),
		"--service-account-signing-key-file="+s.pki.file("sa.key"), "--service-cluster-ip-range=10.96.0.0/16", "--authorization-mode=RBAC",
		"--disable-admission-plugins=ServiceAccount", "--allow-privileged=true", "--endpoint-reconciler-type=none", "--cert-dir="+s.dir,
		"--shutdown-delay-duration=0s")
	client, err := rest.HTTPClientFor(s.Config)
	if err != nil {
		s.t.Fatal(err)
	}
	state := ""
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if state = readiness(client, s.Config.Host); state == "" {
			return
		}
	}
	log, _ := os.ReadFile(filepath.Join(s.dir, "kube-apiserver.log"))
	s.t.Fatalf("the API server is not ready after %s: %s\n%s", startTimeout, state, log[max(0, len(log)-4000):])
}

// readiness is "" when the server is ready and has made the namespaces that every cluster has.
func readiness(client *http.Client, host string) string {
	for _, path := range []string{"/readyz", "/api/v1/namespaces/kube-system", "/api/v1/namespaces/default"} {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, host+path, nil)
		resp, err := client.Do(req)
		cancel()
		if err != nil {
			return err.Error()
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return path + ": " + resp.Status
		}
	}
	return ""
}

// StopAPI kills the API server; etcd keeps what it stored.
func (s *Server) StopAPI() { stop(s.api); s.api = nil }

// Compact makes etcd forget every version but the present one, as it does every five minutes in a real cluster. The API server, which remembers some
// itself, is restarted: a watch from an older version is answered with 410 Gone.
func (s *Server) Compact() {
	s.t.Helper()
	var st struct {
		Header struct {
			Revision string `json:"revision"`
		} `json:"header"`
	}
	s.StopAPI()
	s.ask("/v3/maintenance/status", "{}", &st)
	s.ask("/v3/kv/compaction", fmt.Sprintf(`{"revision":%q,"physical":true}`, st.Header.Revision), nil)
	s.StartAPI()
}

// ask is a call to etcd's JSON gateway.
func (s *Server) ask(path, body string, into any) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.etcdAt+path, bytes.NewBufferString(body))
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("etcd: %s: %s", path, resp.Status)
	}
	if into != nil {
		if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *Server) run(args ...string) *exec.Cmd {
	s.t.Helper()
	cmd := exec.Command(s.binary, args...) //nolint:noctx // ended by stop
	log, err := os.OpenFile(filepath.Join(s.dir, args[0]+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = log, log, dieWithParent()
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	return cmd
}

func stop(cmd *exec.Cmd) {
	if cmd == nil || cmd.Process == nil {
		return
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // "signal: killed"
}

// freeAddresses are n different ones: each is held until all are there, or two could be the same.
func freeAddresses(t testing.TB, n int) (addresses []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // of a test
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		addresses = append(addresses, l.Addr().String())
	}
	return addresses
}
