package probe_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"github.com/midwatch/midwatch/collector/probe"
)

// A message is an id, flags, and how many questions and answers follow; what they are is of no interest here.
func message(id uint16, flags string, questions, answers uint16) []byte {
	b := binary.BigEndian.AppendUint16(nil, id)
	b = append(b, flags...)
	b = binary.BigEndian.AppendUint16(b, questions)
	b = binary.BigEndian.AppendUint16(b, answers)
	return append(b, make([]byte, 20)...)
}

const (
	asks    = "\x01\x00"
	answers = "\x81\x80"
	fails   = "\x81\x82"
)

// ways are the system calls a datagram can be received with.
var ways = []string{"read", "recvfrom", "recvmsg", "readv"}

// ask is a helper: it talks with itself in all ways, each datagram with the number of the way as its id.
func ask() {
	for i, way := range ways {
		must(exchange("udp4", true, way, uint16(0x100+i), uint16(0x100+i), message(uint16(0x100+i), answers, 1, 2)))
		must(exchange("udp6", true, way, uint16(0x200+i), uint16(0x200+i), message(uint16(0x200+i), fails, 1, 0)))
		must(exchange("udp4", false, way, uint16(0x300+i), uint16(0x300+i), message(uint16(0x300+i), answers, 1, 1)))
		must(exchange("udp4", true, way, 0x400, 0x400, message(0x400, answers, 1, 0)))
		// None of these is received as an answer.
		must(exchange("udp6", false, way, 0x501, 0x502, message(0x502, answers, 1, 1))) // nobody asked for it
		must(exchange("udp4", true, way, 0x503, 0x504, message(0x504, answers, 1, 1)))  // nor here: being connected makes nobody a name server
		must(exchange("udp4", true, way, 0x505, 0x505, message(0x505, asks, 1, 0)))
		must(exchange("udp4", true, way, 0x506, 0x506, message(0x506, answers, 0, 1)))
		must(exchange("udp4", true, way, 0x507, 0x507, message(0x507, answers, 1, 300)))
		must(exchange("udp4", true, way, 0x508, 0x508, []byte("\x05\x08\x81\x80short")))
	}
	must(askBoth())
	os.Exit(0)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "ask:", err)
		os.Exit(1)
	}
}

// exchange sends a question through a socket that is connected or takes anything, and receives what is sent back.
func exchange(network string, connected bool, way string, asked, answered uint16, back []byte) error {
	local := map[string]string{"udp4": "127.0.0.1:0", "udp6": "[::1]:0"}[network]
	server, err := net.ListenPacket(network, local)
	if err != nil {
		return err
	}
	defer func() { _ = server.Close() }()
	client, err := net.ListenUDP(network, &net.UDPAddr{IP: server.LocalAddr().(*net.UDPAddr).IP})
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	raw, err := client.SyscallConn()
	if err != nil {
		return err
	}
	to := sockaddr(server.LocalAddr().(*net.UDPAddr))
	var failed error
	if err := raw.Control(func(fd uintptr) {
		if connected {
			failed = syscall.Connect(int(fd), to)
		}
		if failed == nil {
			failed = send(int(fd), connected, to, message(asked, asks, 1, 0))
		}
	}); err != nil || failed != nil {
		return fmt.Errorf("ask %#x: %w, %w", asked, err, failed)
	}
	if _, err := server.WriteTo(back, client.LocalAddr()); err != nil {
		return err
	}
	if err := client.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	err = raw.Read(func(fd uintptr) bool {
		failed = receive(int(fd), way)
		return !errors.Is(failed, syscall.EAGAIN)
	})
	if err != nil || failed != nil {
		return fmt.Errorf("receive %#x by %s: %w, %w", answered, way, err, failed)
	}
	return nil
}

func send(fd int, connected bool, to syscall.Sockaddr, b []byte) error {
	if connected {
		_, err := syscall.Write(fd, b)
		return err
	}
	return syscall.Sendto(fd, b, 0, to)
}

func receive(fd int, way string) (err error) {
	buf := make([]byte, 512)
	switch way {
	case "read":
		_, err = syscall.Read(fd, buf)
	case "recvfrom":
		_, _, err = syscall.Recvfrom(fd, buf, 0)
	case "recvmsg":
		_, _, _, _, err = syscall.Recvmsg(fd, buf, nil, 0)
	case "readv":
		_, err = unix.Readv(fd, [][]byte{buf[:100], buf[100:]})
	}
	return err
}

func sockaddr(a *net.UDPAddr) syscall.Sockaddr {
	if ip := a.IP.To4(); ip != nil {
		return &syscall.SockaddrInet4{Port: a.Port, Addr: [4]byte(ip)}
	}
	return &syscall.SockaddrInet6{Port: a.Port, Addr: [16]byte(a.IP)}
}

// askBoth asks two questions with one call, as resolvers do for the two kinds of addresses.
func askBoth() error {
	c, err := net.Dial("udp", "127.0.0.1:53")
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	_, err = ipv4.NewPacketConn(c.(*net.UDPConn)).WriteBatch([]ipv4.Message{{Buffers: [][]byte{message(0x600, asks, 1, 0)}}, {Buffers: [][]byte{message(0x601, asks, 1, 0)}}}, 0)
	return err
}

// TestDatagramsOfDNS sends and receives datagrams in every way there is. Seen are questions and what answers them, and no others.
func TestDatagramsOfDNS(t *testing.T) {
	r := watch(t)
	cmd := helper("ask")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	exited := r.exit(t, cmd.Process.Pid) // what it received was told of before its end
	const (
		asked, served      = "%#x client asks", "%#x server answers"
		received, answered = "%#x server is asked", "%#x client is answered"
	)
	var want, got []string
	for i := range ways {
		for id, lines := range map[int][]string{
			0x100 + i: {asked, served, answered}, 0x200 + i: {asked, served, answered}, 0x300 + i: {asked, served, answered}, 0x400: {asked, served, answered},
			0x501: {asked}, 0x502: {served}, 0x503: {asked}, 0x504: {served}, 0x505: {asked, asked, received}, 0x506: {asked}, 0x507: {asked}, 0x508: {asked},
		} {
			for _, l := range lines {
				want = append(want, fmt.Sprintf(l, id))
			}
		}
	}
	want = append(want, fmt.Sprintf(asked, 0x600), fmt.Sprintf(asked, 0x601))
	r.Lock()
	defer r.Unlock()
	for _, c := range r.datagrams {
		if c.TGID != exited.TGID {
			continue
		}
		if c.Sock == 0 || c.NetNS == 0 || c.Size != len(c.Data) || time.Since(c.Time).Abs() > time.Minute {
			t.Errorf("%+v", c)
		}
		id := int(binary.BigEndian.Uint16(c.Data))
		if known := c.Remote.Port() != 0 && c.Remote.Addr().IsLoopback(); known == (id>>8 == 3 && c.Direction == probe.Receive && slices.Contains([]string{"read", "readv"}, ways[id&0xff])) {
			t.Errorf("%#x: the other end is %s", id, c.Remote)
		}
		line := map[bool]string{true: "client", false: "server"}[c.Role == probe.RoleClient]
		switch {
		case c.Direction == probe.Send && c.Role == probe.RoleClient:
			line += " asks"
		case c.Direction == probe.Send:
			line += " answers"
		case c.Role == probe.RoleClient:
			line += " is answered"
		default:
			line += " is asked"
		}
		got = append(got, fmt.Sprintf("%#x %s", id, line))
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("seen (-want +got):\n%s", diff)
	}
}
