package kafka_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/kafka"
)

const q, a = protocol.Request, protocol.Response

// turn is bytes of one direction, and a hole after them.
type turn struct {
	dir  protocol.Direction
	data string
	hole int64
}

// outcome is what a test compares of a call; times are indexes of turns.
type outcome struct {
	Call       string // operation and resource
	Messages   int
	Error      string // its type, or the status of an answer that is no failure
	Start, End int
}

var epoch = time.Unix(1000, 0)

func outcomeOf(c protocol.Call) outcome {
	start := int(c.Start.Sub(epoch) / time.Second)
	o := outcome{strings.TrimSpace(c.Operation + " " + c.Resource), c.Messages, c.Status, start, start + int(c.Duration/time.Second)}
	if c.Failed {
		o.Error = c.ErrorType
	}
	return o
}

// run gives the turns to a parser, one a second, in pieces of so many bytes.
func run(turns []turn, piece int, closed bool) (got []outcome, calls []protocol.Call, ok bool) {
	p := kafka.New(kafka.NewTopics(10), func(c protocol.Call) { got, calls = append(got, outcomeOf(c)), append(calls, c) })
	for i, t := range turns {
		at := epoch.Add(time.Duration(i) * time.Second)
		for b := []byte(t.data); len(b) > 0; b = b[min(piece, len(b)):] {
			if !p.Data(t.dir, at, b[:min(piece, len(b))]) {
				return got, calls, false
			}
		}
		if t.hole > 0 && !p.Hole(t.dir, at, t.hole) {
			return got, calls, false
		}
	}
	if closed {
		p.Close(epoch.Add(time.Duration(len(turns)) * time.Second))
	}
	return got, calls, true
}

const transfer = 16 << 10

