package amqp_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/amqp"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

// exchange is what both parsers say of a method that was answered, or of a message.
type exchange struct{ Operation, Resource, Status, Error, Trace string }

// disagreements are explained in docs/protocols.md; an entry that turns out to agree fails the test.
var disagreements = map[string]string{
	"amqp1.pcap": "a message that was delivered is filed under its exchange; ours is under the queue that the consumer asked for",
}

func TestCaptures(t *testing.T) {
	files := protocoltest.Archive(t, "amqp")
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
				for i, theirs := range want {
					if i < len(got) && got[i] == theirs {
						agreed++
					}
				}
			}
			if reason, known := disagreements[name]; known == (diff == "") {
				t.Errorf("%s, %s: %q; calls (-theirs +ours):\n%s", name, cut, reason, diff)
			}
		}
	}
	t.Logf("%d of %d agree", agreed, messages)
	if messages < 30 || agreed*100 < messages*95 {
		t.Errorf("%d of %d agree", agreed, messages)
	}
}

func ours(t *testing.T, pcap []byte) map[string][]exchange {
	t.Helper()
	got := map[string][]exchange{}
	for _, c := range protocoltest.Conversations(t, pcap, amqp.Resumes) {
		parser := amqp.New
		if amqp.Answers(c[0].Head) { // who spoke first is taken for the client
			parser = amqp.Join
			for i, s := range c {
				c[i].Direction = protocol.Request + protocol.Response - s.Direction
			}
		}
		for cut, segments := range c.Recut() {
			segments.Feed(parser(func(c protocol.Call) {
				if c.ErrorType == protocol.ConnectionClosed { // the capture was over
					return
				}
				e := exchange{Operation: c.Operation, Resource: c.Resource, Status: c.Status, Error: c.Error}
				if parts := strings.Split(c.TraceParent, "-"); len(parts) == 4 {
					e.Trace = parts[1] + " " + parts[2]
				}
				got[cut] = append(got[cut], e)
			}))
		}
	}
	return got
}

var (
	fields = regexp.MustCompile(`(\w+): (?:Some\()?"?([^",)]*)`)
	said   = regexp.MustCompile(`resp_text: Some\("((?:[^"\\]|\\.)*)"\)`)
	traces = regexp.MustCompile(`field: "(\w+)" }\]\), span_id: Some\("([0-9a-f]{16})"\)`)
	codes  = map[string]string{"NotAllowed": "530", "PreconditionFailed": "406", "NoRoute": "312"}
)

// theirs is what a result says. What the server asks (to log in, to confirm that it closed something) is no call; a message that came back is one that failed.
func theirs(result []byte) (all []exchange) {
	open := false
	for line := range strings.Lines(string(result)) {
		f := map[string]string{}
		for _, m := range fields.FindAllStringSubmatch(line, -1) {
			if _, again := f[m[1]]; !again {
				f[m[1]] = m[2]
			}
		}
		status, why := codes[f["resp_code"]], ""
		if m := said.FindStringSubmatch(line); m != nil && status != "" {
			why = template.Message(m[1], protocol.MaxError)
		}
		operation := strings.TrimPrefix(strings.ToLower(f["class_id"]+"."+f["method_id"]), "basic.")
		asked := !slices.Contains([]string{"connection.start", "connection.tune"}, operation) && status == ""
		switch {
		case f["msg_type"] == "Request":
			if open = asked; open {
				all = append(all, exchange{Operation: operation, Resource: named(f, operation)})
			}
		case f["msg_type"] == "Response" && open, operation == "return":
			all[len(all)-1].Status, all[len(all)-1].Error = status, why
		case operation == "publish", operation == "deliver":
			all = append(all, exchange{Operation: operation, Resource: template.Key(f["exchange"])})
		case f["frame_type"] == "Header":
			if m := traces.FindStringSubmatch(line); m != nil {
				all[len(all)-1].Trace = m[1] + " " + m[2]
			}
		}
	}
	return all
}

// named is what a request is about.
func named(f map[string]string, operation string) string {
	if strings.HasPrefix(operation, "exchange.") {
		return template.Key(f["exchange"])
	}
	return template.Key(f["queue"])
}
