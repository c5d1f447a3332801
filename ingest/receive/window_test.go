package receive

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/midwatch/midwatch/ingest/otlp"
	"github.com/midwatch/midwatch/internal/auth/pki"
)

// counting is a connection that counts what is written to it.
type counting struct {
	net.Conn
	written *atomic.Int64
}

func (c counting) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.written.Add(int64(n))
	return n, err
}

// anything is a message as it is.
type anything struct{}

func (anything) Name() string                    { return "proto" }
func (anything) Marshal(v any) ([]byte, error)   { return v.([]byte), nil }
func (anything) Unmarshal(b []byte, v any) error { *v.(*[]byte) = b; return nil }

// served is a server that stores nothing, and how to reach it.
type served struct {
	*Server
	over, http string // addresses
	tls        *tls.Config

	conn    *grpc.ClientConn
	written *atomic.Int64 // to conn
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	dials   *atomic.Int32
}

func serving(t *testing.T) served {
	t.Helper()
	certs := t.TempDir()
	if err := pki.Ensure(certs); err != nil {
		t.Fatal(err)
	}
	own, err := pki.Load(certs, pki.Ingester)
	if err != nil {
		t.Fatal(err)
	}
	cli, err := pki.Load(certs, pki.CLI)
	if err != nil {
		t.Fatal(err)
	}
	s := notServing(t, 1<<30)
	s.cfg.TLS = own.Server(pki.CLI)
	s.cfg.Export = func(_ context.Context, q Request) (*otlp.Rows, error) {
		q.Hold.Release()
		return otlp.New(otlp.Config{}), nil
	}
	var listeners [2]net.Listener
	for i := range listeners {
		var lc net.ListenConfig
		if listeners[i], err = lc.Listen(t.Context(), "tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, listeners[0], listeners[1]) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	written, dials := new(atomic.Int64), new(atomic.Int32)
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		dials.Add(1)
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	conn, err := grpc.NewClient(listeners[0].Addr().String(), grpc.WithTransportCredentials(credentials.NewTLS(cli.Client(pki.Ingester))),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			c, err := dial(ctx, "tcp", address)
			return counting{c, written}, err
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return served{s, listeners[0].Addr().String(), listeners[1].Addr().String(), cli.Client(pki.Ingester), conn, written, dial, dials}
}

// TestWhoWaitsToBeReceivedSendsLittle has large requests wait for a place, on a connection that had many of them before.
func TestWhoWaitsToBeReceivedSendsLittle(t *testing.T) {
	s := serving(t)
	conn, written := s.conn, s.written
	const requests, size = 16, 4 << 20
	send := func() {
		var all sync.WaitGroup
		for range requests {
			all.Go(func() {
				var answer []byte
				err := conn.Invoke(t.Context(), "/opentelemetry.proto.collector.logs.v1.LogsService/Export", make([]byte, size), &answer, grpc.ForceCodec(anything{}))
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	for range 4 {
		send()
	}
	before := written.Load()
	for range cap(s.receiving.parts) {
		s.receiving.parts <- struct{}{}
	}
	sent := make(chan struct{})
	go func() { defer close(sent); send() }()
	for now, last := int64(0), int64(-1); now == 0 || now != last; time.Sleep(300 * time.Millisecond) { // until no more comes
		last, now = now, written.Load()-before
	}
	if n := written.Load() - before; n > requests*streamWindow*5/4 || n < requests*streamWindow/2 {
		t.Errorf("%d bytes of %d requests came before they were received", n, requests)
	}
	for range cap(s.receiving.parts) {
		<-s.receiving.parts
	}
	<-sent
	if n := written.Load() - before; n < requests*size {
		t.Errorf("%d bytes came", n)
	}
}
