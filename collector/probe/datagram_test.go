package probe_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

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
		// None of these is an answer to be seen.
		must(exchange("udp6", false, way, 1, 2, message(2, answers, 1, 1))) // nobody asked for it
		must(exchange("udp4", true, way, 8, 9, message(9, answers, 1, 1)))  // nor here: being connected makes nobody a name server
		must(exchange("udp4", true, way, 3, 3, message(3, asks, 1, 0)))
		must(exchange("udp4", true, way, 4, 4, message(4, answers, 0, 1)))
		must(exchange("udp4", true, way, 5, 5, message(5, answers, 1, 0)))
		must(exchange("udp4", true, way, 6, 6, message(6, answers, 1, 300)))
		must(exchange("udp4", true, way, 7, 7, []byte("\x00\x07\x81\x80short")))
	}
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

// TestAnswersOfDNS receives datagrams in every way there is. Seen are those that answer what was asked, and no others.
func TestAnswersOfDNS(t *testing.T) {
	r := watch(t)
	cmd := helper("ask")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	exited := r.exit(t, cmd.Process.Pid) // what it received was told of before its end
	var want, got []string
	for _, way := range ways {
		want = append(want, "4 connected by "+way, "6 connected, failed, by "+way, "4 not connected by "+way)
	}
	r.Lock()
	defer r.Unlock()
	for _, c := range r.answers {
		if c.TGID != exited.TGID {
			continue
		}
		if c.Sock != 0 || c.Direction != probe.Receive || c.NetNS == 0 || c.Size != len(c.Data) || time.Since(c.Time).Abs() > time.Minute {
			t.Errorf("%+v", c)
		}
		id := binary.BigEndian.Uint16(c.Data)
		kind := map[uint16]string{1: "4 connected by ", 2: "6 connected, failed, by ", 3: "4 not connected by "}[id>>8]
		if kind == "" || int(id&0xff) >= len(ways) {
			t.Errorf("datagram %s was seen", strconv.Itoa(int(id)))
			continue
		}
		got = append(got, kind+ways[id&0xff])
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		t.Errorf("seen:\n%q, want\n%q", got, want)
	}
}
