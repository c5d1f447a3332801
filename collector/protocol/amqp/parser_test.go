package amqp_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/amqp"
)

const q, a = protocol.Request, protocol.Response

// preface is what a client begins with.
const preface = "AMQP\x00\x00\x09\x01"

func frame(kind byte, channel uint16, payload string) string {
	b := binary.BigEndian.AppendUint16([]byte{kind}, channel)
	b = binary.BigEndian.AppendUint32(b, uint32(len(payload)))
	return string(append(append(b, payload...), 0xce))
}

func method(channel, class, number uint16, arguments ...string) string {
	b := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, class), number)
	return frame(1, channel, string(b)+strings.Join(arguments, ""))
}

func text(s string) string { return string(rune(len(s))) + s } // of less than 128 bytes
func short(n uint16) string {
	return string(binary.BigEndian.AppendUint16(nil, n))
}
func tag(n uint64) string { return string(binary.BigEndian.AppendUint64(nil, n)) }

const (
	none = "\x00\x00\x00\x00" // an empty table
	zero = "\x00\x00"
)

func open(ch uint16) string   { return method(ch, 20, 10, text("")) }
func opened(ch uint16) string { return method(ch, 20, 11, none) }
func declare(ch uint16, queue string) string {
	return method(ch, 50, 10, zero, text(queue), "\x00", none)
}

func declared(ch uint16, queue string) string {
	return method(ch, 50, 11, text(queue), none, none)
}

func consume(ch uint16, queue, name string) string {
	return method(ch, 60, 20, zero, text(queue), text(name), "\x00", none)
}
func consumes(ch uint16, name string) string { return method(ch, 60, 21, text(name)) }

func header(ch uint16, size int) string { return frame(2, ch, short(60)+zero+tag(uint64(size))+zero) }

func content(ch uint16, body string) string {
	if body == "" {
		return header(ch, 0)
	}
	return header(ch, len(body)) + frame(3, ch, body)
}

func publish(ch uint16, exchange, key, bits, body string) string {
	return method(ch, 60, 40, zero, text(exchange), text(key), bits) + content(ch, body)
}

func deliver(ch uint16, name, exchange, key, body string) string {
	return method(ch, 60, 60, text(name), tag(1), "\x00", text(exchange), text(key)) + content(ch, body)
}

func returned(ch uint16, exchange, key string) string {
	return method(ch, 60, 50, short(312), text("NO_ROUTE"), text(exchange), text(key)) + content(ch, "body")
}

func ack(ch uint16, n uint64, multiple string) string { return method(ch, 60, 80, tag(n), multiple) }

func nack(ch uint16, n uint64, multiple string) string { return method(ch, 60, 120, tag(n), multiple) }
func confirm(ch uint16) string                         { return method(ch, 85, 10, "\x00") }
func confirms(ch uint16) string                        { return method(ch, 85, 11) }

func closes(ch, code uint16, why string) string {
	class := uint16(20)
	number := uint16(40)
	if ch == 0 {
		class, number = 10, 50
	}
	return method(ch, class, number, short(code), text(why), zero, zero)
}

func closed(ch uint16) string {
	if ch == 0 {
		return method(0, 10, 51)
	}
	return method(ch, 20, 41)
}

const (
	single    = "\x00"
	multiple  = "\x01"
	mandatory = "\x01"
	heartbeat = "\x08\x00\x00\x00\x00\x00\x00\xce"
)

// turn is a transfer: when it came, its bytes, and how many are missing behind them.
type turn struct {
	dir  protocol.Direction
	at   int
	data string
	hole int64
}

// play gives turns to a parser, in pieces of so many bytes.
func play(p protocol.Parser, turns []turn, piece int) bool {
	for _, t := range turns {
		for b := []byte(t.data); len(b) > 0; b = b[min(piece, len(b)):] {
			if !p.Data(t.dir, moment(t.at), b[:min(piece, len(b))]) {
				return false
			}
		}
		if t.hole > 0 && !p.Hole(t.dir, moment(t.at), t.hole) {
			return false
		}
	}
	return true
}

// begun is what comes before the first turn of a connection that is new, and of channels 1 and 2, of which the first confirms.
func begun() []turn {
	return []turn{
		{q, 0, preface + open(1) + open(2) + confirm(1), 0},
		{a, 0, opened(1) + opened(2) + confirms(1), 0},
	}
}

