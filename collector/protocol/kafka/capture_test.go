package kafka_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/kafka"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
)

// exchange is what both parsers say of a request and its answer.
type exchange struct{ Operation, Topic, Error string }

// disagreements are explained in docs/protocols.md; an entry that turns out to agree fails the test.
var disagreements = map[string]string{}

func asks(b []byte) bool { return kafka.Recognize(b) || kafka.Resumes(b) }

func TestCaptures(t *testing.T) {
	files := protocoltest.Archive(t, "kafka")
	messages, agreed := 0, 0
	for name, pcap := range files {
		result, ok := files[strings.TrimSuffix(name, ".pcap")+".result"]
		if !strings.HasSuffix(name, ".pcap") || !ok {
			continue
		}
		want := theirs(result)
		messages += len(want)
		for cut, got := range ours(t, pcap) {
			diff := cmp.Diff(want, got)
			if cut == "as captured" {
				for i := range min(len(want), len(got)) {
					if want[i] == got[i] {
						agreed++
					}
				}
			}
			if reason, known := disagreements[name]; known == (diff == "") {
				t.Errorf("%s, %s: %q; calls (-theirs +ours):\n%s", name, cut, reason, diff)
			}
		}
	}
	t.Logf("%d of %d requests agree", agreed, messages)
	if messages < 12 || agreed*100 < messages*95 {
		t.Errorf("%d of %d requests agree", agreed, messages)
	}
}

func ours(t *testing.T, pcap []byte) map[string][]exchange {
	t.Helper()
	got := map[string][]exchange{"as captured": nil, "byte by byte": nil, "turn by turn": nil}
	for _, c := range protocoltest.Conversations(t, pcap, asks) {
		for cut, segments := range c.Recut() {
			segments.Feed(kafka.New(kafka.NewTopics(100), func(c protocol.Call) {
				x := exchange{c.Operation, c.Resource, c.Status}
				if x.Operation != "Produce" && x.Operation != "Fetch" {
					x.Topic = "" // which theirs does not read
				}
				got[cut] = append(got[cut], x)
			}))
		}
	}
	for _, calls := range got { // connections are interleaved in the result
		slices.SortStableFunc(calls, byOperation)
	}
	return got
}

func byOperation(a, b exchange) int { return strings.Compare(a.Operation, b.Operation) }

// theirs are the requests of a result and what was answered, in the order of their names.
func theirs(result []byte) []exchange {
	fields := regexp.MustCompile(`msg_type: (\w+), correlation_id: Some\((\d+)\), api_key: (\w+),.* topic_name: "([^"]*)",.* status: (\w+), status_code: (?:Some\((-?\d+)\))?`)
	var all []exchange
	byID := map[string]int{}
	for line := range strings.Lines(string(result)) {
		m := fields.FindStringSubmatch(line)
		switch {
		case m == nil:
		case m[1] == "Request":
			byID[m[2]] = len(all)
			all = append(all, exchange{Operation: m[3], Topic: m[4]})
		case m[5] != "Ok":
			all[byID[m[2]]].Error = m[6]
		}
	}
	slices.SortStableFunc(all, byOperation)
	return all
}