func TestParser(t *testing.T) {
	one := batch(0, message{value: "secret"})
	large := batch(0, message{value: strings.Repeat("secret", 5000)}, message{value: "secret"})
	p1, p2, beat3 := produce(1, 9, -1, one, "orders"), produce(2, 9, -1, one, "stock"), heartbeat(3)
	ok1, ok2 := produced(1, 9, 0, "orders"), produced(2, 9, 0, "stock")
	largeRequest, largeAnswer := produce(1, 9, -1, large, "orders"), fetched(1, 12, 0, 0, large, "orders")
	wait := turn{dir: q}
	for _, c := range []struct {
		name   string
		turns  []turn
		closed bool
		gaveUp bool
		whole  bool // what is lost is found by where transfers begin
		want   []outcome
	}{
		{name: "one by one", turns: []turn{{q, p1, 0}, {a, ok1, 0}, {q, beat3, 0}, {a, beat(3, 0), 0}}, want: []outcome{{"Produce orders", 1, "", 0, 1}, {"Heartbeat", 0, "", 2, 3}}},
		{name: "pipeline", turns: []turn{{q, p1 + p2, 0}, {q, beat3, 0}, {a, ok1 + ok2[:9], 0}, {a, ok2[9:] + beat(3, 0), 0}}, want: []outcome{{"Produce orders", 1, "", 0, 2}, {"Produce stock", 1, "", 0, 3}, {"Heartbeat", 0, "", 1, 3}}},
		{name: "in pieces", turns: []turn{{q, p1[:4], 0}, {q, p1[4:20], 0}, {q, p1[20:], 0}, {a, ok1[:4], 0}, {a, ok1[4:], 0}}, want: []outcome{{"Produce orders", 1, "", 0, 4}}},
		{name: "several topics", turns: []turn{{q, produce(1, 9, -1, one, "orders", "stock"), 0}, {a, ok1, 0}}, want: []outcome{{"Produce", 2, "", 0, 1}}},
		{name: "a name no topic may have", turns: []turn{{q, metadata(1, "no topic"), 0}, {a, described(1, 17, "no topic"), 0}}, want: []outcome{{"Metadata", 0, "INVALID_TOPIC_EXCEPTION", 0, 1}}},
		{name: "an answer too many", turns: []turn{{q, p1, 0}, {a, ok1 + ok2, 0}}, want: []outcome{{"Produce orders", 1, "", 0, 1}}},
		{name: "not acknowledged", turns: []turn{{q, produce(1, 9, 0, one, "orders"), 0}, {q, beat3, 0}, {a, beat(3, 0), 0}}, want: []outcome{{"Produce orders", 1, "", 0, 0}, {"Heartbeat", 0, "", 1, 2}}},

		{name: "errors", turns: []turn{
			{q, p1 + join(2) + beat3 + fetch(4, 12, 0, 0, "orders"), 0},
			{a, produced(1, 9, 6, "orders") + joined(2, -1) + beat(3, 25) + fetched(4, 12, 5120, 0, nil), 0},
		}, want: []outcome{{"Produce orders", 1, "NOT_LEADER_OR_FOLLOWER", 0, 1}, {"JoinGroup", 0, "UNKNOWN_SERVER_ERROR", 0, 1}, {"Heartbeat", 0, "UNKNOWN_MEMBER_ID", 0, 1}, {"Fetch orders", 0, "5120", 0, 1}}},
		{name: "news", turns: []turn{{q, join(2) + beat3 + versions(4), 0}, {a, joined(2, 79) + beat(3, 27) + unsupported(4), 0}}, want: []outcome{{"JoinGroup", 0, "79", 0, 1}, {"Heartbeat", 0, "27", 0, 1}, {"ApiVersions", 0, "35", 0, 1}}},
		{name: "a topic that is not there", turns: []turn{{q, metadata(1, "nowhere"), 0}, {a, described(1, 3, "nowhere"), 0}}, want: []outcome{{"Metadata nowhere", 0, "UNKNOWN_TOPIC_OR_PARTITION", 0, 1}}},

		{name: "ids of topics", turns: []turn{
			{q, produce(1, 13, -1, one, "orders"), 0},
			{a, produced(1, 13, 0, "orders"), 0},
			{q, metadata(2, "orders"), 0},
			{a, described(2, 0, "stock", "orders"), 0},
			{q, produce(3, 13, -1, one, "orders"), 0},
			{a, produced(3, 13, 100, "orders"), 0},
			{q, fetch(4, 13, 0, 0, "stock"), 0},
			{a, fetched(4, 13, 0, 0, nil), 0},
		}, want: []outcome{{"Produce", 1, "", 0, 1}, {"Metadata orders", 0, "", 2, 3}, {"Produce orders", 1, "UNKNOWN_TOPIC_ID", 4, 5}, {"Fetch stock", 0, "", 6, 7}}},
		{name: "a session of Fetch", turns: []turn{
			{q, fetch(1, 12, 0, 0, "orders"), 0},
			{a, fetched(1, 12, 0, 77, one, "orders"), 0},
			{q, fetch(2, 12, 77, 1), 0},
			{a, fetched(2, 12, 0, 77, nil), 0},
			{q, fetch(3, 12, 78, 1), 0},
			{a, fetched(3, 12, 0, 78, nil), 0},
			{q, fetch(4, 12, 77, 2, "stock"), 0},
			{a, fetched(4, 12, 0, 77, append(one, one...), "orders"), 0},
			{q, fetch(5, 12, 77, 3), 0},
			{a, fetched(5, 12, 0, 77, one, "orders", "stock"), 0},
		}, want: []outcome{{"Fetch orders", 1, "", 0, 1}, {"Fetch orders", 0, "", 2, 3}, {"Fetch", 0, "", 4, 5}, {"Fetch orders", 2, "", 6, 7}, {"Fetch", 2, "", 8, 9}}},
		{name: "a session of two topics names only what changed", turns: []turn{
			{q, fetch(1, 12, 0, 0, "orders", "stock"), 0},
			{a, fetched(1, 12, 0, 77, one, "stock"), 0},
			{q, fetch(2, 12, 77, 1, "stock"), 0},
			{a, fetched(2, 12, 0, 77, nil), 0},
		}, want: []outcome{{"Fetch stock", 1, "", 0, 1}, {"Fetch", 0, "", 2, 3}}},
		{name: "a session whose beginning was not seen is of several topics once it names a second one", turns: []turn{
			{q, fetch(1, 12, 77, 4, "orders"), 0},
			{a, fetched(1, 12, 0, 77, nil), 0},
			{q, fetch(2, 12, 77, 5, "stock"), 0},
			{a, fetched(2, 12, 0, 77, nil), 0},
			{q, fetch(3, 12, 77, 6, "orders"), 0},
			{a, fetched(3, 12, 0, 77, nil), 0},
		}, want: []outcome{{"Fetch orders", 0, "", 0, 1}, {"Fetch", 0, "", 2, 3}, {"Fetch", 0, "", 4, 5}}},
		{name: "a batch that says more messages than it has room for", turns: []turn{{q, produce(1, 9, -1, boast(one), "orders"), 0}, {a, ok1, 0}}, want: []outcome{{"Produce orders", 0, "", 0, 1}}},
		{name: "the last batch cut by the broker", turns: []turn{{q, fetch(1, 12, 0, 0, "orders"), 0}, {a, fetched(1, 12, 0, 0, append(one, one[:40]...), "orders"), 0}}, want: []outcome{{"Fetch orders", 1, "", 0, 1}}},
		{name: "how a transaction ended", turns: []turn{{q, fetch(1, 12, 0, 0, "orders"), 0}, {a, fetched(1, 12, 0, 0, append(one, batch(0x20, message{})...), "orders"), 0}}, want: []outcome{{"Fetch orders", 1, "", 0, 1}}},

		{name: "messages in a hole", turns: []turn{{q, largeRequest[:4096], int64(len(largeRequest) - 4096)}, {a, ok1, 0}, {q, beat3, 0}, {a, beat(3, 0), 0}}, want: []outcome{{"Produce orders", 2, "", 0, 1}, {"Heartbeat", 0, "", 2, 3}}},
		{name: "an answer in a hole", turns: []turn{{q, fetch(1, 12, 0, 0, "orders"), 0}, {a, largeAnswer[:4096], int64(len(largeAnswer) - 4224)}, {a, strings.Repeat("x", 128), 0}, {q, beat3, 0}, {a, beat(3, 0), 0}}, want: []outcome{{"Fetch orders", 2, "", 0, 2}, {"Heartbeat", 0, "", 3, 4}}},
		{name: "more than the answer in a hole", whole: true, closed: true, turns: []turn{{q, p1 + p2, 0}, {a, ok1[:20], int64(len(ok1) - 20 + 7)}, {a, ok2[7:], 0}, {q, beat3, 0}, {a, beat(3, 0), 0}}, want: []outcome{{"Produce orders", 1, "", 0, 1}, {"Heartbeat", 0, "", 3, 4}}},
		{name: "requests in a hole", whole: true, turns: []turn{{q, p1, 0}, {q, p2[:3], 9}, {q, p2[12:], 0}, {a, ok1 + ok2, 0}, {q, beat3[:4], 0}, {q, beat3[4:], 0}, {a, beat(3, 0), 0}}, want: []outcome{{"Produce orders", 1, "", 0, 3}, {"Heartbeat", 0, "", 5, 6}}},
		{name: "in the middle of an answer", whole: true, turns: []turn{{q, p1, 0}, {a, "secret", 0}, {a, "\x00\x00\x00\x40", 0}, {a, "secret and more", 0}, {q, p2, 0}, {a, ok1[:4], 0}, {a, ok1[4:], 0}, {a, ok2, 0}}, want: []outcome{{"Produce orders", 1, "", 0, 6}, {"Produce stock", 1, "", 4, 7}}},
		{name: "no acks in the hole", closed: true, turns: []turn{{q, p1[:18], int64(len(p1) - 18)}, {q, beat3, 0}, {a, beat(3, 0), 0}}, want: []outcome{{"Heartbeat", 0, "", 1, 2}}},

		{name: "closed", closed: true, turns: []turn{{q, p1 + p2, 0}, {a, ok1, 0}, {a, ok2[:20], 0}}, want: []outcome{{"Produce orders", 1, "", 0, 1}, {"Produce stock", 1, "connection_closed", 0, 3}}},
		{name: "closed before any answer", closed: true, turns: []turn{{q, versions(1), 0}}, want: []outcome{{"ApiVersions", 0, "connection_closed", 0, 1}}},
		{name: "closed while an answer was out of sight", whole: true, closed: true, turns: []turn{{q, p1, 0}, {a, "secret", 99}}},
		{name: "closed while it waits for messages", closed: true, turns: []turn{{q, fetch(1, 12, 0, 0, "orders"), 0}, wait, wait}},
		{name: "closed after it waited", closed: true, turns: []turn{{q, fetch(1, 12, 0, 0, "orders"), 0}, wait, wait, wait, wait, wait}, want: []outcome{{"Fetch orders", 0, "connection_closed", 0, 6}}},

		{name: "SASL without requests", whole: true, turns: []turn{{q, handshake(1, 0), 0}, {a, shaken(1, 0), 0}, {q, "\x00\x00\x00\x0f\x00user\x00swordfish", 0}, {a, "\x00\x00\x00\x00", 0}, {q, metadata(2, "orders"), 0}, {a, described(2, 0, "orders"), 0}}, want: []outcome{{"SaslHandshake", 0, "", 0, 1}, {"Metadata orders", 0, "", 4, 5}}},
		{name: "an API that nobody knows", turns: []turn{{q, strings.Replace(beat3, "\x00\x0c\x00\x04", "\x03\xe8\x00\x04", 1), 0}, {a, beat(3, 0), 0}, {q, p1, 0}, {a, ok1, 0}}, want: []outcome{{"Produce orders", 1, "", 2, 3}}},
		{name: "a version that nobody knows", turns: []turn{{q, strings.Replace(beat3, "\x00\x0c\x00\x04", "\x00\x0c\x00\x63", 1), 0}, {a, beat(3, 25), 0}, {q, p1, 0}, {a, ok1, 0}}, want: []outcome{{"Heartbeat", 0, "", 0, 1}, {"Produce orders", 1, "", 2, 3}}},
		{name: "no requests", gaveUp: true, turns: []turn{{q, p1, 0}, {q, "GET / HTTP/1.1\r\n\r\n", 0}}},
		{name: "no answers", gaveUp: true, turns: []turn{{q, p1, 0}, {a, ok1, 0}, {a, "HTTP/1.1 200 OK\r\n\r\n", 0}}, want: []outcome{{"Produce orders", 1, "", 0, 1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			pieces := []int{transfer, 1}
			if c.whole {
				pieces = pieces[:1]
			}
			for _, piece := range pieces {
				got, _, ok := run(c.turns, piece, c.closed)
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("in pieces of %d (-want +got):\n%s", piece, diff)
				}
				if ok == c.gaveUp {
					t.Errorf("in pieces of %d, gave up: %t, want %t", piece, !ok, c.gaveUp)
				}
			}
		})
	}
}

