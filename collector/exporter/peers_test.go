package exporter

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

func TestPeersAreForgotten(t *testing.T) {
	now := time.Now()
	p := newPeers(func() time.Time { return now })
	here, _ := newEndpoint("h1", "::ffff:127.0.0.1", "80")
	there, _ := newEndpoint("h2", "127.0.0.1", "80")
	p.learn(here, "catalog")
	if name, known := p.service(here); name != "catalog" || !known {
		t.Errorf("%q, known %t, want catalog", name, known)
	}
	if name, known := p.service(there); name != "" || known {
		t.Error("a loopback address means something on its host alone")
	}
	now = now.Add(peerLife + time.Second)
	if name, known := p.service(here); name != "" || !known {
		t.Errorf("who listened long ago is named %q; known to be one of ours: %t", name, known)
	}
}

func TestGapsBetweenFirstDeliveriesAreLosses(t *testing.T) {
	delivery := func(consumer, stream, times uint64) *jetstream.MsgMetadata {
		return &jetstream.MsgMetadata{Sequence: jetstream.SequencePair{Consumer: consumer, Stream: stream}, NumDelivered: times}
	}
	for _, c := range []struct {
		name string
		got  []*jetstream.MsgMetadata
		want uint64
	}{
		{"none missing", []*jetstream.MsgMetadata{delivery(1, 10, 1), delivery(2, 11, 1)}, 0},
		{"three missing", []*jetstream.MsgMetadata{delivery(1, 10, 1), delivery(2, 14, 1)}, 3},
		{"around a redelivery", []*jetstream.MsgMetadata{delivery(1, 10, 1), delivery(2, 3, 2), delivery(3, 12, 1)}, 1},
		{"another exporter got one", []*jetstream.MsgMetadata{delivery(1, 10, 1), delivery(3, 12, 1)}, 0},
	} {
		var g gaps
		var lost uint64
		for _, md := range c.got {
			lost += g.lostBefore(md)
		}
		if lost != c.want {
			t.Errorf("%s: %d lost, want %d", c.name, lost, c.want)
		}
	}
}
