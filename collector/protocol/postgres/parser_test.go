package postgres_test

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/postgres"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

const q, a = protocol.Request, protocol.Response

func message(kind, body string) string {
	return kind + string(binary.BigEndian.AppendUint32(nil, uint32(len(body)+4))) + body
}

func query(sql string) string       { return message("Q", sql+"\x00") }
func parse(name, sql string) string { return message("P", name+"\x00"+sql+"\x00\x00\x00") }
func bind(name string) string       { return message("B", "\x00"+name+"\x00\x00\x00\x00\x00\x00\x00") }
func done(tag string) string        { return message("C", tag+"\x00") }
func failure(code, text string) string {
	return message("E", "SERROR\x00C"+code+"\x00M"+text+"\x00\x00")
}

const (
	execute  = "E\x00\x00\x00\x09\x00\x00\x00\x00\x00"
	sync     = "S\x00\x00\x00\x04"
	parsed   = "1\x00\x00\x00\x04"
	bound    = "2\x00\x00\x00\x04"
	ready    = "Z\x00\x00\x00\x05I"
	tls      = "\x00\x00\x00\x08\x04\xd2\x16\x2f"
	startup  = "\x00\x00\x00\x1e\x00\x03\x00\x00user\x00u\x00database\x00shop\x00\x00\x00"
	password = "p\x00\x00\x00\x08abc\x00"
	authOK   = "R\x00\x00\x00\x08\x00\x00\x00\x00"
)

// turn is bytes of one direction, and a hole after them.
type turn struct {
	dir  protocol.Direction
	data string
	hole int64
}

// outcome is what a test compares of a call; times are indexes of turns.
type outcome struct {
	Summary, Status, Error string
	Start, End             int
}

