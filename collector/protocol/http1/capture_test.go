package http1_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/http1"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
)

// exchange is what both parsers say of a request and its answer.
type exchange struct{ Method, Path, Status string }

// disagreements are explained in docs/protocols.md; an entry that turns out to agree fails the test.
var disagreements = map[string]string{}

func TestCaptures(t *testing.T) {
	files := protocoltest.Archive(t, "http")
	for name, pcap := range files {
		result, ok := files[strings.TrimSuffix(name, ".pcap")+".result"]
		if !strings.HasSuffix(name, ".pcap") || !ok {
			continue
		}
		want := readResult(result)
		for _, c := range protocoltest.Conversations(t, pcap, http1.Recognize) {
			for cut, segments := range c.Recut() {
				var got []exchange
				p := http1.New(func(c protocol.Call) { got = append(got, exchange{c.Operation, c.Path, c.Status}) })
				segments.Feed(p)
				diff := cmp.Diff(want, got)
				if reason, known := disagreements[name]; known == (diff == "") {
					t.Errorf("%s, %s: %q; calls (-theirs +ours):\n%s", name, cut, reason, diff)
				}
			}
		}
	}
}

// readResult pairs the requests and answers another parser found. HTTP/2 is none of ours: it must give nothing.
func readResult(b []byte) []exchange {
	field := func(line, pattern string) string {
		m := regexp.MustCompile(pattern).FindStringSubmatch(line)
		if m == nil {
			return ""
		}
		return m[1]
	}
	var all []exchange
	answered := 0
	for line := range strings.Lines(string(b)) {
		switch {
		case !strings.Contains(line, "proto: Http1"):
		case strings.Contains(line, "msg_type: Request"):
			path, _, _ := strings.Cut(field(line, `path: "([^"]*)"`), "?")
			all = append(all, exchange{strings.ToUpper(field(line, `method: (\w+)`)), path, ""})
		case strings.Contains(line, "msg_type: Response") && answered < len(all):
			all[answered].Status = field(line, `status_code: Some\((\d+)\)`)
			answered++
		}
	}
	return all
}
