package memcached_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/memcached"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
)

const q, a = protocol.Request, protocol.Response

// turn is bytes of one direction, and a hole after them.
type turn struct {
	dir  protocol.Direction
	data string
	hole int64
}

func run(turns []turn) (got []string, ok bool) {
	epoch := time.Unix(1000, 0)
	p := memcached.New(func(c protocol.Call) {
		start := int(c.Start.Sub(epoch) / time.Second)
		text := fmt.Sprintf("%s %d-%d", c.Query, start, start+int(c.Duration/time.Second))
		if c.Failed {
			text += " " + c.ErrorType
		}
		if c.Kind == protocol.Sent {
			text += " sent"
		}
		got = append(got, text)
	})
	for i, t := range turns {
		at := epoch.Add(time.Duration(i) * time.Second)
		if t.data != "" && !p.Data(t.dir, at, []byte(t.data)) || t.hole > 0 && !p.Hole(t.dir, at, t.hole) {
			return got, false
		}
	}
	p.Close(epoch.Add(time.Duration(len(turns)) * time.Second))
	return got, true
}

func TestText(t *testing.T) {
	big := strings.Repeat("x", 1000)
	for name, c := range map[string]struct {
		turns  []turn
		want   []string
		gaveUp bool
	}{
		"one by one":             {turns: []turn{{q, "set cart:1 0 0 6\r\nsecret\r\n", 0}, {a, "STORED\r\n", 0}, {q, "get cart:1\r\n", 0}, {a, "VALUE cart:1 0 6\r\nsecret\r\nEND\r\n", 0}}, want: []string{"set cart:? 0-1", "get cart:? 2-3"}},
		"pipeline":               {turns: []turn{{q, "get a\r\nincr b 1\r\nget c\r\n", 0}, {a, "END\r\n7\r\nVALUE c 0 2\r\nEN", 0}, {a, "\r\nEND\r\n", 0}}, want: []string{"get a 0-1", "incr b 0-1", "get c 0-2"}},
		"many keys":              {turns: []turn{{q, "gets a b c\r\n", 0}, {a, "VALUE a 0 1 17\r\n1\r\nVALUE c 0 5 18\r\nEND\r\n\r\nEND\r\n", 0}}, want: []string{"gets a 0-1"}},
		"a miss is no failure":   {turns: []turn{{q, "get a\r\ndelete a\r\n", 0}, {a, "END\r\nNOT_FOUND\r\n", 0}}, want: []string{"get a 0-1", "delete a 0-1"}},
		"failures":               {turns: []turn{{q, "incr a x\r\nget b\r\n", 0}, {a, "CLIENT_ERROR invalid numeric delta argument\r\nSERVER_ERROR out of memory\r\n", 0}}, want: []string{"incr a 0-1 CLIENT_ERROR", "get b 0-1 SERVER_ERROR"}},
		"data that was no data":  {turns: []turn{{q, "set a 0 0 2\r\nlong\r\n", 0}}, gaveUp: true},
		"refused data":           {turns: []turn{{q, "set a 0 0 4\r\nlong\r\n", 0}, {a, "CLIENT_ERROR bad data chunk\r\n", 0}}, want: []string{"set a 0-1 CLIENT_ERROR"}, gaveUp: true},
		"without answers":        {turns: []turn{{q, "set a 0 0 1 noreply\r\n1\r\nget a\r\n", 0}, {a, "END\r\n", 0}}, want: []string{"set a 0-0 sent", "get a 0-1"}},
		"data in a hole":         {turns: []turn{{q, "set a 0 0 1000\r\n" + big[:100], 902}, {a, "STORED\r\n", 0}}, want: []string{"set a 0-1"}},
		"value in a hole":        {turns: []turn{{q, "get a\r\n", 0}, {a, "VALUE a 0 1000\r\n" + big[:100], 900}, {a, "\r\nEND\r\n", 0}, {q, "get b\r\n", 0}, {a, "END\r\n", 0}}, want: []string{"get a 0-2", "get b 3-4"}},
		"values in a hole":       {turns: []turn{{q, "get a b\r\n", 0}, {a, "VALUE a 0 1000\r\n", 1500}, {a, "x\r\nEND\r\n", 0}, {q, "get b\r\n", 0}, {a, "END\r\n", 0}}, want: []string{"get a 0-2", "get b 3-4"}},
		"commands in a hole":     {turns: []turn{{q, "get a\r\nget", 50}, {a, "END\r\nEND\r\n", 0}, {q, "get b\r\n", 0}, {a, "END\r\n", 0}}, want: []string{"get a 0-1", "get b 2-3"}},
		"statistics":             {turns: []turn{{q, "stats\r\n", 0}, {a, "STAT pid 1\r\nSTAT uptime 2\r\n", 0}, {a, "END\r\n", 0}}, want: []string{"stats 0-2"}},
		"meta":                   {turns: []turn{{q, "ms a 2 T9\r\nhi\r\nmg a t v\r\nmg b v\r\nmn\r\n", 0}, {a, "HD\r\nVA 2 t9\r\nhi\r\nEN\r\nMN\r\n", 0}}, want: []string{"ms a 0-1", "mg a 0-1", "mg b 0-1", "mn 0-1"}},
		"meta without answers":   {turns: []turn{{q, "mg a v q\r\nmn\r\n", 0}}, gaveUp: true},
		"touched":                {turns: []turn{{q, "gat 60 a\r\n", 0}, {a, "END\r\n", 0}}, want: []string{"gat a 0-1"}},
		"leaves":                 {turns: []turn{{q, "get a\r\nquit\r\n", 0}, {a, "END\r\n", 0}}, want: []string{"get a 0-1"}},
		"closed":                 {turns: []turn{{q, "get a\r\n", 0}, {a, "VALUE a 0 5\r\nab", 0}}, want: []string{"get a 0-2 connection_closed"}},
		"met before an answer":   {turns: []turn{{a, "VALUE a 0 1\r\n1\r\nEND\r\n", 0}, {q, "get a\r\n", 0}, {a, "END\r\n", 0}}, want: []string{"get a 1-2"}},
		"a command nobody knows": {turns: []turn{{q, "get a\r\nwatch fetchers\r\n", 0}}, gaveUp: true},
		"no answer":              {turns: []turn{{q, "get a\r\n", 0}, {a, "VALUE a\r\n", 0}}, gaveUp: true},
	} {
		got, ok := run(c.turns)
		if diff := cmp.Diff(c.want, got); diff != "" || ok == c.gaveUp {
			t.Errorf("%s: gave up: %t; commands (-want +got):\n%s", name, !ok, diff)
		}
	}
}

