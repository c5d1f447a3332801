package conversation_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

// memcachedClient stores n values, gets each, and increments each, which fails.
func memcachedClient(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	c := memcache.New(args[0])
	for i := range n {
		key := fmt.Sprintf("cart:%d", i)
		if err := c.Set(&memcache.Item{Key: key, Value: []byte("secret")}); err != nil {
			return err
		}
		if _, err := c.Get(key); err != nil {
			return err
		}
		if _, err := c.Increment(key, 1); err == nil {
			return errors.New("a text was incremented")
		}
	}
	return memcachedBinary(args[0], n)
}

// memcachedBinary deletes n values that are not there, in the binary protocol, whose messages have no body but the key.
func memcachedBinary(addr string, n int) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	answers := bufio.NewReader(c)
	for range n {
		const key = "gone:1"
		head := [24]byte{0: 0x80, 1: 0x04, 3: byte(len(key)), 11: byte(len(key)), 15: 7}
		if _, err := c.Write(append(head[:], key...)); err != nil {
			return err
		}
		told := make([]byte, len(head)+len("Not found"))
		if _, err := answers.Read(told); err != nil {
			return err
		}
		if told[0] != 0x81 || told[7] != 1 || !strings.HasSuffix(string(told), "Not found") {
			return fmt.Errorf("answered %q", told)
		}
	}
	return nil
}

func TestKernelMemcached(t *testing.T) {
	binary, err := exec.LookPath("memcached")
	if err != nil {
		t.Skip("memcached is not installed")
	}
	r := watch(t)
	port := freePort(t)
	start(t, exec.Command(binary, "-u", "root", "-l", "127.0.0.1", "-p", strconv.Itoa(port), "-U", "0", "-m", "16"))
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	until(t, func() bool {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}, func() string { return "memcached does not listen" })

	const n = 300
	run(t, helper("memcached-client", addr, strconv.Itoa(n)))
	for query, want := range map[string]string{"set cart:?": "", "gets cart:?": "", "incr cart:?": "CLIENT_ERROR", "delete gone:?": ""} {
		for end, calls := range r.both(t, uint16(port), n, func(c seen) bool { return c.Query == query }) {
			for _, c := range calls {
				if c.ErrorType != want || c.Duration <= 0 || c.Duration > time.Second {
					t.Errorf("%s at the %s: error %q after %v, want %q", query, end, c.ErrorType, c.Duration, want)
				}
			}
		}
	}
}
