package envelope_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/midwatch/midwatch/collector/envelope"
	"github.com/midwatch/midwatch/internal/telemetry"
)

func TestOpenReturnsWhatWasPacked(t *testing.T) {
	c := codec(t)
	want := envelope.Batch{ID: envelope.NewID(), Signal: telemetry.Logs, OTLP: bytes.Repeat([]byte("otlp"), 1000)}
	m := c.Pack(want, "node.with dots")
	if len(m.Data) > 200 {
		t.Errorf("%d bytes: not compressed", len(m.Data))
	}
	got, err := c.Open(m.Subject, m.Header, m.Data)
	if err != nil || got.ID != want.ID || got.Signal != want.Signal || !bytes.Equal(got.OTLP, want.OTLP) {
		t.Fatalf("got %+v, %v", got, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	c := codec(t)
	good := c.Pack(envelope.Batch{ID: "1", Signal: telemetry.Logs, OTLP: []byte("x")}, "n")
	bomb := c.Pack(envelope.Batch{ID: "1", Signal: telemetry.Logs, OTLP: make([]byte, envelope.MaxOTLP+1)}, "n")
	for name, m := range map[string]*nats.Msg{
		"subject":       {Subject: "telemetry.smells.n", Header: good.Header, Data: good.Data},
		"no id":         {Subject: good.Subject, Header: nats.Header{}, Data: good.Data},
		"not zstd":      {Subject: good.Subject, Header: good.Header, Data: []byte("plain")},
		"too large":     bomb,
		"odd encodings": {Subject: good.Subject, Header: nats.Header{envelope.HeaderID: {"1"}, envelope.HeaderEncoding: {"br"}}, Data: good.Data},
	} {
		if _, err := c.Open(m.Subject, m.Header, m.Data); !errors.Is(err, envelope.ErrPoison) {
			t.Errorf("%s: %v, want ErrPoison", name, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	c, err := envelope.NewCodec()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(c.Pack(envelope.Batch{ID: "1", Signal: telemetry.Logs, OTLP: []byte("otlp otlp otlp")}, "n").Data)
	f.Fuzz(func(t *testing.T, data []byte) {
		h := nats.Header{envelope.HeaderID: {"1"}, envelope.HeaderEncoding: {"zstd"}}
		if b, err := c.Open("telemetry.logs.n", h, data); err == nil && len(b.OTLP) > envelope.MaxOTLP {
			t.Fatalf("%d bytes", len(b.OTLP))
		}
	})
}

func codec(t *testing.T) *envelope.Codec {
	t.Helper()
	c, err := envelope.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	return c
}
