package conversation_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nats.go/micro"
)

// natsEvery is after how many requests one fails.
const natsEvery = 10

// natsServer is a server with JetStream.
func natsServer([]string) error {
	dir, err := os.MkdirTemp("", "nats-")
	if err != nil {
		return err
	}
	s, err := natsserver.NewServer(&natsserver.Options{Host: "127.0.0.1", Port: natsserver.RANDOM_PORT, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true})
	if err != nil {
		return err
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		return errors.New("the server does not come up")
	}
	fmt.Println(s.Addr())
	s.WaitForShutdown()
	return nil
}

// natsService serves orders.N, every tenth with an error, until it is killed. It prints its server's address when it is ready.
func natsService(args []string) error {
	c, err := natsgo.Connect("nats://" + args[0])
	if err != nil {
		return err
	}
	s, err := micro.AddService(c, micro.Config{Name: "orders", Version: "1.0.0"})
	if err != nil {
		return err
	}
	err = s.AddEndpoint("get", micro.HandlerFunc(func(r micro.Request) {
		if n, _ := strconv.Atoi(string(r.Data())); n%natsEvery == 0 {
			_ = r.Error("404", fmt.Sprintf("no order %d", n), nil)
			return
		}
		_ = r.Respond([]byte("secret"))
	}), micro.WithEndpointSubject("orders.*"))
	if err = errors.Join(err, c.Flush()); err != nil {
		return err
	}
	fmt.Println(args[0])
	select {}
}

// natsClient makes n requests, and publishes n messages to a stream.
func natsClient(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	c, err := natsgo.Connect("nats://" + args[0])
	if err != nil {
		return err
	}
	defer c.Close()
	js, err := jetstream.New(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "SHIPPED", Subjects: []string{"shipped.>"}, Storage: jetstream.MemoryStorage}); err != nil {
		return err
	}
	for i := range n {
		if _, err := c.RequestMsgWithContext(ctx, &natsgo.Msg{
			Subject: fmt.Sprintf("orders.%d", i), Data: []byte(strconv.Itoa(i)), Header: natsgo.Header{"traceparent": {fmt.Sprintf("00-%032x-%016x-01", i+1, i+1)}},
		}); err != nil {
			return err
		}
		if _, err := js.Publish(ctx, fmt.Sprintf("shipped.%d", i), []byte("secret")); err != nil {
			return err
		}
	}
	return nil
}

func TestKernelNATS(t *testing.T) {
	r := watch(t)
	const n = 300
	server := serve(t, helper("nats-server"))
	serve(t, helper("nats-service", server.String()))
	run(t, helper("nats-client", server.String(), strconv.Itoa(n)))

	of := func(operation, resource string) func(seen) bool {
		return func(c seen) bool { return c.Operation == operation && c.Resource == resource }
	}
	for _, operation := range []string{"request", "deliver"} {
		for end, calls := range r.both(t, server.Port(), n, of(operation, "orders.?")) {
			for i, c := range calls {
				failed := i%natsEvery == 0
				if c.Failed != failed || failed && (c.Status != "404" || c.ErrorType != "SERVICE_ERROR" || c.Error != "no order ?") || c.Duration <= 0 ||
					c.TraceParent != fmt.Sprintf("00-%032x-%016x-01", i+1, i+1) {
					t.Fatalf("%s, %d: %+v", end, i, c.Call)
				}
			}
		}
	}
	for end, calls := range r.both(t, server.Port(), n, of("publish", "shipped.?")) {
		for i, c := range calls {
			if c.Failed || c.Messages != 1 || c.Duration <= 0 || c.ResponseBytes == 0 {
				t.Fatalf("%s, %d: %+v", end, i, c.Call)
			}
		}
	}
}
