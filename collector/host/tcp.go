package host

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"strconv"
)

// States of a TCP socket in /proc/net/tcp.
const (
	tcpEstablished = 1
	tcpListen      = 10
)

// tcpSocket is one line of /proc/PID/net/tcp or tcp6.
type tcpSocket struct {
	Connection
	state uint8
	inode uint64
}

// readTCP reads such a file, skipping lines that make no sense and states other than listening and established.
func readTCP(file string) ([]tcpSocket, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	var out []tcpSocket
	lines := bufio.NewScanner(f)
	lines.Scan() // the heading
	for lines.Scan() && len(out) < maxSockets {
		if s, ok := parseTCP(lines.Bytes()); ok {
			out = append(out, s)
		}
	}
	return out, lines.Err()
}

// parseTCP reads "sl local remote state queues timer retransmits uid timeout inode …".
func parseTCP(line []byte) (s tcpSocket, ok bool) {
	f := bytes.Fields(line)
	if len(f) < 10 {
		return s, false
	}
	state, err := strconv.ParseUint(string(f[3]), 16, 8)
	if err != nil || state != tcpEstablished && state != tcpListen {
		return s, false
	}
	s.state = uint8(state)
	var okLocal, okRemote bool
	s.Local, okLocal = hexAddress(f[1])
	s.Remote, okRemote = hexAddress(f[2])
	s.inode, err = strconv.ParseUint(string(f[9]), 10, 64)
	return s, okLocal && okRemote && err == nil
}

// hexAddress reads an address as the kernel prints it: words of four bytes in the machine's byte order, then the port.
func hexAddress(b []byte) (netip.AddrPort, bool) {
	host, port, ok := bytes.Cut(b, []byte(":"))
	if !ok || len(host) != 8 && len(host) != 32 {
		return netip.AddrPort{}, false
	}
	raw := make([]byte, len(host)/2)
	if _, err := hex.Decode(raw, host); err != nil {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(raw); i += 4 {
		binary.BigEndian.PutUint32(raw[i:], binary.NativeEndian.Uint32(raw[i:]))
	}
	n, err := strconv.ParseUint(string(port), 16, 16)
	if err != nil {
		return netip.AddrPort{}, false
	}
	a, _ := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(a.Unmap(), uint16(n)), true
}