// TestAnswerFirst has the client's write told after the broker's answer to it was read, while another request waits.
func TestAnswerFirst(t *testing.T) {
	var got []string
	p := kafka.New(kafka.NewTopics(1), func(c protocol.Call) { got = append(got, fmt.Sprintf("%s %s %s", c.Operation, c.Resource, c.Duration)) })
	one := batch(0, message{value: "secret"})
	at := func(seconds int) time.Time { return epoch.Add(time.Duration(seconds) * time.Second) }
	p.Data(q, at(0), []byte(produce(1, 9, -1, one, "orders")))
	p.Data(a, at(4), []byte(produced(1, 9, 0, "orders")+produced(2, 9, 0, "stock")))
	p.Data(q, at(1), []byte(produce(2, 9, -1, one, "stock")))
	if diff := cmp.Diff([]string{"Produce orders 4s", "Produce stock 3s"}, got); diff != "" || !p.Idle() {
		t.Errorf("idle %t, calls (-want +got):\n%s", p.Idle(), diff)
	}
}

func TestTraces(t *testing.T) {
	const (
		parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
		other  = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b8-01"
		b3     = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1"
	)
	is := func(headers ...string) message { return message{value: "secret", headers: headers} }
	long := strings.Repeat("x", 9000)
	for name, c := range map[string]struct {
		batch []byte
		want  string
	}{
		"none":                          {batch(0, is()), ""},
		"W3C":                           {batch(0, is("sw8", "1-x", "traceparent", parent)), parent},
		"B3":                            {batch(0, is("b3", b3)), "00-80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-01"},
		"all of one":                    {batch(0, is("traceparent", parent), is("traceparent", parent)), parent},
		"of two":                        {batch(0, is("traceparent", parent), is("traceparent", other)), ""},
		"of two, and again":             {batch(0, is("traceparent", parent), is("traceparent", other), is("traceparent", parent)), ""},
		"one of none":                   {batch(0, is(), is("traceparent", parent)), ""},
		"in two batches":                {append(batch(0, is("traceparent", parent)), batch(0, is("traceparent", other))...), ""},
		"compressed":                    {batch(2, is("traceparent", parent)), ""},
		"one batch compressed":          {append(batch(2, is("traceparent", other)), batch(0, is("traceparent", parent))...), ""},
		"more than is copied, the last": {batch(0, message{long, []string{"traceparent", parent}}), ""},
		"more than is copied":           {batch(0, is("traceparent", parent), message{value: long}), ""},
	} {
		_, calls, _ := run([]turn{{q, produce(1, 9, -1, c.batch, "orders"), 0}, {a, produced(1, 9, 0, "orders"), 0}}, transfer, false)
		if len(calls) != 1 || calls[0].TraceParent != c.want {
			t.Errorf("%s: %+v, want %q", name, calls, c.want)
		}
	}
}