func TestParser(t *testing.T) {
	body := strings.Repeat("x", 9000)
	for _, c := range []struct {
		name   string
		turns  []turn
		joined bool // the connection is older
		once   bool // it is found again at the beginning of a transfer
		closed bool
		gaveUp bool
		want   []string
	}{
		{name: "answers of two channels", turns: []turn{
			{q, 1, declare(1, "a") + declare(2, "b"), 0},
			{q, 2, declare(1, "c"), 0},
			{a, 3, declared(2, "b"), 0},
			{a, 4, declared(1, "a") + declared(1, "c"), 0},
		}, want: []string{"asked queue.declare b 21/22 @1-3", "asked queue.declare a 21/22 @1-4", "asked queue.declare c 21/22 @2-4"}},
		{name: "several segments", turns: []turn{
			{q, 1, declare(1, "a")[:9], 0}, {q, 2, declare(1, "a")[9:], 0}, {a, 3, declared(1, "a")[:3], 0}, {a, 4, declared(1, "a")[3:], 0},
		}, want: []string{"asked queue.declare a 21/22 @1-4"}},
		{name: "messages of two channels, mixed", turns: []turn{
			{q, 1, publish(1, "x", "", single, "")[:20] + "", 0},
			{q, 1, publish(1, "x", "", single, "")[20:], 0},
			{q, 2, publish(2, "y", "", single, "abc")[:42], 0},
			{q, 3, publish(2, "y", "", single, "abc")[42:], 0},
			{a, 4, ack(1, 1, single), 0},
		}, want: []string{"sent publish y #1 51/0 @2-3", "sent publish x #1 40/21 @1-4"}},
		{name: "confirmed one by one and together", turns: []turn{
			{q, 1, publish(1, "", "q1", single, "m"), 0},
			{q, 2, publish(1, "", "q1", single, "m"), 0},
			{q, 3, publish(1, "", "q1", single, "m"), 0},
			{q, 4, publish(1, "", "q1", single, "m"), 0},
			{a, 5, ack(1, 2, single), 0},
			{a, 6, nack(1, 3, multiple), 0},
			{a, 7, ack(1, 0, multiple), 0},
		}, want: []string{"sent publish ? #1 50/21 @2-5", "sent publish ? NACK #1 50/0 @1-6", "sent publish ? NACK #1 50/21 @3-6", "sent publish ? #1 50/0 @4-7"}},
		{name: "a confirmation that is told before the message", turns: []turn{
			{q, 1, publish(1, "", "q", single, "m"), 0}, {a, 2, ack(1, 1, single), 0}, {a, 4, ack(1, 2, single), 0}, {q, 3, publish(1, "", "q", single, "m"), 0},
		}, want: []string{"sent publish q #1 49/21 @1-2", "sent publish q #1 49/21 @3-4"}},
		{name: "an answer that is told before the request, and what comes behind it", turns: []turn{
			{a, 5, consumes(2, "c-1") + deliver(2, "c-1", "x", "k", "m"), 0}, {q, 4, consume(2, "q", ""), 0}, {a, 6, deliver(2, "c-1", "x", "k", "m"), 0},
		}, want: []string{"asked consume q 22/16 @4-5", "delivered deliver q #1 0/60 @5-5", "delivered deliver q #1 0/60 @6-6"}},
		{name: "an answer without a request", turns: []turn{
			{a, 4, declared(1, "a"), 0}, {q, 5, declare(1, "b"), 0}, {a, 6, declared(1, "b"), 0},
		}, want: []string{"asked queue.declare b 21/22 @5-6"}},
		{name: "an answer without a request does not keep others waiting", turns: []turn{
			{a, 4, declared(1, "a"), 0}, {a, 2000, deliver(1, "c", "x", "k", "m"), 0},
		}, want: []string{"delivered deliver x #1 0/58 @2000-2000"}},
		{name: "no answer is wanted", turns: []turn{
			{q, 1, method(1, 50, 30, zero, text("a"), "\x01"), 0}, {q, 2, declare(1, "a"), 0}, {a, 3, declared(1, "a"), 0},
		}, want: []string{"asked queue.purge a 17/0 @1-1", "asked queue.declare a 21/22 @2-3"}},
		{name: "the queue declared last", turns: []turn{
			{q, 1, declare(2, ""), 0}, {a, 2, declared(2, "amq.gen-Xa1"), 0}, {q, 3, consume(2, "", "me"), 0}, {a, 4, consumes(2, "me"), 0}, {a, 5, deliver(2, "me", "", "amq.gen-Xa1", ""), 0},
		}, want: []string{"asked queue.declare amq.gen-? 20/32 @1-2", "asked consume amq.gen-? 23/15 @3-4", "delivered deliver amq.gen-? #1 0/59 @5-5"}},
		{name: "a consumer that is no more", turns: []turn{
			{q, 1, consume(2, "q", "me"), 0}, {a, 2, consumes(2, "me") + method(2, 60, 30, text("me"), "\x01") + deliver(2, "me", "", "other", ""), 0},
		}, want: []string{"asked consume q 24/15 @1-2", "delivered deliver other #1 0/53 @2-2"}},
		{name: "a channel that is closed", turns: []turn{
			{q, 1, publish(1, "gone", "", single, "m") + declare(1, "a"), 0},
			{a, 2, closes(1, 404, "NOT_FOUND - no exchange 'gone' in vhost '/'"), 0},
			{q, 3, publish(1, "gone", "", single, "m") + declare(1, "b"), 0},
			{q, 4, closed(1) + open(1), 0},
			{a, 5, opened(1), 0},
		}, want: []string{"asked queue.declare a 404 NOT_FOUND 21/62 @1-2", "sent publish gone 404 NOT_FOUND #1 52/62 @1-2", "sent publish gone 404 NOT_FOUND #1 52/0 @3-3", "asked queue.declare b 404 NOT_FOUND 21/0 @3-3", "asked channel.open 13/16 @4-5"}},
		{name: "a channel that both close", turns: []turn{
			{q, 1, closes(1, 200, "bye"), 0}, {a, 2, closes(1, 406, "PRECONDITION_FAILED - unknown delivery tag 7"), 0}, {q, 3, closed(1), 0}, {a, 4, closed(1), 0}, {q, 5, open(1), 0}, {a, 6, opened(1), 0},
		}, want: []string{"asked channel.close 406 PRECONDITION_FAILED 0/63 @2-2", "asked channel.open 13/16 @5-6"}},
		{name: "an error of a quiet method", turns: []turn{
			{q, 1, method(1, 60, 10, none, zero, "\x00"), 0}, {a, 2, method(1, 60, 11), 0}, {q, 3, method(1, 60, 10, none, zero, "\x00"), 0}, {a, 4, closes(0, 540, "NOT_IMPLEMENTED"), 0}, {q, 5, closed(0), 0},
		}, closed: true, want: []string{"asked qos 540 NOT_IMPLEMENTED 19/34 @3-4"}},
		{name: "a connection that is closed", turns: []turn{
			{q, 1, declare(2, "a") + publish(1, "x", "", single, "m"), 0}, {a, 2, closes(0, 320, "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'"), 0}, {q, 3, closed(0), 0},
		}, closed: true, want: []string{"sent publish x 320 CONNECTION_FORCED #1 49/94 @1-2", "asked queue.declare a 320 CONNECTION_FORCED 21/94 @1-2"}},
		{name: "a connection that is closed while nothing waits", turns: []turn{
			{a, 2, closes(0, 320, "CONNECTION_FORCED"), 0}, {q, 3, closed(0), 0},
		}, closed: true, want: []string{"asked connection.close 320 CONNECTION_FORCED 0/36 @2-2"}},
		{name: "a channel that the client closes", turns: []turn{
			{q, 1, publish(1, "x", "", single, "m") + closes(1, 200, "bye"), 0}, {a, 2, closed(1), 0},
		}, want: []string{"asked channel.close 22/12 @1-2", "sent publish x #1 49/0 @1-1"}},
		{name: "a connection that the client closes without waiting", turns: []turn{
			{q, 1, publish(1, "x", "", single, "m") + declare(2, "a") + closes(0, 200, "bye"), 0},
		}, closed: true, want: []string{"sent publish x #1 49/0 @1-1"}},
		{name: "closed without a word", turns: []turn{
			{q, 1, publish(1, "x", "", single, "m") + declare(2, "a"), 0}, {q, 2, publish(2, "y", "", single, "message")[:44], 0}, {a, 3, deliver(1, "c", "z", "k", "message")[:60], 0},
		}, closed: true, want: []string{"delivered deliver z connection_closed #1 0/0 @3-4", "sent publish y connection_closed #1 0/0 @2-4", "sent publish x connection_closed #1 49/0 @1-4", "asked queue.declare a connection_closed 21/0 @1-4"}},
		{name: "returned", turns: []turn{
			{q, 1, publish(2, "x", "k", mandatory, "body") + publish(2, "x", "l", mandatory, "body") + publish(2, "x", "l", single, "body"), 0}, {a, 2, returned(2, "x", "l"), 0}, {q, 2000, heartbeat, 0},
		}, want: []string{"sent publish x #1 53/0 @1-1", "sent publish x 312 NO_ROUTE #1 53/61 @1-2", "sent publish x #1 53/0 @1-1"}},
		{name: "returned too late", turns: []turn{
			{q, 1, publish(2, "x", "k", mandatory, "body"), 0}, {a, 2000, heartbeat, 0}, {a, 2001, returned(2, "x", "k"), 0}, {q, 2002, heartbeat, 0},
		}, want: []string{"sent publish x #1 53/0 @1-1", "delivered return x 312 NO_ROUTE #1 0/61 @2001-2001"}},
		{name: "returned, told first", turns: []turn{
			{a, 2, returned(1, "x", "k") + ack(1, 1, single), 0}, {q, 1, publish(1, "x", "k", mandatory, "body"), 0},
		}, want: []string{"sent publish x 312 NO_ROUTE #1 53/61 @1-2"}},
		{name: "a body in a hole", turns: []turn{
			{q, 1, publish(1, "x", "", single, body)[:100], 8900}, {q, 2, publish(1, "x", "", single, body)[9000:] + publish(1, "y", "", single, "m"), 0}, {a, 3, ack(1, 2, multiple), 0},
		}, want: []string{"sent publish x #1 9048/0 @1-3", "sent publish y #1 49/21 @2-3"}},
		{name: "frames of the client in a hole", once: true, turns: []turn{
			{q, 1, publish(1, "x", "", single, "m"), 0},
			{q, 2, publish(1, "y", "", single, body)[:100], 20000},
			{q, 3, "xxx", 0},
			{q, 4, publish(1, "z", "", single, "m"), 0},
			{a, 5, ack(1, 9, multiple), 0},
			{q, 6, declare(1, "a"), 0},
			{a, 7, declared(1, "a"), 0},
		}, want: []string{"sent publish z #1 49/0 @4-4", "sent publish x #1 49/0 @1-5", "sent publish y #1 9048/0 @2-5", "asked queue.declare a 21/22 @6-7"}},
		{name: "frames of the server in a hole", once: true, turns: []turn{
			{q, 1, publish(1, "x", "", single, "m") + declare(2, "a"), 0},
			{a, 2, deliver(1, "c", "y", "k", body)[:100], 20000},
			{q, 3, declare(2, "b"), 0},
			{a, 4, "xxx", 0},
			{q, 5, publish(1, "z", "", single, "m") + declare(2, "c"), 0},
			{a, 6, declared(2, "c"), 0},
			{q, 7, declare(2, "d"), 0},
			{a, 8, declared(2, "d"), 0},
		}, want: []string{"delivered deliver y #1 0/9057 @2-2", "sent publish x #1 49/0 @1-1", "sent publish z #1 49/0 @5-5", "asked queue.declare c 21/22 @5-6", "asked queue.declare d 21/22 @7-8"}},
		{name: "several answers in a hole", once: true, turns: []turn{
			{q, 1, declare(2, "a") + declare(2, "b"), 0}, {a, 2, "\x01", 20000}, {q, 3, declare(2, "c"), 0}, {a, 4, declared(2, "b"), 0}, {q, 5, declare(2, "d") + open(3), 0}, {a, 6, declared(2, "c") + opened(3), 0},
		}, want: []string{"asked channel.open 13/16 @5-6"}},
		{name: "in the middle of an argument", turns: []turn{
			{q, 1, method(1, 60, 40, zero, text("x"), text("key"), single)[:17], 2}, {q, 2, single + "\xce" + content(1, "m"), 0}, {a, 3, ack(1, 1, single), 0}, {q, 4, declare(1, "a"), 0}, {a, 5, declared(1, "a"), 0},
		}, once: true, want: []string{"asked queue.declare a 21/22 @4-5"}},
		{name: "an old connection, by its client", joined: true, once: true, turns: []turn{
			{q, 1, ack(1, 7, single) + publish(1, "x", "", single, "m"), 0}, {a, 2, "the end of something", 0}, {a, 3, ack(1, 9, single) + deliver(1, "c", "y", "k", "m"), 0}, {q, 4, declare(1, "a"), 0}, {a, 5, declared(1, "a"), 0},
		}, want: []string{"sent publish x #1 49/0 @1-1", "delivered deliver y #1 0/58 @3-3", "asked queue.declare a 21/22 @4-5"}},
		{name: "an old connection, of which the answer never came", joined: true, once: true, closed: true, turns: []turn{
			{q, 1, declare(1, "a"), 0}, {q, 2, publish(1, "x", "", single, "m"), 0},
		}, want: []string{"sent publish x #1 49/0 @2-2"}},
		{name: "a refusal that belongs to nothing", joined: true, once: true, turns: []turn{
			{q, 1, publish(1, "x", "", single, "m"), 0}, {a, 2, nack(1, 9, single), 0},
		}, want: []string{"sent publish x #1 49/0 @1-1", "delivered nack NACK 0/21 @2-2"}},
		{name: "too much in flight", turns: []turn{{q, 1, strings.Repeat(declare(1, "a"), 1025), 0}}, gaveUp: true},
		{name: "a frame that does not end", turns: []turn{{q, 1, declare(1, "a")[:20] + "x", 0}}, gaveUp: true},
		{name: "what a server sends, from a client", turns: []turn{{q, 1, declared(1, "a"), 0}}, gaveUp: true},
		{name: "what a client sends, from a server", turns: []turn{{a, 1, declare(1, "a"), 0}}, gaveUp: true},
		{name: "an unknown method", turns: []turn{{q, 1, method(1, 60, 41), 0}}, gaveUp: true},
		{name: "arguments that are too long", turns: []turn{{q, 1, method(1, 60, 70, zero, text("a"), "\x00", "x"), 0}}, gaveUp: true},
		{name: "another version", turns: []turn{{a, 1, preface, 0}}, gaveUp: true},
		{name: "no frame", turns: []turn{{a, 1, "HTTP/1.1 400 Bad Request", 0}}, gaveUp: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, piece := range []int{1 << 14, 1, 7} {
				if c.once && piece < 1<<14 {
					continue
				}
				var got []string
				all := false
				p := amqp.New(func(c protocol.Call) {
					if all {
						got = append(got, describe(c))
					}
				})
				if !c.joined && !play(p, begun(), piece) {
					t.Fatal("it does not begin")
				}
				all = true
				ok := play(p, c.turns, piece)
				if c.closed {
					p.Close(moment(c.turns[len(c.turns)-1].at + 1))
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("in pieces of %d: calls (-want +got):\n%s", piece, diff)
				}
				if ok == c.gaveUp {
					t.Errorf("in pieces of %d: gave up: %t, want %t", piece, !ok, c.gaveUp)
				}
			}
		})
	}
}

