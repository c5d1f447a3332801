package cassandra_test

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/cassandra"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

const q, a = protocol.Request, protocol.Response

func envelope(version, flags byte, stream uint16, opcode byte, body string) string {
	b := binary.BigEndian.AppendUint16([]byte{version, flags}, stream)
	b = binary.BigEndian.AppendUint32(append(b, opcode), uint32(len(body)))
	return string(b) + body
}

func short(n int) string { return string(binary.BigEndian.AppendUint16(nil, uint16(n))) }
func long(n int) string  { return string(binary.BigEndian.AppendUint32(nil, uint32(n))) }

func query(stream uint16, cql string) string {
	return envelope(4, 0, stream, 7, long(len(cql))+cql+"\x00\x01\x00")
}

func execute(stream uint16, id string) string {
	return envelope(4, 0, stream, 10, short(len(id))+id+"\x00\x01\x00")
}

func prepare(stream uint16, cql string) string {
	return envelope(4, 0, stream, 9, long(len(cql))+cql)
}
func result(stream uint16, body string) string { return envelope(0x84, 0, stream, 8, body) }
func done(stream uint16) string                { return result(stream, long(1)) }
func prepared(stream uint16, id string) string {
	return result(stream, long(4)+short(len(id))+id+strings.Repeat("\x00", 20))
}

func failure(stream uint16, code int, text string) string {
	return envelope(0x84, 0, stream, 0, long(code)+short(len(text))+text)
}

const (
	options = "\x04\x00\x00\x00\x05\x00\x00\x00\x00"
	startup = "\x04\x00\x00\x01\x01\x00\x00\x00\x16\x00\x01\x00\x0bCQL_VERSION\x00\x053.0.0"
	ready   = "\x84\x00\x00\x01\x02\x00\x00\x00\x00"
	events  = "\x04\x00\x00\x02\x0b\x00\x00\x00\x11\x00\x01\x00\x0dSTATUS_CHANGE"
	event   = "\x84\x00\xff\xff\x0c\x00\x00\x00\x1c\x00\x0dSTATUS_CHANGE\x00\x02UP\x04\x7f\x00\x00\x01\x00\x00\x23\x52"
)

// turn is bytes of one direction, and a hole after them.
type turn struct {
	dir  protocol.Direction
	data string
	hole int64
}

// outcome is what a test compares of a call; times are indexes of turns.
type outcome struct {
	Name, Status, Error string
	Start, End          int
}