// message is one of the binary protocol.
func message(magic, opcode byte, status uint16, opaque uint32, extras, key, value string) string {
	b := []byte{magic, opcode}
	b = binary.BigEndian.AppendUint16(b, uint16(len(key)))
	b = append(b, byte(len(extras)), 0)
	b = binary.BigEndian.AppendUint16(b, status)
	b = binary.BigEndian.AppendUint32(b, uint32(len(extras)+len(key)+len(value)))
	b = binary.BigEndian.AppendUint32(b, opaque)
	return string(append(b, make([]byte, 8)...)) + extras + key + value
}

func ask(opcode byte, opaque uint32, key, value string) string {
	extras := ""
	if value != "" {
		extras = "12345678"
	}
	return message(0x80, opcode, 0, opaque, extras, key, value)
}

func tell(opcode byte, status uint16, opaque uint32, value string) string {
	return message(0x81, opcode, status, opaque, "", "", value)
}

func TestBinary(t *testing.T) {
	for name, c := range map[string]struct {
		turns  []turn
		want   []string
		gaveUp bool
	}{
		"one by one":           {turns: []turn{{q, ask(1, 0, "cart:1", "secret"), 0}, {a, tell(1, 0, 0, ""), 0}, {q, ask(0, 0, "cart:1", ""), 0}, {a, tell(0, 0, 0, "secret"), 0}}, want: []string{"set cart:? 0-1", "get cart:? 2-3"}},
		"failures":             {turns: []turn{{q, ask(5, 1, "a", "") + ask(1, 2, "b", "1"), 0}, {a, tell(5, 6, 1, "") + tell(1, 0x82, 2, ""), 0}}, want: []string{"incr a 0-1 NON_NUMERIC_VALUE", "set b 0-1 OUT_OF_MEMORY"}},
		"a miss is no failure": {turns: []turn{{q, ask(0, 0, "a", ""), 0}, {a, tell(0, 1, 0, "Not found"), 0}}, want: []string{"get a 0-1"}},
		"quiet ones before":    {turns: []turn{{q, ask(9, 1, "a", "") + ask(9, 2, "b", "") + ask(9, 3, "c", "") + ask(0x0a, 4, "", ""), 0}, {a, tell(9, 0, 2, "x"), 0}, {a, tell(0x0a, 0, 4, ""), 0}}, want: []string{"get a 0-1", "get b 0-1", "get c 0-2", "noop 0-2"}},
		"statistics":           {turns: []turn{{q, ask(0x10, 0, "", ""), 0}, {a, message(0x81, 0x10, 0, 0, "", "pid", "1"), 0}, {a, tell(0x10, 0, 0, ""), 0}}, want: []string{"stats 0-2"}},
		"value in a hole":      {turns: []turn{{q, ask(0, 7, "a", ""), 0}, {a, tell(0, 0, 7, strings.Repeat("x", 500))[:100], 424}, {q, ask(0, 8, "b", ""), 0}, {a, tell(0, 1, 8, ""), 0}}, want: []string{"get a 0-1", "get b 2-3"}},
		"commands in a hole":   {turns: []turn{{q, ask(0, 7, "a", ""), 60}, {a, tell(0, 1, 7, "") + tell(0, 1, 8, ""), 0}, {q, ask(0, 9, "b", ""), 0}, {a, tell(0, 1, 9, ""), 0}}, want: []string{"get a 0-1", "get b 2-3"}},
		"closed":               {turns: []turn{{q, ask(0, 0, "a", ""), 0}}, want: []string{"get a 0-1 connection_closed"}},
		"no message":           {turns: []turn{{q, ask(0, 0, "a", ""), 0}, {a, "VALUE a 0 1\r\n0123456789\r\n", 0}}, gaveUp: true},
	} {
		got, ok := run(c.turns)
		if diff := cmp.Diff(c.want, got); diff != "" || ok == c.gaveUp {
			t.Errorf("%s: gave up: %t; commands (-want +got):\n%s", name, !ok, diff)
		}
	}
}

