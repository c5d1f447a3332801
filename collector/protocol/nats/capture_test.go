package nats_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/nats"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
)

// TestCaptures compares the messages: theirs are one line each, ours are calls, of which a reply is part.
func TestCaptures(t *testing.T) {
	files := protocoltest.Archive(t, "nats")
	calls := map[string][]string{}
	messages, agreed := 0, 0
	for name, pcap := range files {
		if !strings.HasSuffix(name, ".pcap") {
			continue
		}
		want, conversations := theirs(files[strings.TrimSuffix(name, ".pcap")+".result"]), 0
		for _, c := range protocoltest.Conversations(t, pcap, asks) {
			conversations++
			cuts := map[string][]string{}
			for cut, segments := range c.Recut() {
				var got, all []string
				segments.Feed(nats.New(func(c protocol.Call) { got, all = append(got, messagesOf(c)...), append(all, line(c)) }))
				if cut == "as captured" {
					calls[name] = all
					for _, w := range want {
						if messages++; strings.Contains("\n"+strings.Join(got, "\n")+"\n", "\n"+w+"\n") {
							agreed++
						}
					}
				}
				if len(got) != len(want) {
					t.Errorf("%s, %s: %q, want %q", name, cut, got, want)
				}
				cuts[cut] = all
			}
			for cut, all := range cuts {
				if diff := cmp.Diff(cuts["as captured"], all); diff != "" {
					t.Errorf("%s, %s: calls (-as captured +cut):\n%s", name, cut, diff)
				}
			}
		}
		if conversations != 1 {
			t.Errorf("%s: %d connections", name, conversations)
		}
	}
	if messages < 10 || agreed*100 < messages*95 {
		t.Errorf("%d of %d messages agree", agreed, messages)
	}
	for name, want := range map[string][]string{
		"nats-err.pcap":   {"error ||  UNKNOWN_PROTOCOL_OPERATION Unknown Protocol Operation"},
		"nats-nrpc1.pcap": {"deliver Greeter.SayHello|1|", "deliver Greeter.SayHello|1|"},
		"nats-nrpc2.pcap": {"request Greeter.SayHello||"},
		"nats-opentelemetry.pcap": {
			"publish _INBOX.?|1|00-11b4862a313e8a9c059cda4a49e626fa-6a2a9f706edee336-01", "publish _INBOX.?|1|00-9aa18516c1eb1b6866ad107b1ba1ed79-febd9365ef51fab0-01",
			"deliver _INBOX.?|1|00-11b4862a313e8a9c059cda4a49e626fa-6a2a9f706edee336-01", "deliver _INBOX.?|1|00-9aa18516c1eb1b6866ad107b1ba1ed79-febd9365ef51fab0-01",
		},
	} {
		if diff := cmp.Diff(want, calls[name]); diff != "" {
			t.Errorf("%s: calls (-want +got):\n%s", name, diff)
		}
	}
}

func asks(b []byte) bool { return nats.Recognize(b) || nats.Resumes(b) }

// line is what matters of a call.
func line(c protocol.Call) string {
	messages := ""
	if c.Messages > 0 {
		messages = fmt.Sprint(c.Messages)
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s|%s|%s %s %s %s", c.Operation, c.Resource, messages, c.TraceParent, c.Status, c.ErrorType, c.Error))
}

// messagesOf are the messages that a call is made of.
func messagesOf(c protocol.Call) []string {
	said := []string{map[string]string{"deliver": "delivered", "request": "published", "publish": "published"}[c.Operation] + " " + c.Resource}
	switch {
	case c.Operation == "error":
		return []string{"error " + c.Error}
	case c.Operation == "request" && c.ResponseBytes > 0:
		said = append(said, "delivered _INBOX.?")
	case c.Operation == "deliver" && c.RequestBytes > 0:
		said = append(said, "published _INBOX.?")
	}
	return said
}

// theirs are the messages that another parser found.
func theirs(result []byte) (all []string) {
	for _, m := range regexp.MustCompile(`message: (Pub|Hpub|Msg|Hmsg)\(\w+ \{ subject: "([^"]*)"`).FindAllSubmatch(result, -1) {
		subject := string(m[2])
		if strings.HasPrefix(subject, "_INBOX.") {
			subject = "_INBOX.?"
		}
		all = append(all, map[byte]string{'b': "published ", 'g': "delivered "}[m[1][len(m[1])-1]]+subject)
	}
	for _, m := range regexp.MustCompile(`error_message: "'([^"]*)'"`).FindAllSubmatch(result, -1) {
		all = append(all, "error "+string(m[1]))
	}
	return all
}
