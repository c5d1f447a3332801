package pki_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/auth/pki"
)

func TestEnsure(t *testing.T) {
	dir := t.TempDir()
	if err := pki.Ensure(dir); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range pki.Parts {
		if _, err := pki.Load(dir, part); err != nil {
			t.Error(err)
		}
		if info, err := os.Stat(filepath.Join(dir, part+"-key.pem")); err != nil || info.Mode() != 0o600 {
			t.Errorf("key of %s: %v, %v", part, info, err)
		}
	}
	if err := pki.Ensure(dir); err != nil {
		t.Errorf("again: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "ca-key.pem")); err != nil {
		t.Fatal(err)
	}
	if err := pki.Ensure(dir); err == nil {
		t.Error("a certificate authority without its key was accepted")
	}
	if after, err := os.ReadFile(filepath.Join(dir, "ca.pem")); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the certificate authority was replaced: %v", err)
	}
}

func TestNamesAreAdded(t *testing.T) {
	dir := t.TempDir()
	if err := pki.Ensure(dir); err != nil {
		t.Fatal(err)
	}
	names := map[string][]string{pki.API: {"midwatch-api.watch.svc"}}
	for range 2 {
		before := serial(t, dir, pki.Ingester)
		if err := pki.EnsureNamed(dir, names); err != nil {
			t.Fatal(err)
		}
		if serial(t, dir, pki.Ingester) != before {
			t.Error("a certificate that lacked nothing was made anew")
		}
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "api.pem"), filepath.Join(dir, "api-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"api", "localhost", "midwatch-api.watch.svc"}; !slices.Equal(pair.Leaf.DNSNames, want) {
		t.Errorf("names %v, want %v", pair.Leaf.DNSNames, want)
	}
}

// Both sides of connections get new certificates while they run; the one that is open goes on, new ones present what is new.
func TestRenewedCertificatesArePresented(t *testing.T) {
	dir := t.TempDir()
	if err := pki.Ensure(dir); err != nil {
		t.Fatal(err)
	}
	server, client := load(t, dir, pki.Ingester), load(t, dir, pki.Exporter)
	address := echo(t, server.Server(pki.Exporter))
	config := client.Client(pki.Ingester)
	open, theirs, ours := dial(t, address, config)
	for _, name := range []string{pki.Ingester, pki.Exporter} {
		if err := os.Remove(filepath.Join(dir, name+".pem")); err != nil {
			t.Fatal(err)
		}
	}
	if conn, server, client := dial(t, address, config); server != theirs || client != ours {
		t.Error("without its files a part did not keep its certificate")
	} else {
		conn.Close()
	}
	if err := pki.Ensure(dir); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		conn, server, client := dial(t, address, config)
		conn.Close()
		if server != theirs && client != ours {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("server's certificate anew: %v, client's: %v", server != theirs, client != ours)
		}
	}
	if _, err := open.Write([]byte("x")); err != nil {
		t.Fatalf("the open connection: %v", err)
	}
	if _, err := open.Read(make([]byte, 1)); err != nil {
		t.Errorf("the open connection: %v", err)
	}
}

func load(t *testing.T, dir, part string) *pki.Identity {
	t.Helper()
	id, err := pki.Load(dir, part)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func serial(t *testing.T, dir, part string) string {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, part+".pem"), filepath.Join(dir, part+"-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf.SerialNumber.String()
}

// echo first sends the serial number of the client's certificate and a newline, then what it reads.
func echo(t *testing.T, config *tls.Config) (address string) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go answer(conn)
		}
	}()
	return l.Addr().String()
}

func answer(conn net.Conn) {
	defer conn.Close()
	secure, ok := conn.(*tls.Conn)
	if !ok || secure.Handshake() != nil {
		return
	}
	if _, err := fmt.Fprintln(conn, secure.ConnectionState().PeerCertificates[0].SerialNumber); err != nil {
		return
	}
	_, _ = io.Copy(conn, conn)
}

// dial returns a connection and the serial numbers of both certificates.
func dial(t *testing.T, address string, config *tls.Config) (conn *tls.Conn, server, client string) {
	t.Helper()
	conn, err := tls.Dial("tcp", address, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := fmt.Fscanln(conn, &client); err != nil {
		t.Fatal(err)
	}
	return conn, conn.ConnectionState().PeerCertificates[0].SerialNumber.String(), client
}
