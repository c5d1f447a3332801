package kube

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/midwatch/midwatch/collector/kube/bucket"
	"github.com/midwatch/midwatch/collector/kube/object"
	"github.com/midwatch/midwatch/deploy/jetstream/jetstreamtest"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/telemetry"
)

func startJournal(t *testing.T, s *jetstreamtest.Server) *journal {
	t.Helper()
	nc, err := nats.Connect(s.URL, nats.Secure(s.Identity(pki.Exporter).Client(pki.JetStream)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	j, err := newJournal(js, "c", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	codec, err := bucket.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.readTail(t.Context(), codec, 0); err != nil {
		t.Fatal(err)
	}
	return j
}

func entryOf(id string) pending {
	logs := plog.NewLogs()
	r := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	r.Attributes().PutStr(telemetry.RecordUID, id)
	return pending{entry: entry{id: id, logs: logs}}
}

func TestJournal(t *testing.T) {
	s := jetstreamtest.Start(t)
	j := startJournal(t, s)
	write := func(j *journal, ids ...string) error {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var err error
		for _, id := range ids {
			err = errors.Join(err, j.append(ctx, []pending{entryOf(id)}))
		}
		return err
	}
	if err := write(j, "a", "b"); err != nil {
		t.Fatal(err)
	}
	if err := write(j, "a", "c"); err != nil {
		t.Errorf("one that JetStream had taken before: %v", err)
	}
	lost := j.last.Load()
	if err := write(j, "d"); err != nil {
		t.Fatal(err)
	}
	j.last.Store(lost)
	if err := write(j, "d", "e"); err != nil {
		t.Errorf("the answer was lost: %v", err)
	}
	stream, err := j.js.Stream(t.Context(), telemetry.StreamName)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := write(j, "f"); err != nil {
		t.Errorf("retention took all: %v", err)
	}
	other := startJournal(t, s)
	if !other.told["f"] || other.told["a"] {
		t.Errorf("told: %v", other.told)
	}
	if err := write(other, "g"); err != nil {
		t.Fatal(err)
	}
	if err := write(j, "h"); !errors.Is(err, bucket.ErrOvertaken) {
		t.Errorf("another wrote: %v", err)
	}
}

// TestTagsFitTheirHeader whatever the paths are made of: the estimate decides how many go into one message.
func TestTagsFitTheirHeader(t *testing.T) {
	for _, path := range []string{"/data/PASSWORD", "/spec/" + strings.Repeat("<", 60), "/spec/" + strings.Repeat("\x01", 60), "/spec/пароль"} {
		tags := object.Tags{}
		for i := range 400 {
			tags[path+string(rune('a'+i%26))+strings.Repeat("x", i/26)] = "0123456789abcdef"
		}
		h, err := headerOf(map[string]object.Tags{"0123abcd-0123-0123-0123-0123456789ab/123456789/modified": tags})
		if err != nil {
			t.Fatal(err)
		}
		if got := sizeOf(tags); got < len(h) || got > len(h)+200 {
			t.Errorf("%q: %d bytes, taken for %d", path, len(h), got)
		}
	}
}
