package nats_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/nats"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
)

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// said is who said what, a millisecond after each other.
type said []protocol.Segment

func (s said) client(lines ...string) said { return s.add(protocol.Request, lines) }
func (s said) server(lines ...string) said { return s.add(protocol.Response, lines) }

func (s said) add(d protocol.Direction, lines []string) said {
	b := []byte(strings.Join(lines, "\r\n") + "\r\n")
	return append(s, protocol.Segment{Direction: d, At: s.now(), Size: int64(len(b)), Head: b})
}

// cut is a transfer of which only the first bytes and the last were copied.
func (s said) cut(d protocol.Direction, head, tail int, lines ...string) said {
	b := []byte(strings.Join(lines, "\r\n") + "\r\n")
	return append(s, protocol.Segment{Direction: d, At: s.now(), Size: int64(len(b)), Head: b[:head], Tail: b[len(b)-tail:]})
}

func (s said) now() time.Time { return time.Unix(1000, int64(len(s))*int64(time.Millisecond)) }

// after is the same some time later.
func (s said) after(d time.Duration) said { s[len(s)-1].At = s[len(s)-1].At.Add(d); return s }

func (s said) calls(p func(func(protocol.Call)) *nats.Parser) (all []string) {
	parser := p(func(c protocol.Call) {
		end := ""
		if c.Duration > 0 {
			end = " " + c.Duration.String()
		}
		all = append(all, line(c)+end)
	})
	at := time.Time{}
	for _, segment := range s {
		at = segment.At
		if !segment.Feed(parser) {
			return append(all, "given up")
		}
	}
	parser.Close(at)
	return all
}

const connect = `CONNECT {"verbose":false,"auth_token":"secret"}`

func hello() said { return said{}.client(connect, "PING").server("PONG").client("SUB _INBOX.abc.* 1") }

func hpub(subject, payload string, headers ...string) string {
	head := "NATS/1.0\r\n" + strings.Join(headers, "\r\n") + "\r\n\r\n"
	return fmt.Sprintf("%s %d %d\r\n%s%s", subject, len(head), len(head)+len(payload), head, payload)
}

func status(subject, line string) string {
	head := "NATS/1.0 " + line + "\r\n\r\n"
	return fmt.Sprintf("HMSG %s 1 %d %d\r\n%s", subject, len(head), len(head), head)
}

