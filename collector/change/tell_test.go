package change

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/midwatch/midwatch/collector/envelope"
	"github.com/midwatch/midwatch/collector/host/hosttest"
	"github.com/midwatch/midwatch/collector/publish"
	"github.com/midwatch/midwatch/deploy/jetstream/jetstreamtest"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// deaf never learns what JetStream has.
type deaf struct{ Sink }

func (deaf) Settled() uint64 { return 0 }

func TestAKillLosesNoChangeAndRepeatsNone(t *testing.T) {
	s := jetstreamtest.Start(t)
	r, exe := newRig(t), filepath.Join(t.TempDir(), "kiosk")
	config := filepath.Join(t.TempDir(), "kiosk.yaml")
	put(t, config, "port: 1\n")
	hosttest.Copy(t, exe, "one")
	child := hosttest.Start(t, exe, "serve", "-config", config)
	r.want(r.placed(child, "kiosk"))
	outlive(r.table.Get(child.PID()))
	put(t, config, "port: 2\n")

	r.sink = publisher(t, s) // does not run: killed before it sent anything
	r.restart()
	r.want(r.placed(child, "kiosk"), Configuration)

	sent := running(t, s)
	r.sink = deaf{sent} // killed after JetStream had it, before the node agent knew
	r.restart()
	r.want(r.placed(child, "kiosk"), Configuration)
	await(t, "what is sent", func() bool { return sent.Settled() == sent.Queued() })

	r.sink = running(t, s)
	r.restart()
	r.want(r.placed(child, "kiosk"), Configuration)
	await(t, "the state", func() bool {
		r.want(r.step("kiosk"))
		return r.isKept()
	})
	if ids := deployments(t, s, "kiosk"); len(ids) != 1 || ids[0] == "" {
		t.Errorf("the stream has the change under %q, want it once", ids)
	}
	r.restart()
	r.want(r.placed(child, "kiosk"))
}

func TestIDsTellChangesApart(t *testing.T) {
	r, exe := newRig(t), filepath.Join(t.TempDir(), "booth")
	config := filepath.Join(t.TempDir(), "booth.yaml")
	put(t, config, "port: 1\n")
	hosttest.Copy(t, exe, "one")
	child := hosttest.Start(t, exe, "serve", "-config", config)
	r.want(r.placed(child, "booth"))
	outlive(r.table.Get(child.PID()))
	seen := map[string]bool{}
	for _, text := range []string{"port: 2\n", "port: 1\n", "port: 2\n"} { // the third is the first once more
		put(t, config, text)
		got := r.next("booth")
		r.want(got, Configuration)
		seen[got[0].id(r.tracker.cfg.Identity)] = true
	}
	if len(seen) != 3 {
		t.Errorf("three changes have %d ids", len(seen))
	}
}

// isKept tells whether the file has all that is known.
func (r *rig) isKept() bool {
	r.Helper()
	want, err := json.Marshal(r.tracker.state)
	if err != nil {
		r.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(r.dir, stateFile))
	return err == nil && bytes.Equal(got, want)
}

func publisher(t *testing.T, s *jetstreamtest.Server) *publish.Publisher {
	t.Helper()
	p, err := publish.New(publish.Config{URL: s.URL, TLS: s.Identity(pki.Agent).Client(pki.JetStream), Node: "n1"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func running(t *testing.T, s *jetstreamtest.Server) *publish.Publisher {
	t.Helper()
	p := publisher(t, s)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return p
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited 20 s for %s", what)
		}
	}
}

// deployments reads the stream and returns the ids of a service's deployments.
func deployments(t *testing.T, s *jetstreamtest.Server, service string) (ids []string) {
	t.Helper()
	nc, err := nats.Connect(s.URL, nats.Secure(s.Identity(pki.Exporter).Client(pki.JetStream)))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), telemetry.StreamName)
	if err != nil {
		t.Fatal(err)
	}
	codec, err := envelope.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	for seq := uint64(1); seq <= stream.CachedInfo().State.LastSeq; seq++ {
		m, err := stream.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		b, err := codec.Open(m.Subject, m.Header, m.Data)
		if err != nil {
			t.Fatal(err)
		}
		ld, err := new(plog.ProtoUnmarshaler).UnmarshalLogs(b.OTLP)
		if err != nil {
			t.Fatal(err)
		}
		for _, rl := range ld.ResourceLogs().All() {
			name, _ := rl.Resource().Attributes().Get(telemetry.ServiceName)
			if name.Str() == service {
				id, _ := rl.ScopeLogs().At(0).LogRecords().At(0).Attributes().Get(telemetry.ChangeID)
				ids = append(ids, id.Str())
			}
		}
	}
	return ids
}
