package helm_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/midwatch/midwatch/deploy/testcluster"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// console reaches the parts of an installation with the certificate that operators' tools have.
type console struct {
	t  *testing.T
	c  *testcluster.Cluster
	id *pki.Identity
}

func operator(t *testing.T, c *testcluster.Cluster) *console {
	t.Helper()
	dir := t.TempDir()
	await(t, "the certificate of operators' tools", func() error {
		s, err := c.Client().CoreV1().Secrets(namespace).Get(t.Context(), "midwatch-cli-tls", metav1.GetOptions{})
		if err != nil {
			return err
		}
		for entry, file := range map[string]string{"ca.crt": "ca.pem", "tls.crt": "cli.pem", "tls.key": "cli-key.pem"} {
			if err := os.WriteFile(filepath.Join(dir, file), s.Data[entry], 0o600); err != nil {
				return err
			}
		}
		return nil
	})
	id, err := pki.Load(dir, pki.CLI)
	if err != nil {
		t.Fatal(err)
	}
	return &console{t, c, id}
}

// way is where a Service's port is reached from here, until the end of the test.
func (o *console) way(part string, port int) string {
	o.t.Helper()
	service, err := o.c.Client().CoreV1().Services(namespace).Get(o.t.Context(), "midwatch-"+part, metav1.GetOptions{})
	if err != nil {
		o.t.Fatal(err)
	}
	way, err := o.c.Forward(fmt.Sprintf("%s:%d", service.Spec.ClusterIP, port))
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(way.Close)
	return way.Addr()
}

func (o *console) store() *store.DB {
	o.t.Helper()
	address := o.way("clickhouse", 19000)
	var db *store.DB
	await(o.t, "the store", func() (err error) {
		db, err = store.Open(o.t.Context(), store.Config{Addresses: []string{address}, TLS: o.id.Client(pki.ClickHouse)})
		return err
	})
	o.t.Cleanup(func() { _ = db.Close() })
	return db
}

// stream is what telemetry lies in on its way.
func (o *console) stream() jetstream.Stream {
	o.t.Helper()
	nc, err := nats.Connect("tls://"+o.way("jetstream", 14222), nats.Secure(o.id.Client(pki.JetStream)))
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		o.t.Fatal(err)
	}
	s, err := js.Stream(o.t.Context(), telemetry.StreamName)
	if err != nil {
		o.t.Fatal(err)
	}
	return s
}

// midwatch runs the command line in the api's pod.
func (o *console) midwatch(args ...string) string {
	o.t.Helper()
	out, err := o.c.Kubectl(o.t.Context(), "", append([]string{"exec", "-n", namespace, "deploy/midwatch-api", "--", "midwatch"}, args...)...)
	if err != nil {
		o.t.Fatal(err)
	}
	return out
}