func run(turns []turn, closed bool) (got []outcome, ok bool) {
	epoch := time.Unix(1000, 0)
	p := postgres.New(template.NewSQL(16), func(c protocol.Call) {
		start := int(c.Start.Sub(epoch) / time.Second)
		got = append(got, outcome{c.Summary, c.Status, c.Error, start, start + int(c.Duration/time.Second)})
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

func TestParser(t *testing.T) {
	row := message("D", "\x00\x01\x00\x00\x00\x01x")
	long := "SELECT a FROM t WHERE b = '" + strings.Repeat("s", 5000) + "'"
	for _, c := range []struct {
		name   string
		turns  []turn
		closed bool
		gaveUp bool
		want   []outcome
	}{
		{name: "simple", turns: []turn{{q, query("SELECT 1; SELECT 2"), 0}, {a, row + done("SELECT 1"), 0}, {a, done("SELECT 1") + ready, 0}}, want: []outcome{{"SELECT", "", "", 0, 2}}},
		{name: "startup", turns: []turn{{q, tls, 0}, {a, "N", 0}, {q, startup, 0}, {a, authOK + ready, 0}, {q, query("BEGIN"), 0}, {a, done("BEGIN") + ready, 0}}, want: []outcome{{"BEGIN", "", "", 4, 5}}},
		{name: "startup refused", turns: []turn{{q, startup, 0}, {q, password, 0}, {a, failure("28P01", `password authentication failed for user "u"`), 0}}, want: []outcome{{"CONNECT", "28P01", `password authentication failed for user "u"`, 0, 2}}},
		{name: "extended", turns: []turn{{q, parse("", "UPDATE t SET x=$1") + bind("") + execute + sync, 0}, {a, parsed + bound + done("UPDATE 1") + ready, 0}}, want: []outcome{{"UPDATE t", "", "", 0, 1}}},
		{
			name: "prepared, then used twice", turns: []turn{{q, parse("s", "SELECT * FROM t") + sync, 0}, {a, parsed + ready, 0}, {q, bind("s") + execute + sync, 0}, {a, bound + row, 0}, {a, done("SELECT 1") + ready, 0}, {q, bind("s") + execute + sync, 0}, {a, bound + done("SELECT 0") + ready, 0}},
			want: []outcome{{"SELECT t", "", "", 2, 4}, {"SELECT t", "", "", 5, 6}},
		},
		{name: "prepared before", turns: []turn{{q, bind("old") + execute + sync, 0}, {a, bound + done("INSERT 0 1") + ready, 0}}, want: []outcome{{"INSERT", "", "", 0, 1}}},
		{
			name: "pipeline with an error", turns: []turn{{q, parse("", "INSERT INTO a VALUES (1)") + bind("") + execute + bind("") + execute + bind("") + execute + sync, 0}, {q, query("SELECT 1"), 0}, {a, parsed + bound + done("INSERT 0 1") + bound + failure("23505", "duplicate") + ready, 0}, {a, done("SELECT 1") + ready, 0}},
			want: []outcome{{"INSERT a", "", "", 0, 2}, {"INSERT a", "23505", "duplicate", 0, 2}, {"SELECT", "", "", 1, 3}},
		},
		{name: "parse fails", turns: []turn{{q, parse("s", "SELECT * FROM none") + sync, 0}, {a, failure("42P01", `relation "none" does not exist`) + ready, 0}}, want: []outcome{{"SELECT none", "42P01", `relation "none" does not exist`, 0, 1}}},
		{name: "rows in a hole, end seen", turns: []turn{{q, query("SELECT * FROM t"), 0}, {a, row, 9000}, {a, row + done("SELECT 99") + ready, 0}, {q, query("BEGIN"), 0}, {a, done("BEGIN") + ready, 0}}, want: []outcome{{"SELECT t", "", "", 0, 2}, {"BEGIN", "", "", 3, 4}}},
		{name: "rows in a hole, then an error", turns: []turn{{q, bind("x") + execute + sync, 0}, {a, row, 9000}, {a, failure("57014", "canceling") + ready, 0}}, want: []outcome{{"QUERY", "57014", "canceling", 0, 2}}},
		{name: "rows in a hole, end not seen", turns: []turn{{q, query("SELECT * FROM t"), 0}, {a, row, 9000}, {q, query("BEGIN"), 0}, {a, done("BEGIN") + ready, 0}}, want: []outcome{{"SELECT t", "", "", 0, 1}, {"BEGIN", "", "", 2, 3}}},
		{name: "query in a hole", turns: []turn{{q, query(long)[:4096], int64(len(query(long)) - 4096)}, {a, done("SELECT 1") + ready, 0}, {q, query("BEGIN"), 0}, {a, done("BEGIN") + ready, 0}}, want: []outcome{{"SELECT t", "", "", 0, 1}, {"BEGIN", "", "", 2, 3}}},
		{name: "copy in", turns: []turn{{q, query("COPY t FROM STDIN"), 0}, {a, message("G", "\x00\x00\x00"), 0}, {q, message("d", "1\t2\n") + message("c", ""), 0}, {a, done("COPY 1") + ready, 0}}, want: []outcome{{"COPY t", "", "", 0, 3}}},
		{name: "closed", closed: true, turns: []turn{{q, query("SELECT 1"), 0}}, want: []outcome{{"SELECT", "", "the connection was closed before the answer was complete", 0, 1}}},
		{name: "encrypted", gaveUp: true, turns: []turn{{q, tls, 0}, {a, "S", 0}}},
		{name: "replication", gaveUp: true, turns: []turn{{q, query("START_REPLICATION"), 0}, {a, message("W", "\x00\x00\x00"), 0}}},
		{name: "cancel", gaveUp: true, turns: []turn{{q, "\x00\x00\x00\x10\x04\xd2\x16\x2e\x00\x00\x00\x01\x00\x00\x00\x02", 0}}},
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
		startup:           {true, false},
		tls:               {true, false},
		query("SELECT 1"): {true, true},
		parse("", "x") + bind("") + execute + sync: {true, true},
		bind("x") + execute:                        {true, true},
		"B\x00\x00\x00\x04garbage":                 {false, false},
		message("T", "\x00\x00") + ready:           {false, false},
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03": {false, false}, // a TLS ClientHello
		"GET / HTTP/1.1\r\n":                       {false, false},
		"":                                         {false, false},
	} {
		if got := [2]bool{postgres.Recognize([]byte(in)), postgres.Resumes([]byte(in))}; got != want {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
}