func TestRecognize(t *testing.T) {
	for in, want := range map[string][2]bool{
		"get a\r\n":                      {true, true},
		"set a 0 0 5\r\nhello\r\n":       {true, true},
		"set a 0 0 5\r\n":                {true, true},
		"get a\r\nget b\r\n":             {true, false},
		"version\r\n":                    {true, true},
		ask(0, 1, "cart", ""):            {true, true},
		ask(0, 1, "cart", "")[:20]:       {false, false},
		tell(0, 0, 1, "x"):               {false, false},
		"VALUE a 0 1\r\n1\r\nEND\r\n":    {false, false},
		"get\r\n":                        {false, false},
		"get a":                          {false, false},
		"set a b c d\r\n":                {false, false},
		"GET / HTTP/1.1\r\n\r\n":         {false, false},
		"*2\r\n$3\r\nget\r\n$1\r\na\r\n": {false, false},
		"quit\r\n":                       {false, false},
		"":                               {false, false},
	} {
		if got := [2]bool{memcached.Recognize([]byte(in)), memcached.Resumes([]byte(in))}; got != want {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
}

func FuzzParser(f *testing.F) {
	f.Add([]byte("set cart:1 0 0 6\r\nsecret\r\nget cart:1\r\n"), []byte("STORED\r\nVALUE cart:1 0 6\r\nsecret\r\nEND\r\n"), uint8(9), uint16(0))
	f.Add([]byte("mg a v\r\nms b 1\r\n1\r\nincr c 1 noreply\r\n"), []byte("VA 2\r\nhi\r\nHD\r\nCLIENT_ERROR x\r\n"), uint8(60), uint16(3))
	f.Add([]byte(ask(9, 1, "a", "")+ask(1, 2, "b", "1")), []byte(tell(1, 0x82, 2, "no")), uint8(30), uint16(0))
	f.Fuzz(func(t *testing.T, request, answer []byte, cut uint8, hole uint16) {
		protocoltest.Fuzz(t, request, answer, cut, hole, func(emit func(protocol.Call)) protocol.Parser { return memcached.New(emit) })
	})
}