func TestParser(t *testing.T) {
	const closed = " connection_closed the connection was closed before the answer was complete"
	large := strings.Repeat("x", 9000)
	for name, c := range map[string]struct {
		said said
		want []string
	}{
		"a message of a trace":                   {hello().client("HPUB " + hpub("orders.17.paid", "secret", "traceparent: "+traceparent)), []string{"publish orders.?.paid|1|" + traceparent}},
		"a request and its reply":                {hello().client("PUB orders.get _INBOX.abc.x1 2", "17").server("MSG _INBOX.abc.x1 1 6", "secret"), []string{"request orders.get|| 1ms"}},
		"a reply told before its request":        {hello().server("MSG _INBOX.abc.x1 1 6", "secret").after(time.Millisecond).client("PUB orders.get _INBOX.abc.x1 2", "17").after(-time.Millisecond), []string{"request orders.get|| 1ms"}},
		"a reply that came before any request":   {hello().server("MSG _INBOX.abc.x1 1 6", "secret").client("PUB orders.get _INBOX.abc.x1 2", "17"), []string{"deliver _INBOX.?|1|", "request orders.get||" + " " + closed}},
		"nobody serves it":                       {hello().client("PUB orders.get _INBOX.abc.x1 2", "17").server(status("_INBOX.abc.x1", "503")), []string{"request orders.get|| 503 NO_RESPONDERS 1ms"}},
		"a service that fails":                   {hello().client("PUB orders.get _INBOX.abc.x1 2", "17").server("HMSG _INBOX.abc.x1 1 " + hpub("", "", "Nats-Service-Error-Code: 404", "Nats-Service-Error: no order 17")[1:]), []string{"request orders.get|| 404 SERVICE_ERROR no order ? 1ms"}},
		"nobody replies":                         {hello().client("PUB orders.get _INBOX.abc.x1 2", "17").client("PING").after(time.Minute), []string{"request orders.get||  NO_REPLY no reply came within ? s 30s"}},
		"closed before the reply":                {hello().client("PUB orders.get _INBOX.abc.x1 2", "17"), []string{"request orders.get|| " + closed}},
		"the reply goes to another connection":   {hello().client("PUB orders.get elsewhere.x1 2", "17"), []string{"publish orders.get|1|"}},
		"two requests answered the other way":    {hello().client("PUB a _INBOX.abc.1 0", "", "PUB b _INBOX.abc.2 0", "").server("MSG _INBOX.abc.2 1 0", "").server("MSG _INBOX.abc.1 1 0", ""), []string{"request b|| 1ms", "request a|| 2ms"}},
		"a message that is served":               {hello().server("MSG orders.get 2 _INBOX.z.9 2", "17").client("PUB _INBOX.z.9 6", "secret"), []string{"deliver orders.get|1| 1ms"}},
		"a message that is not served":           {hello().server("MSG orders.get 2 _INBOX.z.9 2", "17").client("PUB other 0", ""), []string{"publish other|1|", "deliver orders.get|1|"}},
		"a service of ours that fails":           {hello().server("MSG orders.get 2 _INBOX.z.9 2", "17").client("HPUB " + hpub("_INBOX.z.9", "", "Nats-Service-Error-Code: 500", "Nats-Service-Error: no")), []string{"deliver orders.get|1| 500 SERVICE_ERROR no 1ms"}},
		"JetStream takes it":                     {hello().client("PUB orders.new _INBOX.abc.x1 2", "17").server("MSG _INBOX.abc.x1 1 27", `{"stream":"ORDERS","seq":17}`[:27]), []string{"publish orders.new|1| 1ms"}},
		"JetStream refuses it":                   {hello().client("PUB orders.new _INBOX.abc.x1 2", "17").server(message("_INBOX.abc.x1", `{"error":{"code":503,"err_code":10077,"description":"maximum messages exceeded"},"stream":"","seq":0}`)), []string{"publish orders.new|1| 503 10077 maximum messages exceeded 1ms"}},
		"JetStream's API refuses it":             {hello().client("PUB $JS.API.STREAM.INFO.NOPE _INBOX.abc.x1 0", "").server(message("_INBOX.abc.x1", `{"type":"io.nats.jetstream.api.v1.stream_info_response","error":{"code":404,"err_code":10059,"description":"stream not found"}}`)), []string{"request $JS.API.STREAM.INFO.NOPE|| 404 10059 stream not found 1ms"}},
		"a JSON reply that is no error":          {hello().client("PUB get _INBOX.abc.x1 0", "").server(message("_INBOX.abc.x1", `{"name":"secret","error":{"code":404,"err_code":1,"description":"secret"}}`)), []string{"request get|| 1ms"}},
		"messages that are fetched":              {hello().client("PUB $JS.API.CONSUMER.MSG.NEXT.ORDERS.worker7 _INBOX.abc.x1 2", "17").server("MSG orders.new 1 $JS.ACK.ORDERS.worker7.1.2.3.4.5 2", "17").client("PUB $JS.ACK.ORDERS.worker7.1.2.3.4.5 4", "+WPI").client("PUB $JS.ACK.ORDERS.worker7.1.2.3.4.5 4", "+ACK").server(status("_INBOX.abc.x1", "408 Request Timeout")), []string{"fetch $JS.API.CONSUMER.MSG.NEXT.ORDERS.?||", "deliver orders.new|1| 2ms"}},
		"a message that the consumer refuses":    {hello().server("MSG orders.new 1 $JS.ACK.ORDERS.w.1.2.3.4.5 2", "17").client("PUB $JS.ACK.ORDERS.w.1.2.3.4.5 4", "-NAK"), []string{"deliver orders.new|1| -NAK NAK the consumer refused the message 1ms"}},
		"a subject that is refused":              {hello().client("PUB orders.17 0", "").server(`-ERR 'Permissions Violation for Publish to "orders.17"'`), []string{"publish orders.?|1|", "error || PERMISSIONS_VIOLATION_FOR_PUBLISH Permissions Violation for Publish to \"orders.?\""}},
		"who may not connect":                    {said{}.client(connect).server("-ERR 'Authorization Violation'"), []string{"CONNECT || AUTHORIZATION_VIOLATION Authorization Violation 1ms"}},
		"closed while it connects":               {said{}.client(connect), []string{"CONNECT || " + closed}},
		"a payload that looks like the protocol": {hello().client("PUB orders 15", "PUB secret 1\r\nx"), []string{"publish orders|1|"}},
		"large messages":                         {hello().cut(protocol.Request, 4096, 128, "PUB orders 9000", large).cut(protocol.Response, 4096, 128, "MSG orders 1 9000", large), []string{"publish orders|1|", "deliver orders|1|"}},
		"several in a hole":                      {hello().cut(protocol.Request, 4096, 128, "PUB a 9000", large, "PUB b 9000", large).client("PUB c 0", ""), []string{"publish a|1|", "publish c|1|"}},
		"a reply in a hole":                      {hello().client("PUB get _INBOX.abc.1 0", "").cut(protocol.Response, 4096, 128, "MSG a 1 9000", large, "MSG _INBOX.abc.1 1 9000", large).server("MSG b 1 0", ""), []string{"deliver a|1|", "deliver b|1|"}},
		"met half-way":                           {said{}.client("PUB get _INBOX.q.1 0", "").server("lf of a message\r\n").server("MSG _INBOX.q.1 1 0", ""), []string{"request get|| 2ms"}},
		"servers among themselves":               {said{}.client(connect, "PING").client("RS+ $G orders"), []string{"CONNECT || " + closed, "given up"}[1:]},
		"what servers do not say":                {hello().server("HELLO"), []string{"given up"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(fields(c.want), fields(c.said.calls(nats.New))); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// fields puts one space between words.
func fields(lines []string) (all []string) {
	for _, l := range lines {
		all = append(all, strings.Join(strings.Fields(l), " "))
	}
	return all
}

func message(subject, payload string) string {
	return fmt.Sprintf("MSG %s 1 %d\r\n%s", subject, len(payload), payload)
}

// TestJoin meets a consumer that only listens.
func TestJoin(t *testing.T) {
	s := said{}.server("MSG orders.17 1 2", "ab", "MSG orders.18 1 2", "cd").client("PING")
	if !nats.Answers(s[0].Head) || nats.Resumes(s[0].Head) {
		t.Errorf("%q is not taken for what a server says", s[0].Head)
	}
	if diff := cmp.Diff([]string{"deliver orders.?|1|", "deliver orders.?|1|"}, s.calls(nats.Join)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestRecognize(t *testing.T) {
	for text, want := range map[string][3]bool{ // opens, resumes, is a server's
		connect + "\r\nPING\r\n":              {true, false, false},
		`CONNECT {"verbose":true`:             {true, false, false},
		"CONNECT shop:443 HTTP/1.1\r\n":       {},
		"PUB orders 2\r\n17\r\n":              {false, true, false},
		"PUB orders 2\r\n17\r\nPU":            {false, true, false},
		"PUB orders 2\r\n17\r\nxx":            {},
		"PUB orders 2\r\n17x\r\n":             {},
		"PUB orders\r\n":                      {},
		"PUBLISH orders 1\r\n":                {},
		"SUB orders.* 1\r\n":                  {false, true, false},
		"MSG orders 1 2\r\n17\r\nMSG x 1 1\r": {false, false, true},
		"MSG orders 1 2\r\n17\r\nSUB x 1\r":   {},
		"PING\r\n":                            {},
	} {
		b := []byte(text)
		if got := [3]bool{nats.Recognize(b), nats.Resumes(b), nats.Answers(b)}; got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// TestBounded has a client ask for more than anyone waits for, and subscribe to more than anyone remembers.
func TestBounded(t *testing.T) {
	s := hello()
	for i := range 3000 {
		s = s.client(fmt.Sprintf("SUB inbox.%d 1", i), fmt.Sprintf("PUB get _INBOX.abc.%d 0", i), "").server(fmt.Sprintf("MSG a 1 _INBOX.z.%d 0", i), "")
	}
	calls := s.calls(nats.New)
	if len(calls) != 6000 {
		t.Errorf("%d calls of 6000", len(calls))
	}
}

func TestSubjects(t *testing.T) {
	for subject, want := range map[string]string{
		"orders.17.items":                          "orders.?.items",
		"orders.dR7nhYWqTTzqicGaBcZrMx":            "orders.?",
		"_INBOX.dR7nhYWqTTzqicG1BcZrM6.oVkiuwjU":   "_INBOX.?",
		"$JS.API.STREAM.INFO.ORDERS":               "$JS.API.STREAM.INFO.ORDERS",
		"$JS.API.CONSUMER.CREATE.ORDERS.w1.orders": "$JS.API.CONSUMER.CREATE.ORDERS.?",
		"$JS.API.CONSUMER.DURABLE.CREATE.ORDERS.w": "$JS.API.CONSUMER.DURABLE.CREATE.ORDERS.?",
		"$JS.hub.API.STREAM.MSG.GET.ORDERS":        "$JS.hub.API.STREAM.MSG.GET.ORDERS",
		"$JS.API.INFO":                             "$JS.API.INFO",
		"$KV.settings.user@example.com":            "$KV.settings.?",
	} {
		got := said{}.client(connect).server("PONG").client("PUB "+subject+" 0", "").calls(nats.New)
		if len(got) != 1 || got[0] != strings.TrimSpace("publish "+want+"|1|") {
			t.Errorf("%s: %q, want %s", subject, got, want)
		}
	}
}

func FuzzParser(f *testing.F) {
	for _, s := range []said{
		hello().client("PUB orders.get _INBOX.abc.x1 2", "17", "HPUB "+hpub("a", "b", "traceparent: "+traceparent)).server("MSG _INBOX.abc.x1 1 6", "secret", status("x", "503")),
		hello().server("MSG orders 1 $JS.ACK.a.b.1 2", "17", "-ERR 'Authorization Violation'").client("PUB $JS.ACK.a.b.1 4", "-NAK"),
	} {
		var asked, answered []byte
		for _, segment := range s {
			if segment.Direction == protocol.Request {
				asked = append(asked, segment.Head...)
			} else {
				answered = append(answered, segment.Head...)
			}
		}
		f.Add(asked, answered, uint8(63), uint16(0))
		f.Add(asked, answered, uint8(7), uint16(5))
	}
	f.Fuzz(func(t *testing.T, asked, answered []byte, cut uint8, hole uint16) {
		nats.Recognize(asked)
		nats.Resumes(asked)
		nats.Answers(answered)
		protocoltest.Fuzz(t, asked, answered, cut, hole, func(emit func(protocol.Call)) protocol.Parser {
			return nats.New(func(c protocol.Call) {
				if len(c.Resource) > 256 || len(c.Status) > 16 || c.Duration > time.Hour {
					t.Errorf("a call that cannot be: %+v", c)
				}
				emit(c)
			})
		})
	})
}
