package dns_test

import (
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/midwatch/midwatch/collector/protocol/dns"
)

func FuzzParse(f *testing.F) {
	for _, name := range []string{"api.example.com.", "broken.example.com.", "nobody.example.com."} {
		f.Add(answer(f, name, dnsmessage.TypeA))
		f.Add(answer(f, name, dnsmessage.TypeAAAA))
	}
	f.Add([]byte("\x00\x07\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01")) // a name that points at itself
	f.Fuzz(func(t *testing.T, message []byte) {
		a, ok := dns.Parse(message)
		switch {
		case !ok && (a.Name != "" || a.Addresses != nil):
			t.Errorf("not read, and yet %+v", a)
		case ok && (a.Name == "" || len(a.Name) > 255 || a.Name != strings.ToLower(a.Name) || strings.ContainsAny(a.Name, " \n\"'<>{}()")):
			t.Errorf("a name that none can have: %q", a.Name)
		case len(a.Addresses) > 64 || a.Failure != "" && a.Addresses != nil || a.TTL < 0:
			t.Errorf("%+v", a)
		}
		for _, at := range a.Addresses {
			if !at.IsValid() {
				t.Errorf("%+v", a)
			}
		}
	})
}
