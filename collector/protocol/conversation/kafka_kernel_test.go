package conversation_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	segmentio "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/midwatch/midwatch/collector/probe"
)

// kafkaServer is a broker with the topic "orders".
func kafkaServer([]string) error {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"))
	if err != nil {
		return err
	}
	fmt.Println(cluster.ListenAddrs()[0])
	select {} // until it is killed
}

// done counts the requests of a client by API: those that it read the answer of, and of Produce those that it wrote.
type done struct {
	mu sync.Mutex
	n  map[string]int
}

func (d *done) OnBrokerWrite(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, err error) {
	d.count(key, err == nil && key == int16(kmsg.Produce))
}

func (d *done) OnBrokerRead(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, err error) {
	d.count(key, err == nil && key != int16(kmsg.Produce))
}

func (d *done) count(key int16, counts bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if counts {
		d.n[kmsg.NameForKey(key)]++
	}
}

// kafkaUnacknowledged is as many requests without an answer as the kernel side looks at in one run.
const kafkaUnacknowledged = 50

// kafkaClient produces n messages one by one, and some that are not acknowledged, consumes all in a group, and asks for a topic that is not there. It prints how many requests
// it made, by API.
func kafkaClient(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	count := &done{n: map[string]int{}}
	open := func(opts ...kgo.Opt) (*kgo.Client, error) {
		return kgo.NewClient(append(opts, kgo.SeedBrokers(args[0]), kgo.WithHooks(count))...)
	}
	if err := errors.Join(kafkaProduce(ctx, n, open), kafkaProduce(ctx, kafkaUnacknowledged, open, kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite()), kafkaConsume(ctx, n+kafkaUnacknowledged, open), kafkaUnknown(ctx, open)); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(count.n)
}

type kafkaOpen func(...kgo.Opt) (*kgo.Client, error)

func kafkaProduce(ctx context.Context, n int, open kafkaOpen, opts ...kgo.Opt) error {
	c, err := open(append(opts, kgo.ProducerLinger(0), kgo.ProducerBatchCompression(kgo.NoCompression()))...)
	if err != nil {
		return err
	}
	defer c.Close()
	for i := range n {
		r := &kgo.Record{Topic: "orders", Value: []byte("secret"), Headers: []kgo.RecordHeader{{Key: "traceparent", Value: fmt.Appendf(nil, "00-%032x-%016x-01", i+1, i+1)}}}
		if err := c.ProduceSync(ctx, r).FirstErr(); err != nil {
			return err
		}
	}
	return nil
}

func kafkaConsume(ctx context.Context, n int, open kafkaOpen) error {
	c, err := open(kgo.FetchMaxPartitionBytes(2<<10), kgo.ConsumerGroup("shop"), kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return err
	}
	defer c.Close()
	for got := 0; got < n; {
		fetched := c.PollFetches(ctx)
		if err := fetched.Err(); err != nil {
			return err
		}
		got += fetched.NumRecords()
	}
	return c.CommitUncommittedOffsets(ctx)
}

func kafkaUnknown(ctx context.Context, open kafkaOpen) error {
	c, err := open()
	if err != nil {
		return err
	}
	defer c.Close()
	request := kmsg.NewPtrMetadataRequest()
	asked := kmsg.NewMetadataRequestTopic()
	asked.Topic = kmsg.StringPtr("nowhere")
	request.Topics = append(request.Topics, asked)
	answer, err := request.RequestWith(ctx, c)
	if err != nil {
		return err
	}
	if code := answer.Topics[0].ErrorCode; code != kerr.UnknownTopicOrPartition.Code {
		return fmt.Errorf("a topic that is not there: error %d", code)
	}
	return nil
}

// segmentioClient produces n messages one by one, with another client, and consumes them.
func segmentioClient(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	w := &segmentio.Writer{Addr: segmentio.TCP(args[0]), Topic: "orders", BatchSize: 1, RequiredAcks: segmentio.RequireAll}
	defer func() { _ = w.Close() }()
	for range n {
		if err := w.WriteMessages(ctx, segmentio.Message{Value: []byte("secret")}); err != nil {
			return err
		}
	}
	r := segmentio.NewReader(segmentio.ReaderConfig{Brokers: args[:1], Topic: "orders", MaxWait: 100 * time.Millisecond})
	defer func() { _ = r.Close() }()
	for range n {
		if _, err := r.ReadMessage(ctx); err != nil {
			return err
		}
	}
	return nil
}

