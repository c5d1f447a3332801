package conversation_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/midwatch/midwatch/collector/protocol"
)

// amqpTrace is of every message.
const amqpTrace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// amqpClient publishes n messages, consumes each, publishes n that come back, and n to an exchange that is not there; asks for n queues that are not there;
// and logs in with a wrong password.
func amqpClient(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	if c, err := amqp091.Dial("amqp://guest:wrong@" + args[0] + "/"); err == nil {
		_ = c.Close()
		return errors.New("logged in with a wrong password")
	}
	c, err := amqp091.Dial("amqp://guest:guest@" + args[0] + "/")
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	for _, do := range []func(*amqp091.Connection, int) error{amqpConsume, amqpReturned, amqpMissing} {
		if err := do(c, n); err != nil {
			return err
		}
	}
	return nil
}

// amqpMessage is a message with a body of so many bytes.
func amqpMessage(size int) amqp091.Publishing {
	return amqp091.Publishing{Body: make([]byte, size), Headers: amqp091.Table{"traceparent": amqpTrace}}
}

// amqpConsume sends messages to a queue and takes them from it, one by one; every tenth is long.
func amqpConsume(c *amqp091.Connection, n int) error {
	ch, err := c.Channel()
	if err != nil {
		return err
	}
	defer func() { _ = ch.Close() }()
	if _, err := ch.QueueDeclare("orders.7", false, true, false, false, nil); err != nil {
		return err
	}
	deliveries, err := ch.Consume("orders.7", "", false, false, false, false, nil)
	if err != nil {
		return err
	}
	if err := ch.Confirm(false); err != nil {
		return err
	}
	for i := range n {
		size := 100
		if i%10 == 0 {
			size = 300 << 10
		}
		sent, err := ch.PublishWithDeferredConfirm("", "orders.7", false, false, amqpMessage(size))
		if err != nil {
			return err
		}
		if !sent.Wait() {
			return errors.New("a message was refused")
		}
		if err := (<-deliveries).Ack(false); err != nil {
			return err
		}
	}
	return nil
}

// amqpReturned sends messages that come back.
func amqpReturned(c *amqp091.Connection, n int) error {
	ch, err := c.Channel()
	if err != nil {
		return err
	}
	defer func() { _ = ch.Close() }()
	back := ch.NotifyReturn(make(chan amqp091.Return, 1))
	for range n {
		if err := ch.PublishWithContext(context.Background(), "amq.direct", "nowhere", true, false, amqpMessage(100)); err != nil {
			return err
		}
		<-back
	}
	return nil
}

// amqpMissing asks for what is not there, each time on a channel of its own.
func amqpMissing(c *amqp091.Connection, n int) error {
	for i := range n {
		ch, err := c.Channel()
		if err != nil {
			return err
		}
		if _, err := ch.QueueDeclarePassive(fmt.Sprintf("gone.%d", i), false, false, false, false, nil); err == nil {
			return errors.New("a queue is there that is not")
		}
		if ch, err = c.Channel(); err != nil {
			return err
		}
		if err := ch.Confirm(false); err != nil {
			return err
		}
		over := ch.NotifyClose(make(chan *amqp091.Error, 1))
		if err := ch.PublishWithContext(context.Background(), fmt.Sprintf("missing.%d", i), "k", false, false, amqpMessage(100)); err != nil {
			return err
		}
		if err := <-over; err == nil {
			return errors.New("an exchange is there that is not")
		}
	}
	return nil
}

// rabbit starts a broker of the test's own, and the daemon by which Erlang finds its nodes; on loopback, with all that they write in a directory of the test.
func rabbit(t *testing.T) (port int) {
	t.Helper()
	const scripts = "/usr/lib/rabbitmq/bin" // those on the PATH become another user first
	if _, err := os.Stat(filepath.Join(scripts, "rabbitmq-server")); err != nil {
		t.Skip("rabbitmq-server is not installed")
	}
	port, names := freePort(t), freePort(t)
	dir := t.TempDir()
	start(t, exec.Command("epmd", "-address", "127.0.0.1", "-port", strconv.Itoa(names)))
	cmd := exec.Command(filepath.Join(scripts, "rabbitmq-server"))
	cmd.Env = append(os.Environ(),
		"HOME="+dir, // of the cookie
		"RABBITMQ_NODENAME=midwatch@localhost",
		"RABBITMQ_NODE_IP_ADDRESS=127.0.0.1", "RABBITMQ_NODE_PORT="+strconv.Itoa(port),
		"RABBITMQ_DIST_PORT="+strconv.Itoa(freePort(t)), "ERL_EPMD_PORT="+strconv.Itoa(names), "ERL_EPMD_ADDRESS=127.0.0.1",
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1} -start_epmd false",
		"RABBITMQ_MNESIA_BASE="+filepath.Join(dir, "mnesia"), "RABBITMQ_LOG_BASE="+filepath.Join(dir, "log"), "RABBITMQ_LOGS=-", "RABBITMQ_PID_FILE="+filepath.Join(dir, "pid"),
		"RABBITMQ_CONFIG_FILE="+filepath.Join(dir, "none"), "RABBITMQ_CONF_ENV_FILE="+filepath.Join(dir, "none"), "RABBITMQ_ENABLED_PLUGINS_FILE="+filepath.Join(dir, "plugins"),
	)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a script, which starts more
	start(t, cmd)
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // the script ends the broker
		late := time.AfterFunc(20*time.Second, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
		_ = cmd.Wait()
		late.Stop()
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		c, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), time.Second)
		if err == nil {
			_ = c.Close()
			return port
		}
		if time.Now().After(deadline) {
			t.Fatal("rabbitmq-server does not listen")
		}
	}
}

func TestKernelAMQP(t *testing.T) {
	r := watch(t)
	port := rabbit(t)
	const n = 100
	run(t, helper("amqp-client", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), strconv.Itoa(n)))
	for call, want := range map[string]struct {
		calls   int
		kind    protocol.Kind
		failure string
	}{
		"login ":               {calls: 1, failure: protocol.ConnectionClosed},
		"connection.open ":     {calls: 1},
		"confirm.select ":      {calls: n + 1},
		"consume orders.?":     {calls: 1},
		"publish orders.?":     {calls: n, kind: protocol.Sent},
		"deliver orders.?":     {calls: n, kind: protocol.Delivered},
		"publish amq.direct":   {calls: n, kind: protocol.Sent, failure: "NO_ROUTE"},
		"queue.declare gone.?": {calls: n, failure: "NOT_FOUND"},
		"publish missing.?":    {calls: n, kind: protocol.Sent, failure: "NOT_FOUND"},
		"channel.open ":        {calls: 2*n + 2},
		"channel.close ":       {calls: 2},
	} {
		for end, calls := range r.both(t, uint16(port), want.calls, func(c seen) bool { return c.Operation+" "+c.Resource == call }) {
			for _, c := range calls {
				messages, long := want.kind != protocol.Asked, time.Second
				if c.Operation == "login" { // a wrong password is refused after three seconds
					long = 5 * time.Second
				}
				if c.ErrorType != want.failure || c.Kind != want.kind || c.Duration < 0 || c.Duration > long || messages != (c.TraceParent == amqpTrace) {
					t.Errorf("%s at the %s: %+v", call, end, c.Call)
				}
			}
		}
	}
}
