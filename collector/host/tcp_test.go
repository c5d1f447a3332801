package host

import (
	"net/netip"
	"testing"
)

func TestParseTCP(t *testing.T) {
	for line, want := range map[string]tcpSocket{
		"   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 562 1 0 100 0 0 10 0": {
			Connection{netip.MustParseAddrPort("127.0.0.1:5432"), netip.MustParseAddrPort("0.0.0.0:0")}, tcpListen, 562,
		},
		"   1: 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000200007F:CB2A 01 0:0 00:0 0 0 0 77 1": {
			Connection{netip.MustParseAddrPort("127.0.0.1:8080"), netip.MustParseAddrPort("127.0.0.2:52010")}, tcpEstablished, 77,
		},
		"   2: 00000000000000000000000001000000:0050 00000000000000000000000001000000:C350 01 0:0 00:0 0 0 0 78 1": {
			Connection{netip.MustParseAddrPort("[::1]:80"), netip.MustParseAddrPort("[::1]:50000")}, tcpEstablished, 78,
		},
	} {
		if got, ok := parseTCP([]byte(line)); !ok || got != want {
			t.Errorf("%s\n got %+v %v\nwant %+v", line, got, ok, want)
		}
	}
	for _, line := range []string{"", "0: x y 01", "0: 0100007F:1538 0100007F:1538 06 a b c d e 1"} {
		if _, ok := parseTCP([]byte(line)); ok {
			t.Errorf("%q was taken for a socket", line)
		}
	}
}
