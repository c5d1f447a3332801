package http2_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/http2"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
)

// exchange is what both parsers say of a request and its answer. The status is that of gRPC where it is gRPC.
type exchange struct{ Protocol, Method, Path, Status string }

// disagreements are explained in docs/protocols.md; an entry that turns out to agree fails the test.
var disagreements = map[string]string{
	"grpc-unknown.pcap":     "the path was put into the header table before the capture: theirs tells a request without one",
	"http2-multi.pcap":      "the paths were put into the header table before the capture: theirs tells requests without one",
	"httpv2-stream-id.pcap": "the name of the field that looks like a path was put into the header table before the capture: theirs tells a request without one",
}

// atPreface are captures whose connection begins in them.
var atPreface = map[string]bool{"grpc-service-name.pcap": true}

func TestCaptures(t *testing.T) {
	files := protocoltest.Archive(t, "http")
	calls, agreed := 0, 0
	for name, pcap := range files {
		result, ok := files[strings.TrimSuffix(name, ".pcap")+".result"]
		if !strings.HasSuffix(name, ".pcap") || !ok || !speaksHTTP2(result) {
			continue
		}
		want, got, conversations := theirs(result), map[string][]exchange{}, 0
		for _, c := range protocoltest.Conversations(t, pcap, asks) {
			if first := c[0].Head; http2.Recognize(first) != atPreface[name] || http2.Resumes(first) == atPreface[name] {
				t.Errorf("%s begins with %q: recognized %t, resumed %t", name, first, http2.Recognize(first), http2.Resumes(first))
			}
			conversations++
			for cut, segments := range c.Recut() {
				segments.Feed(http2.New(func(c protocol.Call) { got[cut] = append(got[cut], told(c)) }))
			}
		}
		if conversations != 1 {
			t.Errorf("%s: %d connections", name, conversations)
		}
		for _, cut := range []string{"as captured", "byte by byte", "turn by turn"} {
			diff := cmp.Diff(want, got[cut])
			if reason, known := disagreements[name]; known == (diff == "") {
				t.Errorf("%s, %s: %q; calls (-theirs +ours):\n%s", name, cut, reason, diff)
			} else if known && len(got[cut]) > 0 {
				t.Errorf("%s, %s: a call of which nothing is known: %v", name, cut, got[cut])
			}
		}
		for i, theirs := range want { // what theirs does not know the path of is no call
			if theirs.Path != "" {
				calls++
				if got := got["as captured"]; i < len(got) && got[i] == theirs {
					agreed++
				}
			}
		}
	}
	if calls < 5 || agreed*100 < calls*95 {
		t.Errorf("%d of %d calls agree", agreed, calls)
	}
}

func asks(b []byte) bool { return http2.Recognize(b) || http2.Resumes(b) }

func told(c protocol.Call) exchange {
	e := exchange{string(c.Protocol), c.Operation, c.Path, c.Status}
	if c.Protocol == protocol.GRPC {
		e.Method = "POST"
	}
	return e
}

func speaksHTTP2(result []byte) bool { return strings.Contains(string(result), "version: V2") }

// theirs are the exchanges that another parser found, in the order of their requests.
func theirs(result []byte) (all []exchange) {
	field := func(line, pattern string) string {
		m := regexp.MustCompile(pattern).FindStringSubmatch(line)
		if m == nil {
			return ""
		}
		return m[1]
	}
	byStream := map[string]int{}
	for line := range strings.Lines(string(result)) {
		stream := field(line, `stream_id: Some\((\d+)\)`)
		switch {
		case strings.Contains(line, "msg_type: Request"):
			e := exchange{"http", strings.ToUpper(field(line, `method: (\w+)`)), field(line, ` path: "([^"]*)"`), ""}
			if strings.Contains(line, "proto: Grpc") {
				e.Protocol, e.Method = "grpc", "POST" // theirs says which frames of HTTP/2 it was
			}
			byStream[stream] = len(all)
			all = append(all, e)
		case strings.Contains(line, "msg_type: Response"):
			e := &all[byStream[stream]]
			if e.Protocol == "grpc" {
				e.Status = field(line, `grpc_status_code: Some\((\d+)\)`)
			} else {
				e.Status = field(line, ` status_code: Some\((\d+)\)`)
			}
		}
	}
	return all
}
