package conversation_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/midwatch/midwatch/collector/protocol"
)

// freePort returns a port nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// redisClient sends n commands one by one, n more in pipelines of ten, and n that fail.
func redisClient(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	ctx := context.Background()
	c := redis.NewClient(&redis.Options{Addr: args[0], PoolSize: 2, TLSConfig: secureTo(args[2])})
	defer c.Close()
	for i := range n {
		if err := c.Set(ctx, fmt.Sprintf("cart:%d", i), "secret", 0).Err(); err != nil {
			return err
		}
	}
	for range n / 10 {
		pipe := c.Pipeline()
		for i := range 10 {
			pipe.Get(ctx, fmt.Sprintf("cart:%d", i))
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
	}
	for i := range n {
		if err := c.LPush(ctx, fmt.Sprintf("cart:%d", i), "x").Err(); err == nil {
			return errors.New("LPUSH on a string succeeded")
		}
	}
	return redisMessages(ctx, c, n)
}

// redisMessages publishes n messages to itself, and reads each before the next.
func redisMessages(ctx context.Context, c *redis.Client, n int) error {
	sub := c.Subscribe(ctx, "orders:1")
	defer func() { _ = sub.Close() }()
	if _, err := sub.Receive(ctx); err != nil {
		return err
	}
	for range n {
		if err := c.Publish(ctx, "orders:1", "secret").Err(); err != nil {
			return err
		}
		if _, err := sub.ReceiveMessage(ctx); err != nil {
			return err
		}
	}
	return nil
}

func TestKernelRedis(t *testing.T) {
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed")
	}
	plainAndSecure(t, func(t *testing.T, r *recorder, cert, key string) {
		port := freePort(t)
		args := []string{"--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir()}
		if cert == "" {
			args = append(args, "--port", strconv.Itoa(port))
		} else {
			args = append(args, "--port", "0", "--tls-port", strconv.Itoa(port), "--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no")
		}
		start(t, exec.Command(binary, args...))
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		until(t, func() bool {
			c, err := net.DialTimeout("tcp", addr, time.Second)
			if err == nil {
				_ = c.Close()
			}
			return err == nil
		}, func() string { return "redis-server does not listen" })

		const n = 500
		run(t, helper("redis-client", addr, strconv.Itoa(n), cert))
		for query, want := range map[string]string{"SET cart:?": "", "GET cart:?": "", "LPUSH cart:?": "WRONGTYPE", "PUBLISH orders:?": "", "MESSAGE orders:?": ""} {
			for end, calls := range r.both(t, uint16(port), n, func(c seen) bool { return c.Query == query }) {
				for _, c := range calls {
					if c.ErrorType != want || c.Duration <= 0 && c.Kind == protocol.Asked || c.Duration > time.Second {
						t.Errorf("%s at the %s: error %q after %v, want %q", query, end, c.ErrorType, c.Duration, want)
					}
				}
			}
		}
	})
}