func run(turns []turn, closed bool) (got []outcome, ok bool) {
	epoch := time.Unix(1000, 0)
	p := cassandra.New(template.NewSQL(16), cassandra.NewPrepared(16), func(c protocol.Call) {
		start := int(c.Start.Sub(epoch) / time.Second)
		name := strings.TrimSpace(c.Operation + " " + c.Resource + " " + c.Namespace)
		got = append(got, outcome{name, c.Status, c.Error, start, start + int(c.Duration/time.Second)})
	})
	for i, t := range turns {
		at := epoch.Add(time.Duration(i) * time.Second)
		for b := []byte(t.data); len(b) > 0; b = b[min(len(b), 4096):] { // as protocol.Segment does
			if !p.Data(t.dir, at, b[:min(len(b), 4096)]) {
				return got, false
			}
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

func TestParser(t *testing.T) {
	const closedError = "the connection was closed before the answer was complete"
	const id = "0123456789abcdef"
	big := result(1, long(2)+strings.Repeat("x", 9000))
	insert := query(1, "INSERT INTO t (a) VALUES ('"+strings.Repeat("s", 9000)+"')")
	for _, c := range []struct {
		name   string
		turns  []turn
		closed bool
		gaveUp bool
		want   []outcome
	}{
		{name: "one by one", turns: []turn{{q, query(1, "SELECT a FROM t"), 0}, {a, done(1), 0}, {q, query(1, "DELETE FROM u WHERE a=1"), 0}, {a, done(1), 0}}, want: []outcome{{"SELECT t", "", "", 0, 1}, {"DELETE u", "", "", 2, 3}}},
		{name: "out of order", turns: []turn{{q, query(1, "SELECT a FROM t") + query(2, "SELECT a FROM u"), 0}, {q, query(3, "SELECT a FROM v"), 0}, {a, done(3) + done(2)[:5], 0}, {a, done(2)[5:] + done(1), 0}}, want: []outcome{{"SELECT v", "", "", 1, 2}, {"SELECT u", "", "", 0, 3}, {"SELECT t", "", "", 0, 3}}},
		{name: "logging in is no call", turns: []turn{{q, options, 0}, {a, envelope(0x84, 0, 0, 6, "\x00\x00"), 0}, {q, startup, 0}, {a, ready, 0}, {q, query(1, "USE shop"), 0}, {a, result(1, long(3)+short(4)+"shop"), 0}, {q, query(1, "INSERT INTO t (a) VALUES (1)"), 0}, {a, done(1), 0}}, want: []outcome{{"USE", "", "", 4, 5}, {"INSERT t shop", "", "", 6, 7}}},
		{name: "login refused", turns: []turn{{q, startup, 0}, {a, envelope(0x84, 0, 1, 3, "\x00\x01a"), 0}, {q, envelope(4, 0, 1, 15, "\x00\x00\x00\x06\x00bob\x00x"), 0}, {a, failure(1, 0x100, "Provided username bob and/or password are incorrect"), 0}}, want: []outcome{{"AUTH_RESPONSE", "256", "", 2, 3}}},
		{name: "prepared", turns: []turn{{q, startup, 0}, {a, ready, 0}, {q, prepare(1, "UPDATE t SET a=? WHERE b=?"), 0}, {a, prepared(1, id), 0}, {q, execute(2, id), 0}, {a, done(2), 0}, {q, execute(2, "unknown-unknown-"), 0}, {a, failure(2, 0x2500, "Prepared query with ID dead67890abcdef1234567890abcdef0 not found"), 0}}, want: []outcome{{"UPDATE t", "", "", 4, 5}, {"EXECUTE", "9472", "Prepared query with ID ? not found", 6, 7}}},
		{name: "errors", turns: []turn{{q, query(1, "SELECT a FROM t"), 0}, {a, failure(1, 0x1200, "Operation timed out - received only 0 responses."), 0}, {q, query(1, "SELEC secret"), 0}, {a, failure(1, 0x2000, "line 1:0 no viable alternative at input 'SELEC' ([SELEC] 'se"), 0}}, want: []outcome{{"SELECT t", "4608", "Operation timed out - received only ? responses.", 0, 1}, {"SELEC", "8192", "line ?:? no viable alternative at input '?' (?)", 2, 3}}},
		{name: "answer in a hole", turns: []turn{{q, query(1, "SELECT a FROM t"), 0}, {a, big[:4096], int64(len(big)) - 4096}, {q, query(1, "SELECT a FROM u"), 0}, {a, done(1), 0}}, want: []outcome{{"SELECT t", "", "", 0, 1}, {"SELECT u", "", "", 2, 3}}},
		{name: "answers lost in a hole", closed: true, turns: []turn{{q, query(1, "SELECT a FROM t") + query(2, "SELECT a FROM u"), 0}, {a, big[:4096], int64(len(big)) - 4000}, {q, query(3, "SELECT a FROM v"), 0}, {a, "\x00\x00\x00", 0}, {a, done(3), 0}, {q, query(4, "SELECT a FROM w"), 0}}, want: []outcome{{"SELECT t", "", "", 0, 1}, {"SELECT v", "", "", 2, 4}, {"SELECT w", "", closedError, 5, 6}}},
		{name: "statement in a hole", turns: []turn{{q, insert[:4096], int64(len(insert)) - 4096}, {a, done(1), 0}, {q, query(1, "SELECT a FROM u"), 0}, {a, done(1), 0}}, want: []outcome{{"INSERT t", "", "", 0, 1}, {"SELECT u", "", "", 2, 3}}},
		{name: "requests lost in a hole", turns: []turn{{q, query(1, "SELECT a FROM t"), 100}, {a, done(1), 0}, {q, "\x01\x02\x03\x04\x05\x06\x07\x08\x09", 0}, {q, query(1, "SELECT a FROM u"), 0}, {a, done(1), 0}}, want: []outcome{{"SELECT t", "", "", 0, 1}, {"SELECT u", "", "", 3, 4}}},
		{name: "closed", closed: true, turns: []turn{{q, options + query(1, "SELECT a FROM t"), 0}, {a, done(1)[:10], 0}}, want: []outcome{{"SELECT t", "", closedError, 0, 2}}},
		{name: "answer of another stream", closed: true, turns: []turn{{q, startup, 0}, {a, ready, 0}, {q, query(1, "SELECT a FROM t"), 0}, {a, done(7), 0}, {q, query(7, "SELECT a FROM u"), 0}, {a, done(1), 0}}, want: []outcome{{"SELECT t", "", "", 2, 5}, {"SELECT u", "", closedError, 4, 6}}},
		{name: "events", turns: []turn{{q, startup, 0}, {a, ready, 0}, {q, events, 0}, {a, strings.Replace(ready, "\x01", "\x02", 1) + event, 0}, {a, event, 0}, {q, query(1, "SELECT a FROM t"), 0}, {a, event + done(1), 0}}, want: []outcome{{"SELECT t", "", "", 5, 6}}},
		{name: "warnings and a trace", turns: []turn{{q, query(1, "SELECT a FROM t"), 0}, {a, envelope(0x84, 0x0a, 1, 0, strings.Repeat("i", 16)+"\x00\x01\x00\x04warn"+long(0x1001)+"\x00\x04busy"), 0}}, want: []outcome{{"SELECT t", "4097", "busy", 0, 1}}},
		{name: "batch that is cut", turns: []turn{{q, envelope(4, 0, 1, 13, "\x00\x00\x02\x00"+long(24)+"INSERT INTO t(a)VALUES(1)")[:40], 20}, {a, done(1), 0}}, want: []outcome{{"BATCH", "", "", 0, 1}}},
		{name: "version 6", gaveUp: true, turns: []turn{{q, "\x06" + query(1, "SELECT a FROM t")[1:], 0}}},
		{name: "answers that are none", gaveUp: true, turns: []turn{{q, startup, 0}, {a, "HTTP/1.1 400", 0}}},
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

// TestOvertaken has an answer come before its request was told, as two threads on one connection can.
func TestOvertaken(t *testing.T) {
	var got []string
	p := cassandra.New(template.NewSQL(16), cassandra.NewPrepared(16), func(c protocol.Call) { got = append(got, c.Operation+" "+c.Resource) })
	at := time.Unix(1000, 0)
	p.Data(q, at, []byte(startup))
	p.Data(a, at, []byte(ready))
	p.Data(q, at, []byte(query(1, "SELECT a FROM t")))
	p.Data(a, at.Add(3), []byte(done(2)))
	p.Data(q, at.Add(1), []byte(query(2, "SELECT a FROM u")))
	p.Data(q, at.Add(5), []byte(query(3, "SELECT a FROM v")))
	if diff := cmp.Diff([]string{"SELECT u"}, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestTraceParent(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	var got string
	p := cassandra.New(template.NewSQL(16), cassandra.NewPrepared(16), func(c protocol.Call) { got = c.TraceParent + " " + c.Operation })
	cql := "SELECT a FROM t"
	p.Data(q, time.Unix(1, 0), []byte(envelope(4, 4, 1, 7, "\x00\x01\x00\x0btraceparent"+long(len(parent))+parent+long(len(cql))+cql+"\x00\x01\x00")))
	p.Data(a, time.Unix(2, 0), []byte(done(1)))
	if want := parent + " SELECT"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestConstants has values that only CQL knows.
func TestConstants(t *testing.T) {
	for cql, want := range map[string]string{
		"SELECT a FROM ks.t WHERE id = a23e4567-e89b-12d3-a456-426614174abc AND b1 = 0xcafe": "SELECT a FROM ks.t WHERE id = ? AND b1 = ?",
		"UPDATE t SET d = 89h4m48s, e = P1Y2M, f = 1.5e-3, m = {'k': 'v'} WHERE k = $$x$$":   "UPDATE t SET d = ?, e = ?, f = ?, m = { ? : ? } WHERE k = ?",
		"BEGIN UNLOGGED BATCH INSERT INTO t (a) VALUES (1) APPLY BATCH":                      "BEGIN UNLOGGED BATCH INSERT INTO t (a) VALUES (?) APPLY BATCH",
	} {
		var got protocol.Call
		p := cassandra.New(template.NewSQL(16), cassandra.NewPrepared(16), func(c protocol.Call) { got = c })
		p.Data(q, time.Unix(1, 0), []byte(query(1, cql)))
		p.Data(a, time.Unix(2, 0), []byte(done(1)))
		if got.Query != want || strings.HasPrefix(cql, "BEGIN") && got.Operation != "BATCH" {
			t.Errorf("%s: %s %q, want %q", cql, got.Operation, got.Query, want)
		}
	}
}

func TestRecognize(t *testing.T) {
	for in, want := range map[string][2]bool{
		options:                        {true, false},
		startup:                        {true, false},
		startup[:20]:                   {false, false},
		query(1, "SELECT a FROM t"):    {false, true},
		query(1, "anything at all"):    {false, false},
		execute(9, "0123456789abcdef"): {false, true},
		execute(9, "0123"):             {false, false},
		query(1, "SELECT a FROM t") + "\x04\x00\x00\x01\x07": {false, true},
		query(1, "SELECT a FROM t") + "GET / HTTP/1.1":       {false, false},
		query(1, "SELECT a, b, c, d, e FROM t")[:30]:         {false, true},
		done(1):                    {false, false},
		"GET / HTTP/1.1\r\n\r\n":   {false, false},
		"\x16\x03\x01\x02\x00\x01": {false, false},
		"":                         {false, false},
	} {
		if got := [2]bool{cassandra.Recognize([]byte(in)), cassandra.Resumes([]byte(in))}; got != want {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
}
