package kube_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/midwatch/midwatch/collector/envelope"
	"github.com/midwatch/midwatch/collector/kube"
	"github.com/midwatch/midwatch/collector/kube/apitest"
	"github.com/midwatch/midwatch/collector/kube/index"
	"github.com/midwatch/midwatch/deploy/jetstream/jetstreamtest"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// The watcher that is killed is the test binary itself, told so by the environment.
const childVar = "KUBE_TEST_WATCHER" // file with a child

// child is what a watcher in a process of its own needs to know.
type child struct{ Host, CA, Cert, Key, JetStream, PKI string }

func TestMain(m *testing.M) {
	path := os.Getenv(childVar)
	if path == "" {
		os.Exit(m.Run())
	}
	if err := beChild(path); err != nil {
		fmt.Fprintln(os.Stderr, "watcher:", err)
		os.Exit(1)
	}
}

func beChild(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var c child
	if err := json.Unmarshal(b, &c); err != nil {
		return err
	}
	id, err := pki.Load(c.PKI, pki.Exporter)
	if err != nil {
		return err
	}
	w, err := kube.New(kube.Config{
		Cluster:      &rest.Config{Host: c.Host, QPS: -1, TLSClientConfig: rest.TLSClientConfig{CAData: []byte(c.CA), CertData: []byte(c.Cert), KeyData: []byte(c.Key)}},
		JetStreamURL: c.JetStream, JetStreamTLS: id.Client(pki.JetStream), Index: index.New(index.Config{}),
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return err
	}
	return w.Run(context.Background())
}

// spawn starts a watcher that can be killed.
func (c *cluster) spawn() *exec.Cmd {
	c.t.Helper()
	tls := c.api.Config.TLSClientConfig
	b, err := json.Marshal(child{c.api.Config.Host, string(tls.CAData), string(tls.CertData), string(tls.KeyData), c.js.URL, c.js.PKI})
	if err != nil {
		c.t.Fatal(err)
	}
	path := filepath.Join(c.t.TempDir(), "child.json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		c.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), childVar+"="+path), os.Stderr
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	return cmd
}

// cluster is an API server, a JetStream and what watchers left in it.
type cluster struct {
	t      *testing.T
	api    *apitest.Server
	js     *jetstreamtest.Server
	client kubernetes.Interface
}

func startCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t, api: apitest.Start(t), js: jetstreamtest.Start(t)}
	var err error
	if c.client, err = kubernetes.NewForConfig(c.api.Config); err != nil {
		t.Fatal(err)
	}
	return c
}

// watch runs a watcher until stop or the end of the test.
func (c *cluster) watch(change ...func(*kube.Config)) (w *kube.Watcher, x *index.Index, stop func()) {
	c.t.Helper()
	cfg := kube.Config{
		Cluster: c.api.Config, JetStreamURL: c.js.URL, JetStreamTLS: c.js.Identity(pki.Exporter).Client(pki.JetStream),
		Index: index.New(index.Config{PodLabels: []string{"tier"}}), Retry: 300 * time.Millisecond, Environment: "test",
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	for _, f := range change {
		f(&cfg)
	}
	w, err := kube.New(cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			c.t.Error(err)
		}
	})
	c.t.Cleanup(stop)
	return w, cfg.Index, stop
}

// record is one log record in JetStream.
type record struct {
	id, event, body string
	attributes      map[string]any
	resource        map[string]any
	time            time.Time
	severity        plog.SeverityNumber
}

func (r record) String() string { return fmt.Sprintf("%s %s %v", r.id, r.event, r.attributes) }

func (r record) text(key string) string { s, _ := r.attributes[key].(string); return s }

// is says that r is a version of an object.
func (r record) is(kind, name, action string) bool {
	return r.event == telemetry.EventObject && r.text(telemetry.K8sObjectKind) == kind && r.text(telemetry.K8sObjectName) == name && r.text(telemetry.ObjectAction) == action
}

// records are all that lie in the stream, in their order.
func (c *cluster) records() []record {
	c.t.Helper()
	nc, err := nats.Connect(c.js.URL, nats.Secure(c.js.Identity(pki.CLI).Client(pki.JetStream)))
	if err != nil {
		c.t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		c.t.Fatal(err)
	}
	stream, err := js.Stream(c.t.Context(), telemetry.StreamName)
	if err != nil {
		c.t.Fatal(err)
	}
	codec, err := envelope.NewCodec()
	if err != nil {
		c.t.Fatal(err)
	}
	consumer, err := stream.OrderedConsumer(c.t.Context(), jetstream.OrderedConsumerConfig{})
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = stream.DeleteConsumer(context.Background(), consumer.CachedInfo().Name) }() // there is a limit of them
	var out []record
	total := int(stream.CachedInfo().State.Msgs)
	for read := 0; read < total; {
		batch, err := consumer.Fetch(min(500, total-read), jetstream.FetchMaxWait(5*time.Second))
		if err != nil {
			c.t.Fatal(err)
		}
		for m := range batch.Messages() {
			read++
			b, err := codec.Open(m.Subject(), m.Headers(), m.Data())
			if err != nil {
				c.t.Fatal(err)
			}
			out = append(out, decode(c.t, b)...)
		}
	}
	return out
}

func decode(t *testing.T, b envelope.Batch) (out []record) {
	t.Helper()
	logs, err := new(plog.ProtoUnmarshaler).UnmarshalLogs(b.OTLP)
	if err != nil {
		t.Fatal(err)
	}
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, l := range sl.LogRecords().All() {
				attributes := raw(l.Attributes())
				id, _ := attributes[telemetry.RecordUID].(string) // none of what was told with the record before it
				out = append(out, record{
					id: id, event: l.EventName(), body: l.Body().AsString(), attributes: attributes, resource: raw(rl.Resource().Attributes()),
					time: l.Timestamp().AsTime(), severity: l.SeverityNumber(),
				})
			}
		}
	}
	return out
}

func raw(m pcommon.Map) map[string]any { return m.AsRaw() }

// await returns the first record that matches, once there is one.
func (c *cluster) await(what string, ok func(record) bool) record {
	c.t.Helper()
	var found record
	c.eventually(what, func() bool {
		for _, r := range c.records() {
			if ok(r) {
				found = r
				return true
			}
		}
		return false
	})
	return found
}

func (c *cluster) eventually(what string, ok func() bool) {
	c.t.Helper()
	for deadline := time.Now().Add(90 * time.Second); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			for _, r := range c.records() {
				c.t.Log(r)
			}
			c.t.Fatal("still not after 90 s: ", what)
		}
	}
}

// count says how many records match.
func (c *cluster) count(ok func(record) bool) (n int) {
	c.t.Helper()
	for _, r := range c.records() {
		if ok(r) {
			n++
		}
	}
	return n
}
