package silence

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"golang.org/x/sys/unix"
)

// recorder reads every packet that is to leave the namespace: the default routes lead to it, and nothing is behind it.
type recorder struct {
	device *os.File
	mu     sync.Mutex
	seen   []attempt
}

// attempt is one packet: "tcp 203.0.113.7:443", "udp 198.51.100.53:53 api.example.com".
type attempt struct {
	at   time.Time
	what string
}

// newRecorder makes the only way out of the namespace, for both versions of IP.
func newRecorder(t *testing.T) *recorder {
	t.Helper()
	const name = "outside"
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatalf("open /dev/net/tun: %v", err)
	}
	request, err := unix.NewIfreq(name)
	if err != nil {
		t.Fatal(err)
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		t.Fatalf("make the device: %v", err)
	}
	ip(t, `
		link set lo up
		addr add 198.51.100.1/24 dev `+name+`
		addr add 2001:db8::1/64 dev `+name+` nodad
		link set `+name+` up
		route add default dev `+name+`
		-6 route add default dev `+name)
	r := &recorder{device: os.NewFile(uintptr(fd), name)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.read()
	}()
	t.Cleanup(func() { r.device.Close(); <-done })
	return r
}

func (r *recorder) read() {
	packet := make([]byte, 1<<16)
	for {
		n, err := r.device.Read(packet)
		if err != nil {
			return
		}
		if what := describe(packet[:n]); what != "" {
			r.mu.Lock()
			r.seen = append(r.seen, attempt{time.Now(), what})
			r.mu.Unlock()
		}
	}
}

// describe says where a packet goes; "" for what the kernel sends by itself about neighbours and multicast groups.
func describe(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	first := layers.LayerTypeIPv4
	if b[0]>>4 == 6 {
		first = layers.LayerTypeIPv6
	}
	packet := gopacket.NewPacket(b, first, gopacket.NoCopy)
	if packet.Layer(layers.LayerTypeICMPv6) != nil || packet.Layer(layers.LayerTypeIGMP) != nil {
		return ""
	}
	to := "somewhere"
	if network := packet.NetworkLayer(); network != nil {
		to = network.NetworkFlow().Dst().String()
	}
	switch transport := packet.TransportLayer().(type) {
	case *layers.TCP:
		return fmt.Sprintf("tcp %s:%d", to, transport.DstPort)
	case *layers.UDP:
		what := fmt.Sprintf("udp %s:%d", to, transport.DstPort)
		if dns, ok := packet.Layer(layers.LayerTypeDNS).(*layers.DNS); ok {
			for _, q := range dns.Questions {
				what += " " + string(q.Name)
			}
		}
		return what
	}
	return fmt.Sprintf("%s: %d bytes: %v", to, len(b), packet.Layers())
}

// since lists what was attempted from a moment on, each once.
func (r *recorder) since(when time.Time) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var what []string
	for _, a := range r.seen {
		if !a.at.Before(when) && !slices.Contains(what, a.what) {
			what = append(what, a.what)
		}
	}
	return what
}

// last is when the latest attempt was.
func (r *recorder) last() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.seen) == 0 {
		return time.Time{}
	}
	return r.seen[len(r.seen)-1].at
}

// await waits until something was attempted that holds part.
func (r *recorder) await(t *testing.T, from time.Time, part string) {
	t.Helper()
	wait(t, "an attempt at "+part, func() bool {
		return slices.ContainsFunc(r.since(from), func(what string) bool { return strings.Contains(what, part) })
	})
}

// patience bounds every wait on a busy machine.
const patience = 3 * time.Minute

func wait(t *testing.T, what string, done func() bool) {
	t.Helper()
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatalf("waited %s in vain for %s", patience, what)
}
