package redis_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/redis"
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
	Query, ErrorType string
	Start, End       int
}

func run(turns []turn, closed bool) (got []outcome, ok bool) {
	epoch := time.Unix(1000, 0)
	p := redis.New(func(c protocol.Call) {
		start := int(c.Start.Sub(epoch) / time.Second)
		got = append(got, outcome{c.Query, c.ErrorType, start, start + int(c.Duration/time.Second)})
	})
	for i, t := range turns {
		at := epoch.Add(time.Duration(i) * time.Second)
		if t.data != "" && !p.Data(t.dir, at, []byte(t.data)) {
			return got, false
		}
		if t.hole > 0 && !p.Hole(t.dir, at, t.hole) {
			return got, false
		}
	}
	if closed {
		p.Close(epoch.Add(time.Duration(len(turns)) * time.Second))
	}
	return got, true
}

const (
	get  = "*2\r\n$3\r\nGET\r\n$7\r\ncart:17\r\n"
	set  = "*3\r\n$3\r\nset\r\n$6\r\ncart:1\r\n$6\r\nsecret\r\n"
	ping = "*1\r\n$4\r\nPING\r\n"

	subscribe = "*3\r\n$9\r\nSUBSCRIBE\r\n$2\r\nc1\r\n$1\r\nd\r\n"
	message   = "*3\r\n$7\r\nmessage\r\n$2\r\nc1\r\n$6\r\nsecret\r\n"
)

// confirmed is what tells of a channel and how many there are.
func confirmed(word, channel string, n int) string {
	return fmt.Sprintf("*3\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n:%d\r\n", len(word), word, len(channel), channel, n)
}

