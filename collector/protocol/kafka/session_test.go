package kafka_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	segmentio "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/kafka"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
)

// answered counts the answers that a client of franz-go has read, by key.
type answered struct {
	mu sync.Mutex
	n  map[string]int
}

func (a *answered) OnBrokerRead(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil {
		a.n[kafka.Name(key)]++
	}
}

// broker is a broker with the topic "orders".
func broker(t testing.TB) string {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c.ListenAddrs()[0]
}

// talk has franz-go produce and consume in the versions of a release, and returns what was said and how many answers there were.
func talk(t testing.TB, release *kversion.Versions) ([]protocoltest.Conversation, map[string]int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var r protocoltest.Recorder
	seen := &answered{n: map[string]int{}}
	c, err := kgo.NewClient(
		kgo.SeedBrokers(broker(t)), kgo.Dialer(r.DialContext), kgo.WithHooks(seen), kgo.MaxVersions(release), kgo.ProducerLinger(0), kgo.DefaultProduceTopic("orders"),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ConsumerGroup("shop"), kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(),
	)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		value := strings.Repeat("swordfish", 1+2000*(i%2)) // every other one is more than is copied
		if err := c.ProduceSync(ctx, kgo.StringRecord(value)).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	for got := 0; got < 6; {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		got += fetches.NumRecords()
	}
	if err := c.CommitUncommittedOffsets(ctx); err != nil {
		t.Fatal(err)
	}
	c.Close()
	return r.Conversations(), seen.n
}

func TestClient(t *testing.T) {
	for name, release := range map[string]*kversion.Versions{"0.11": kversion.V0_11_0(), "2.4": kversion.V2_4_0(), "3.0": kversion.V3_0_0(), "stable": kversion.Stable()} {
		t.Run(name, func(t *testing.T) {
			said, want := talk(t, release)
			if want["Produce"] != 6 || want["Fetch"] == 0 || want["JoinGroup"] == 0 {
				t.Fatalf("answered were %v", want)
			}
			got, topics := map[string]map[string]int{}, map[string]bool{}
			names := kafka.NewTopics(10)
			for _, c := range said {
				strangers(t, c, true)
				for cut, segments := range c.Recut() {
					if got[cut] == nil {
						got[cut] = map[string]int{}
					}
					segments.Feed(kafka.New(names, func(c protocol.Call) {
						got[cut][c.Operation]++
						if c.Operation == "Produce" {
							topics[c.Resource] = true
						}
						if c.Failed || c.Operation == "Produce" && c.Messages != 1 || c.Duration <= 0 {
							t.Errorf("%s: %+v", cut, c)
						}
					}))
				}
			}
			for cut, got := range got {
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", cut, diff)
				}
			}
			if diff := cmp.Diff(map[string]bool{"orders": true}, topics); diff != "" {
				t.Errorf("topics of Produce (-want +got):\n%s", diff)
			}
		})
	}
}

// strangers checks that what a client begins with is recognised, that every request of a client with a name is found, and that no answer is taken for a request.
func strangers(t *testing.T, c protocoltest.Conversation, named bool) {
	t.Helper()
	if first := c[0]; first.Direction != protocol.Request || !kafka.Recognize(first.Head) {
		t.Errorf("a connection that begins with %q", first.Head)
	}
	var before []byte
	for _, s := range c {
		switch joined := slices.Concat(before, s.Head); {
		case named && s.Direction == protocol.Request && !kafka.Resumes(s.Head):
			t.Errorf("a request that is not found: %q", s.Head)
		case s.Direction == protocol.Response && (asks(s.Head) || asks(joined)):
			t.Errorf("an answer that is taken for a request: %q", joined)
		}
		before = s.Head
		if s.Direction == protocol.Request {
			before = nil
		}
	}
}

// TestOtherClient has kafka-go produce and consume.
func TestOtherClient(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var r protocoltest.Recorder
	addr := broker(t)
	w := &segmentio.Writer{Addr: segmentio.TCP(addr), Topic: "orders", BatchSize: 1, RequiredAcks: segmentio.RequireAll, Transport: &segmentio.Transport{Dial: r.DialContext}}
	for range 5 {
		if err := w.WriteMessages(ctx, segmentio.Message{Value: []byte("swordfish")}); err != nil {
			t.Fatal(err)
		}
	}
	w.Transport.(*segmentio.Transport).CloseIdleConnections()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	reader := segmentio.NewReader(segmentio.ReaderConfig{Brokers: []string{addr}, Topic: "orders", MaxWait: 100 * time.Millisecond, Dialer: &segmentio.Dialer{DialFunc: r.DialContext}})
	for range 5 {
		if _, err := reader.ReadMessage(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	produced, fetched := map[string]int{}, map[string]int{}
	for _, c := range r.Conversations() {
		strangers(t, c, false)
		for cut, segments := range c.Recut() {
			segments.Feed(kafka.New(kafka.NewTopics(10), func(c protocol.Call) {
				switch {
				case c.Operation == "Produce" && c.Resource == "orders":
					produced[cut] += c.Messages
				case c.Operation == "Fetch" && c.Resource == "orders":
					fetched[cut] += c.Messages
				}
			}))
		}
	}
	want := map[string]int{"as captured": 5, "byte by byte": 5, "turn by turn": 5}
	if diff := cmp.Diff(want, produced); diff != "" {
		t.Errorf("messages produced (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, fetched); diff != "" {
		t.Errorf("messages fetched (-want +got):\n%s", diff)
	}
}