func TestKernelKafka(t *testing.T) {
	r := watch(t)
	broker := serve(t, helper("kafka-server"))

	const n = 200
	out, err := helper("kafka-client", broker.String(), strconv.Itoa(n)).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{}
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	if want["Produce"] != n+kafkaUnacknowledged || want["Fetch"] == 0 || want["JoinGroup"] == 0 || want["OffsetCommit"] == 0 {
		t.Fatalf("it asked %v", want)
	}
	operations := func(role probe.Role) map[string]int {
		count := map[string]int{}
		for _, c := range r.at(role, broker.Port()) {
			count[kafkaName(c.Operation)]++
		}
		return count
	}
	until(t, func() bool {
		return maps.Equal(operations(probe.RoleServer), want) && maps.Equal(operations(probe.RoleClient), want)
	}, func() string {
		return fmt.Sprintf("at the server (-want +got):\n%sat the client:\n%s%+v", cmp.Diff(want, operations(probe.RoleServer)), cmp.Diff(want, operations(probe.RoleClient)), r.Stats())
	})
	kafkaCalls(t, r, broker.Port(), n)

	segmentioBroker := serve(t, helper("kafka-server"))
	run(t, helper("segmentio-client", segmentioBroker.String(), strconv.Itoa(n)))
	r.both(t, segmentioBroker.Port(), n, func(c seen) bool {
		return c.Operation == "Produce" && c.Resource == "orders" && c.Messages == 1 && !c.Failed
	})
}

// kafkaName is an API as kmsg writes it.
func kafkaName(operation string) string {
	if operation == "InitProducerId" {
		return "InitProducerID"
	}
	return operation
}

// kafkaCalls checks what the calls of a kafka-client say.
func kafkaCalls(t *testing.T, r *recorder, port uint16, n int) {
	t.Helper()
	for _, role := range []probe.Role{probe.RoleServer, probe.RoleClient} {
		traces, fetched, unknown := map[string]bool{}, 0, 0
		for _, c := range r.at(role, port) {
			switch {
			case c.Operation == "Produce":
				traces[c.TraceParent] = true
				if c.Resource != "orders" || c.Messages != 1 || c.Failed || c.Duration <= 0 && c.Kind == 0 || c.Duration > time.Second {
					t.Errorf("%+v", c.Call)
				}
			case c.Operation == "Fetch":
				fetched += c.Messages
				if c.Messages > 0 && c.Resource != "orders" {
					t.Errorf("%+v", c.Call)
				}
			case c.Failed:
				unknown++
				if c.Operation != "Metadata" || c.Resource != "nowhere" || c.ErrorType != "UNKNOWN_TOPIC_OR_PARTITION" || c.Status != "3" {
					t.Errorf("%+v", c.Call)
				}
			}
		}
		if len(traces) != n || unknown != 1 {
			t.Errorf("role %d: %d traces, %d failures", role, len(traces), unknown)
		}
		if fetched != n+kafkaUnacknowledged {
			t.Errorf("role %d: %d messages were fetched", role, fetched)
		}
	}
}

// TestKernelKafkaLate meets connections half-way. Which name goes with the id of a topic was told before.
func TestKernelKafkaLate(t *testing.T) {
	broker := serve(t, helper("kafka-server"))
	serve(t, helper("kafka-talker", broker.String()))
	r := watch(t)
	produced := func(role probe.Role) int {
		return len(slices.DeleteFunc(r.at(role, broker.Port()), func(c seen) bool {
			return c.Operation != "Produce" || c.Messages != 1 || c.Failed
		}))
	}
	until(t, func() bool { return produced(probe.RoleServer) > 20 && produced(probe.RoleClient) > 20 }, func() string {
		return fmt.Sprintf("%d at the server, %d at the client, %+v", produced(probe.RoleServer), produced(probe.RoleClient), r.Stats())
	})
}

// kafkaTalker produces messages until it is killed. It prints where, once it does.
func kafkaTalker(args []string) error {
	c, err := kgo.NewClient(kgo.SeedBrokers(args[0]), kgo.ProducerLinger(0), kgo.DefaultProduceTopic("orders"))
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		if err := c.ProduceSync(context.Background(), kgo.StringRecord("secret")).FirstErr(); err != nil {
			return err
		}
		if i == 0 {
			fmt.Println(args[0])
		}
		time.Sleep(time.Millisecond)
	}
}