// TestInFlight has more messages wait than may.
func TestInFlight(t *testing.T) {
	calls := 0
	p := amqp.New(func(c protocol.Call) {
		if c.Operation == "publish" {
			calls++
		}
	})
	play(p, begun(), 1<<14)
	const n = protocol.MaxPending + 100
	for range n {
		p.Data(q, moment(1), []byte(publish(1, "x", "", single, "m")))
	}
	if calls != n-protocol.MaxPending {
		t.Errorf("%d calls before they are confirmed", calls)
	}
	if p.Data(a, moment(2), []byte(ack(1, n, multiple))); calls != n {
		t.Errorf("%d of %d calls", calls, n)
	}
}

// TestNothingIsKept logs in with a password, which is refused with a text that says too much.
func TestNothingIsKept(t *testing.T) {
	var got []protocol.Call
	p := amqp.New(func(c protocol.Call) { got = append(got, c) })
	long := func(s string) string { return "\x00\x00\x00" + text(s) }
	play(p, []turn{
		{q, 0, preface, 0},
		{a, 1, method(0, 10, 10, "\x00\x09", none, long("PLAIN"), long("en_US")), 0},
		{q, 2, method(0, 10, 11, none, text("PLAIN"), long("\x00bob\x00hunter"), text("en_US")), 0},
		{a, 3, method(0, 10, 20, long("hunter")), 0},
		{q, 4, method(0, 10, 21, long("hunter")), 0},
		{a, 5, closes(0, 403, "ACCESS_REFUSED - 'bob' <<\"hunter\">> and more"), 0},
	}, 1<<14)
	want := []string{"asked login 403 ACCESS_REFUSED 22/63 @4-5"}
	if len(got) != 1 || describe(got[0]) != want[0] || got[0].Error != "ACCESS_REFUSED - '?' ?" {
		t.Errorf("%+v", got)
	}
	if all := fmt.Sprintf("%+v", got); strings.Contains(all, "hunter") || strings.Contains(all, "bob") {
		t.Errorf("kept: %s", all)
	}
}