// TestSecretsStay reads what must not be kept of requests and answers that have it.
func TestSecretsStay(t *testing.T) {
	auth := kmsg.NewPtrSASLAuthenticateRequest()
	auth.SASLAuthBytes = []byte("\x00swordfish\x00swordfish")
	refused := kmsg.NewPtrSASLAuthenticateResponse()
	text := "no swordfish"
	refused.ErrorCode, refused.ErrorMessage = 58, &text
	_, calls, _ := run([]turn{
		{q, request(1, 2, auth), 0},
		{a, answer(1, 2, refused), 0},
		{q, produce(2, 9, -1, batch(0, message{"swordfish", []string{"swordfish", "swordfish"}}), "orders"), 0},
		{a, produced(2, 9, 0, "orders"), 0},
	}, transfer, false)
	if told := fmt.Sprintf("%+v", calls); len(calls) != 2 || calls[0].ErrorType != "SASL_AUTHENTICATION_FAILED" || strings.Contains(told, "swordfish") {
		t.Errorf("calls: %s", told)
	}
}

func TestRecognize(t *testing.T) {
	one := batch(0, message{value: "secret"})
	large := produce(1, 9, -1, batch(0, message{value: strings.Repeat("x", 9000)}), "orders")
	beats := heartbeat(1)
	for name, c := range map[string]struct {
		bytes string
		want  [2]bool
	}{
		"Produce":                    {produce(1, 9, -1, one, "orders"), [2]bool{true, true}},
		"Produce, cut":               {large[:4096], [2]bool{true, true}},
		"Produce, its topic cut":     {large[:24], [2]bool{false, false}},
		"two requests":               {beats + heartbeat(2), [2]bool{true, true}},
		"a request and half of one":  {beats + heartbeat(2)[:20], [2]bool{true, false}},
		"ApiVersions":                {versions(0), [2]bool{true, true}},
		"a request without its size": {beats[4:], [2]bool{false, false}},
		"a request and something":    {beats + "something else", [2]bool{false, false}},
		"a byte too many":            {beats[:3] + string(rune(beats[3]+1)) + beats[4:] + "x", [2]bool{false, false}},
		"an answer":                  {described(1, 0, "orders"), [2]bool{false, false}},
		"zeros":                      {"\x00\x00\x00\x20" + strings.Repeat("\x00", 32), [2]bool{false, false}},
		"another id":                 {strings.Replace(beats, "\x00\x00\x00\x01", "\xff\x00\x00\x01", 1), [2]bool{false, false}},
		"another API":                {strings.Replace(beats, "\x00\x0c\x00\x04", "\x00\x7f\x00\x04", 1), [2]bool{false, false}},
		"another version":            {strings.Replace(beats, "\x00\x0c\x00\x04", "\x00\x0c\x00\x05", 1), [2]bool{false, false}},
		"another client":             {strings.Replace(beats, "\x00\x04shop", "\x00\x04sh\x00p", 1), [2]bool{false, false}},
		"nothing":                    {"", [2]bool{false, false}},
	} {
		if got := [2]bool{kafka.Recognize([]byte(c.bytes)), kafka.Resumes([]byte(c.bytes))}; got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
