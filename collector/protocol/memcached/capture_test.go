package memcached_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/memcached"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

// TestCaptures: both parsers say the same of every command.
func TestCaptures(t *testing.T) {
	files := protocoltest.Archive(t, "memcached")
	for name, pcap := range files {
		result, ok := files[strings.TrimSuffix(name, ".pcap")+".result"]
		if !strings.HasSuffix(name, ".pcap") || !ok {
			continue
		}
		want := theirs(result)
		if len(want) < 2 {
			t.Errorf("%s: %d commands", name, len(want))
		}
		got := map[string][]string{}
		for _, c := range protocoltest.Conversations(t, pcap, memcached.Resumes) {
			for cut, segments := range c.Recut() {
				segments.Feed(memcached.New(func(c protocol.Call) { got[cut] = append(got[cut], c.Query+" "+c.Status) }))
			}
		}
		for cut, got := range got {
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %s; commands (-theirs +ours):\n%.4000s", name, cut, diff)
			}
		}
	}
}

// theirs are the requests of a result, with a failure's word.
func theirs(result []byte) (all []string) {
	request := regexp.MustCompile(`msg_type: Request request: (\w+)(?: (\S+))?.* req_size`)
	failure := regexp.MustCompile(`msg_type: Response .* err_msg: (\w+)`)
	for line := range strings.Lines(string(result)) {
		if m := request.FindStringSubmatch(line); m != nil {
			all = append(all, m[1]+" "+template.Key(m[2])+" ")
		} else if m := failure.FindStringSubmatch(line); m != nil && len(all) > 0 {
			all[len(all)-1] += m[1]
		}
	}
	slices.Sort(all)
	return all
}