func TestRecognize(t *testing.T) {
	body := strings.Repeat("x", 9000)
	for in, want := range map[string][3]bool{
		preface:                      {true, false, false},
		preface + open(1):            {true, false, false},
		preface + opened(1):          {false, false, false},
		preface + "x":                {false, false, false},
		preface + "GET / HTTP/1.1":   {false, false, false},
		"AMQP\x00\x01\x00\x00":       {false, false, false}, // 1.0
		"AMQP\x03\x01\x00\x00":       {false, false, false}, // 1.0 with SASL
		"AMQP":                       {false, false, false},
		declare(1, "a"):              {false, true, false},
		ack(1, 1, single):            {false, false, false}, // both say it
		heartbeat:                    {false, false, false},
		heartbeat + declare(1, "a"):  {false, true, false},
		heartbeat + declared(1, "a"): {false, false, true},
		ack(1, 1, single) + publish(1, "x", "", single, "m"): {false, true, false},
		publish(1, "x", "", single, body)[:4096]:             {false, true, false},
		publish(1, "x", "", single, "m") + "x":               {false, true, false},
		publish(1, "x", "", single, "m") + "xxxxxxxx":        {false, false, false},
		publish(1, "x", "", single, "m") + declared(1, "a"):  {false, false, false},
		publish(1, "x", "", single, "m")[:15]:                {false, false, false},
		deliver(1, "c", "x", "k", body)[:4096]:               {false, false, true},
		declared(1, "a"):                                     {false, false, true},
		content(1, "m"):                                      {false, false, false},
		declare(1, "a")[:20] + "\xcf":                        {false, false, false},
		method(1, 60, 70, zero, text("a"), "\x00", "x"):      {false, false, false},
		"GET / HTTP/1.1\r\n\r\n":                             {false, false, false},
		"*1\r\n$4\r\nPING\r\n":                               {false, false, false},
		"\x01\x00\x00\x00\x00\x00\x04\x00\x3c\x00\x28\xce":   {false, false, false}, // a publish without arguments
		"\x16\x03\x01\x02\x00\x01":                           {false, false, false},
		"":                                                   {false, false, false},
	} {
		if got := [3]bool{amqp.Recognize([]byte(in)), amqp.Resumes([]byte(in)), amqp.Answers([]byte(in))}; got != want {
			t.Errorf("%q: %v, want %v", in[:min(len(in), 60)], got, want)
		}
	}
}

// TestAnswers has no answer taken for a request, and no request for an answer.
func TestAnswers(t *testing.T) {
	for _, name := range []string{"confirm", "consume", "get", "large", "missing", "nack", "refused", "tx"} {
		for _, s := range recorded(t, name) {
			if s.Direction == a && amqp.Resumes(s.Head) || s.Direction == q && amqp.Answers(s.Head) {
				t.Errorf("%s: %q", name, s.Head[:min(len(s.Head), 40)])
			}
		}
	}
}