func TestParser(t *testing.T) {
	big := strings.Repeat("x", 1000)
	for _, c := range []struct {
		name   string
		turns  []turn
		closed bool
		gaveUp bool
		want   []outcome
	}{
		{name: "one by one", turns: []turn{{q, get, 0}, {a, "$2\r\nab\r\n", 0}, {q, set, 0}, {a, "+OK\r\n", 0}}, want: []outcome{{"GET cart:?", "", 0, 1}, {"SET cart:?", "", 2, 3}}},
		{name: "pipeline", turns: []turn{{q, get + set, 0}, {q, ping, 0}, {a, "$-1\r\n+O", 0}, {a, "K\r\n+PONG\r\n", 0}}, want: []outcome{{"GET cart:?", "", 0, 2}, {"SET cart:?", "", 0, 3}, {"PING", "", 1, 3}}},
		{name: "errors", turns: []turn{{q, set + get, 0}, {a, "-OOM command not allowed when used memory > 'maxmemory'.\r\n-WRONGTYPE Operation\r\n", 0}}, want: []outcome{{"SET cart:?", "OOM", 0, 1}, {"GET cart:?", "WRONGTYPE", 0, 1}}},
		{name: "nested arrays", turns: []turn{{q, get + ping, 0}, {a, "*2\r\n*2\r\n:1\r\n-ERR in\r\n", 0}, {a, "%1\r\n+k\r\n*0\r\n+PONG\r\n", 0}}, want: []outcome{{"GET cart:?", "", 0, 2}, {"PING", "", 0, 2}}},
		{name: "attribute and push", turns: []turn{{q, get, 0}, {a, ">2\r\n+invalidate\r\n*1\r\n+k\r\n|1\r\n+ttl\r\n:9\r\n$1\r\nv\r\n", 0}}, want: []outcome{{"GET cart:?", "", 0, 1}}},
		{name: "bulk in a hole", turns: []turn{{q, get, 0}, {a, "$1000\r\n" + big[:10], 980}, {a, big[:10] + "\r\n", 0}, {q, ping, 0}, {a, "+PONG\r\n", 0}}, want: []outcome{{"GET cart:?", "", 0, 2}, {"PING", "", 3, 4}}},
		{name: "value in a hole", turns: []turn{{q, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000\r\nx", 1001}, {a, "+OK\r\n", 0}, {q, ping, 0}, {a, "+PONG\r\n", 0}}, want: []outcome{{"SET k", "", 0, 1}, {"PING", "", 2, 3}}},
		{name: "array in a hole", turns: []turn{{q, get, 0}, {a, "*99\r\n$1\r\na\r\n", 500}, {a, "$1\r\nz\r\n", 0}, {q, ping, 0}, {a, "+PONG\r\n", 0}}, want: []outcome{{"GET cart:?", "", 0, 2}, {"PING", "", 3, 4}}},
		{name: "commands in a hole", turns: []turn{{q, get, 500}, {a, "$-1\r\n+OK\r\n+OK\r\n", 0}, {q, ping, 0}, {a, "+PONG\r\n", 0}}, want: []outcome{{"GET cart:?", "", 0, 1}, {"PING", "", 2, 3}}},
		{name: "inline", turns: []turn{{q, "PING\r\n", 0}, {a, "+PONG\r\n", 0}}, want: []outcome{{"PING", "", 0, 1}}},
		{name: "closed", closed: true, turns: []turn{{q, get, 0}}, want: []outcome{{"GET cart:?", "connection_closed", 0, 1}}},
		{name: "secrets stay", turns: []turn{{q, "*2\r\n$4\r\nAUTH\r\n$6\r\nhunter\r\n*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$11\r\nrequirepass\r\n$1\r\nx\r\n", 0}, {a, "+OK\r\n+OK\r\n", 0}}, want: []outcome{{"AUTH", "", 0, 1}, {"CONFIG SET", "", 0, 1}}},
		{name: "monitor", gaveUp: true, turns: []turn{{q, get, 0}, {a, "$-1\r\n", 0}, {q, "*1\r\n$7\r\nMONITOR\r\n", 0}}, want: []outcome{{"GET cart:?", "", 0, 1}}},
		{
			name:  "subscription",
			turns: []turn{{q, subscribe, 0}, {a, confirmed("subscribe", "c1", 1), 0}, {a, confirmed("subscribe", "d", 2) + message, 0}, {a, message[:20], 0}, {a, message[20:], 0}, {q, ping, 0}, {a, "*2\r\n$4\r\npong\r\n$0\r\n\r\n", 0}},
			want:  []outcome{{"SUBSCRIBE ?", "", 0, 2}, {"MESSAGE ?", "", 2, 2}, {"MESSAGE ?", "", 3, 4}, {"PING", "", 5, 6}},
		},
		{
			name:  "subscription to a pattern, in RESP3, between answers",
			turns: []turn{{q, "*2\r\n$10\r\nPSUBSCRIBE\r\n$2\r\nc*\r\n" + get, 0}, {a, ">3\r\n$10\r\npsubscribe\r\n$2\r\nc*\r\n:1\r\n", 0}, {a, ">4\r\n$8\r\npmessage\r\n$2\r\nc*\r\n$2\r\nc1\r\n$6\r\nsecret\r\n$2\r\nab\r\n", 0}},
			want:  []outcome{{"PSUBSCRIBE c*", "", 0, 1}, {"MESSAGE ?", "", 2, 2}, {"GET cart:?", "", 0, 2}},
		},
		{
			name: "all subscriptions end",
			turns: []turn{
				{q, subscribe, 0},
				{a, confirmed("subscribe", "c1", 1) + confirmed("subscribe", "d", 2), 0},
				{q, "*1\r\n$11\r\nUNSUBSCRIBE\r\n", 0},
				{a, confirmed("unsubscribe", "c1", 1) + confirmed("unsubscribe", "d", 0), 0},
				{q, get, 0},
				{a, message, 0},
			},
			want: []outcome{{"SUBSCRIBE ?", "", 0, 1}, {"UNSUBSCRIBE", "", 2, 3}, {"GET cart:?", "", 4, 5}},
		},
		{name: "a long message in a hole", turns: []turn{{q, subscribe, 0}, {a, confirmed("subscribe", "c1", 1) + confirmed("subscribe", "d", 2), 0}, {a, "*3\r\n$7\r\nmessage\r\n$2\r\nc1\r\n$1000\r\nx", 1001}, {a, message, 0}}, want: []outcome{{"SUBSCRIBE ?", "", 0, 1}, {"MESSAGE ?", "", 2, 2}, {"MESSAGE ?", "", 3, 3}}},
		{name: "messages in a hole", gaveUp: true, turns: []turn{{q, subscribe, 0}, {a, confirmed("subscribe", "c1", 1) + confirmed("subscribe", "d", 2), 0}, {a, message[:10], 500}}, want: []outcome{{"SUBSCRIBE ?", "", 0, 1}}},
		{name: "a list that looks like a message", turns: []turn{{q, get, 0}, {a, message, 0}}, want: []outcome{{"GET cart:?", "", 0, 1}}},
		{name: "published", turns: []turn{{q, "*3\r\n$7\r\nPUBLISH\r\n$2\r\nc1\r\n$6\r\nsecret\r\n", 0}, {a, ":1\r\n", 0}}, want: []outcome{{"PUBLISH ?", "", 0, 1}}},
		{name: "not commands", gaveUp: true, turns: []turn{{q, "*1\r\n+x\r\n", 0}}},
		{name: "not answers", gaveUp: true, turns: []turn{{q, get, 0}, {a, "hello\r\n", 0}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := run(c.turns, c.closed)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if ok == c.gaveUp {
				t.Errorf("gave up: %t, want %t", !ok, c.gaveUp)
			}
		})
	}
}

func TestRecognize(t *testing.T) {
	for in, want := range map[string][2]bool{
		get:                                    {true, true},
		"*1\r\n$7\r\nUNHEARD\r\n":              {true, false},
		"*2\r\n$5\r\nhello\r\n$5\r\nworld\r\n": {true, true}, // HELLO: the price of a short list
		"*2\r\n$5\r\nalpha\r\n$4\r\nbeta\r\n":  {true, false},
		"*1\r\n:1\r\n":                         {false, false},
		"+OK\r\n":                              {false, false},
		"GET / HTTP/1.1\r\n":                   {false, false},
		"":                                     {false, false},
	} {
		if got := [2]bool{redis.Recognize([]byte(in)), redis.Resumes([]byte(in))}; got != want {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
}
