package jetstream_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"github.com/midwatch/midwatch/deploy/jetstream"
	"github.com/midwatch/midwatch/deploy/jetstream/jetstreamtest"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/telemetry"
)

func TestKeepsMessagesAcrossRestart(t *testing.T) {
	s := jetstreamtest.Start(t)
	js := connect(t, s)
	for range 3 { // the same id three times is one message
		if _, err := js.Publish(t.Context(), telemetry.Subject(telemetry.Logs, "n1"), []byte("kept"), natsjs.WithMsgID("a")); err != nil {
			t.Fatal(err)
		}
	}
	s.Down()
	s.Up()
	stream, err := connect(t, s).Stream(t.Context(), telemetry.StreamName)
	if err != nil {
		t.Fatal(err)
	}
	if n := stream.CachedInfo().State.Msgs; n != 1 {
		t.Fatalf("%d messages after the restart, want 1", n)
	}
	m, err := stream.GetMsg(t.Context(), 1)
	if err != nil || string(m.Data) != "kept" {
		t.Fatalf("message 1: %v, %v", m, err)
	}
}

func TestRefusesClientsWithoutCertificate(t *testing.T) {
	s := jetstreamtest.Start(t)
	trust, err := pki.Trust(s.PKI, pki.JetStream)
	if err != nil {
		t.Fatal(err)
	}
	for name, conf := range map[string]*tls.Config{"no certificate": trust, "no TLS": nil} {
		opts := []nats.Option{nats.MaxReconnects(0), nats.Timeout(5 * time.Second)}
		if conf != nil {
			opts = append(opts, nats.Secure(conf))
		}
		nc, err := nats.Connect(s.URL, opts...)
		if err == nil {
			_, err = nc.RTT()
			nc.Close()
		}
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestFilesAreEncrypted(t *testing.T) {
	dir, certs := t.TempDir(), t.TempDir()
	if err := pki.Ensure(certs); err != nil {
		t.Fatal(err)
	}
	id, err := pki.Load(certs, pki.JetStream)
	if err != nil {
		t.Fatal(err)
	}
	srv, err := jetstream.New(jetstream.Config{Listen: "127.0.0.1:0", Dir: dir, TLS: id.Server(), Key: bytes.Repeat([]byte{7}, 32)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- srv.Run(ctx) }()
	addr, err := srv.Addr(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	secret := []byte("a line nobody else may read")
	if _, err := dial(t, "tls://"+addr, id).Publish(t.Context(), "telemetry.logs.n1", secret); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	files := 0
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		if bytes.Contains(b, secret) {
			t.Errorf("%s holds the message in the clear", path)
		}
		return err
	})
	if err != nil || files == 0 {
		t.Fatalf("%d files, %v", files, err)
	}
}

func TestTakenPortIsAnError(t *testing.T) {
	s := jetstreamtest.Start(t)
	srv, err := jetstream.New(jetstream.Config{
		Listen: s.URL[len("tls://"):], Dir: t.TempDir(), TLS: s.Identity(pki.JetStream).Server(), Key: make([]byte, 32),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Run(t.Context()); err == nil {
		t.Fatal("a second server ran on a taken port")
	}
}

func TestStoppedBeforeItListens(t *testing.T) {
	id := jetstreamtest.Start(t).Identity(pki.JetStream)
	srv, err := jetstream.New(jetstream.Config{
		Listen: "127.0.0.1:0", Dir: t.TempDir(), TLS: id.Server(), Key: make([]byte, 32),
		Ready: func() { t.Error("ready, though it was stopped before") },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := srv.Run(ctx); err != nil {
		t.Fatal(err)
	}
}

func connect(t *testing.T, s *jetstreamtest.Server) natsjs.JetStream {
	t.Helper()
	return dial(t, s.URL, s.Identity(pki.Agent))
}

func dial(t *testing.T, url string, id *pki.Identity) natsjs.JetStream {
	t.Helper()
	nc, err := nats.Connect(url, nats.Secure(id.Client(pki.JetStream)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := natsjs.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}
