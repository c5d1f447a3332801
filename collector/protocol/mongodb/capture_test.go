package mongodb_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/mongodb"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
)

// quiet are the commands that are no calls, unless they fail.
var quiet = regexp.MustCompile(`^(isMaster|saslContinue|whatsmyuri|build[iI]nfo|getLog|getCmdLineOpts|endSessions) 0$`)

// TestCaptures compares commands and errors with those that another parser found.
func TestCaptures(t *testing.T) {
	files := protocoltest.Archive(t, "mongo")
	commands := 0
	for name, pcap := range files {
		if !strings.HasSuffix(name, ".pcap") {
			continue
		}
		want := theirs(string(files[strings.TrimSuffix(name, ".pcap")+".result"]))
		commands += len(want)
		conversations := protocoltest.Conversations(t, pcap, func(b []byte) bool { return mongodb.Recognize(b) || mongodb.Resumes(b) })
		if len(conversations) != 1 {
			t.Fatalf("%s: %d connections", name, len(conversations))
		}
		for cut, segments := range conversations[0].Recut() {
			var got []string
			segments.Feed(mongodb.New(func(c protocol.Call) {
				if c.Status == "" {
					c.Status = "0"
				}
				got = append(got, strings.TrimSpace(c.Operation+" "+c.Status))
			}))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %s: commands (-theirs +ours):\n%s", name, cut, diff)
			}
		}
	}
	if commands < 2 {
		t.Errorf("only %d commands", commands)
	}
}

// theirs are the commands that are calls, each with its code, 0 if it did not fail.
func theirs(result string) (all []string) {
	command := ""
	for line := range strings.Lines(result) {
		if m := regexp.MustCompile(`msg_type: Request.* request: "\{ \\"(\w+)\\"`).FindStringSubmatch(line); m != nil {
			command = m[1]
			continue
		}
		if m := regexp.MustCompile(`msg_type: Response.* response_code: (\d+),`).FindStringSubmatch(line); m != nil && !quiet.MatchString(command+" "+m[1]) {
			all = append(all, command+" "+m[1])
		}
	}
	return all
}
