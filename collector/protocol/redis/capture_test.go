package redis_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
	"github.com/midwatch/midwatch/collector/protocol/redis"
)

// exchange is what both parsers say of a command and its answer.
type exchange struct{ Command, Error string }

// disagreements are explained in docs/protocols.md; an entry that turns out to agree fails the test.
var disagreements = map[string]string{
	"redis.pcap": "the capture ends two bytes before its longest answer does",
}

func TestCaptures(t *testing.T) {
	files := protocoltest.Archive(t, "redis")
	for name, pcap := range files {
		result, ok := files[strings.TrimSuffix(name, ".pcap")+".result"]
		if !strings.HasSuffix(name, ".pcap") || !ok {
			continue
		}
		want := readResult(result)
		got := map[string][]exchange{}
		for _, c := range protocoltest.Conversations(t, pcap, redis.Resumes) {
			for cut, segments := range c.Recut() {
				p := redis.New(func(c protocol.Call) { got[cut] = append(got[cut], exchange{c.Operation, c.Error}) })
				segments.Feed(p)
			}
		}
		for cut, got := range got { // connections are interleaved in the result
			byCommand := func(a, b exchange) int { return strings.Compare(a.Command, b.Command) }
			slices.SortStableFunc(got, byCommand)
			slices.SortStableFunc(want, byCommand)
			diff := cmp.Diff(want, got)
			if reason, known := disagreements[name]; known == (diff == "") {
				t.Errorf("%s, %s: %q; calls (-theirs +ours):\n%s", name, cut, reason, diff)
			}
		}
	}
}

func readResult(b []byte) []exchange {
	command := regexp.MustCompile(`request_type: "(\w+)"`)
	failure := regexp.MustCompile(`response_result: Error, error: "-([^"]*)"`)
	var all []exchange
	for line := range strings.Lines(string(b)) {
		if m := command.FindStringSubmatch(line); m != nil {
			all = append(all, exchange{Command: strings.ToUpper(m[1])})
		} else if m := failure.FindStringSubmatch(line); m != nil && len(all) > 0 {
			all[len(all)-1].Error = m[1]
		}
	}
	return all
}
