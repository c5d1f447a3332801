package mysql_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/mysql"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

const q, a = protocol.Request, protocol.Response

// turn is bytes of one direction, and a hole after them.
type turn struct {
	dir  protocol.Direction
	data string
	hole int64
}

func run(turns []turn, byByte bool) (got []string, ok bool) {
	epoch := time.Unix(1000, 0)
	p := mysql.New(template.NewMySQL(10), func(c protocol.Call) {
		start := int(c.Start.Sub(epoch) / time.Second)
		text := fmt.Sprintf("%s|%s %d-%d", c.Operation, c.Query, start, start+int(c.Duration/time.Second))
		if c.Namespace != "" {
			text = c.Namespace + ": " + text
		}
		if c.Failed {
			text += " " + c.ErrorType + " " + c.Error
		}
		if c.TraceParent != "" {
			text += " " + c.TraceParent
		}
		got = append(got, text)
	})
	for i, t := range turns {
		at, size := epoch.Add(time.Duration(i)*time.Second), max(len(t.data), 1)
		if byByte {
			size = 1
		}
		for b := t.data; len(b) > 0; b = b[min(size, len(b)):] {
			if t.dir == a && p.Idle() {
				continue // the tracker holds it back
			}
			if !p.Data(t.dir, at, []byte(b[:min(size, len(b))])) {
				return got, false
			}
		}
		if t.hole > 0 && !p.Hole(t.dir, at, t.hole) {
			return got, false
		}
	}
	p.Close(epoch.Add(time.Duration(len(turns)) * time.Second))
	return got, true
}

// packet is one with a body.
func packet(seq byte, body string) string {
	return string([]byte{byte(len(body)), byte(len(body) >> 8), byte(len(body) >> 16), seq}) + body
}

func command(code byte, body string) string { return packet(0, string(code)+body) }
func query(text string) string              { return command(3, text) }

// What servers answer. status 2 is that changes are committed by themselves, 8 that another result follows.
func okay(seq byte, status byte) string {
	return packet(seq, "\x00\x01\x00"+string([]byte{status, 0, 0, 0}))
}

func eof(seq byte, status byte) string { return packet(seq, "\xfe\x00\x00"+string([]byte{status, 0})) }

func okEnd(seq byte, status byte) string {
	return packet(seq, "\xfe\x00\x00"+string([]byte{status, 0, 0, 0}))
}

func column(seq byte, name string) string {
	return packet(seq, "\x03def\x04shop\x01t\x01t"+string(byte(len(name)))+name+name)
}

func failure(seq byte) string { return packet(seq, "\xff\x7a\x04#42S02Table 'shop.x' doesn't exist") }

// rowsBefore is a result as it was before MySQL 5.7.5, rowsSince one as it is since then.
func rowsBefore(seq byte, status byte, rows ...string) string {
	out := packet(seq, "\x01") + column(seq+1, "name") + eof(seq+2, 2)
	for i, r := range rows {
		out += packet(seq+3+byte(i), string(byte(len(r)))+r)
	}
	return out + eof(seq+3+byte(len(rows)), status)
}

func rowsSince(seq byte, status byte, rows ...string) string {
	out := packet(seq, "\x01") + column(seq+1, "name")
	for i, r := range rows {
		out += packet(seq+2+byte(i), string(byte(len(r)))+r)
	}
	return out + okEnd(seq+2+byte(len(rows)), status)
}

// prepared answers a PREPARE with a parameter and a column.
func prepared(id byte) string {
	return packet(1, "\x00"+string([]byte{id, 0, 0, 0})+"\x01\x00\x01\x00\x00\x00\x00") + column(2, "?") + eof(3, 2) + column(4, "name") + eof(5, 2)
}

func execute(id byte) string {
	return command(0x17, string([]byte{id, 0, 0, 0})+"\x00\x01\x00\x00\x00\x00\x01\x0f\x00\x06secret")
}

// response is what a client answers to the greeting.
func response(capabilities uint32, database string) string {
	b := binary.LittleEndian.AppendUint32(nil, capabilities)
	b = binary.LittleEndian.AppendUint32(b, 1<<24)
	b = append(append(b, 45), make([]byte, 23)...)
	return packet(1, string(b)+"root\x00\x06secret"+database+"\x00mysql_native_password\x00")
}

// trace is what a query's attribute says, traced the attributes with it.
const (
	trace  = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	traced = "\x02\x01\x00\x01\xfe\x00\x03who\xfe\x00\x0btraceparent\x06secret\x37" + trace
)

// numbered are n packets with the same body.
func numbered(first, n int, body string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(packet(byte(first+i), body))
	}
	return b.String()
}

const (
	usual    = 1<<9 | 1<<15 | 1<<19
	database = 1 << 3
	compress = 1 << 5
	tls      = 1 << 11
)

// packed is a packet as it is sent when they are packed.
func packed(t testing.TB, seq byte, inner string, really bool) string {
	t.Helper()
	body, size := inner, 0
	if really {
		var out bytes.Buffer
		z := zlib.NewWriter(&out)
		if _, err := z.Write([]byte(inner)); err != nil || z.Close() != nil {
			t.Fatal(err)
		}
		body, size = out.String(), len(inner)
	}
	return string([]byte{byte(len(body)), byte(len(body) >> 8), 0, seq, byte(size), byte(size >> 8), byte(size >> 16)}) + body
}

func TestParser(t *testing.T) {
	long := strings.Repeat("x", 200)
	many := strings.Repeat("many rows ", 300)
	for name, c := range map[string]struct {
		turns  []turn
		want   []string
		gaveUp bool
		whole  bool // it takes whole transfers to find the way back
	}{
		"one by one":                       {turns: []turn{{q, query("SELECT name FROM carts WHERE id = 7"), 0}, {a, rowsBefore(1, 2, "a", "b"), 0}, {q, query("DELETE FROM carts WHERE name = \"secret\""), 0}, {a, okay(1, 2), 0}}, want: []string{"SELECT|SELECT name FROM carts WHERE id = ? 0-1", "DELETE|DELETE FROM carts WHERE name = ? 2-3"}},
		"as since 5.7.5":                   {turns: []turn{{q, query("SELECT name FROM carts"), 0}, {a, rowsSince(1, 2, "a", "def", "c"), 0}, {q, query("SELECT 1"), 0}, {a, rowsSince(1, 2), 0}}, want: []string{"SELECT|SELECT name FROM carts 0-1", "SELECT|SELECT ? 2-3"}},
		"of 16 MiB":                        {turns: []turn{{q, "\xff\xff\xff\x00\x03INSERT INTO carts VALUES ('a", 1<<24 - 1 - 29}, {q, packet(1, "b')"), 0}, {a, okay(2, 2), 0}, {q, query("SELECT 1"), 0}, {a, rowsSince(1, 2), 0}}, want: []string{"INSERT|INSERT INTO carts VALUES (? 0-2", "SELECT|SELECT ? 3-4"}},
		"of 16 MiB, the rest unseen":       {whole: true, turns: []turn{{q, "\xff\xff\xff\x00\x03INSERT INTO carts VALUES ('a", 40 << 20}, {a, okay(3, 2), 0}, {q, query("SELECT 1"), 0}, {a, rowsSince(1, 2), 0}}, want: []string{"INSERT|INSERT INTO carts VALUES (? 0-1", "SELECT|SELECT ? 2-3"}},
		"a packet is missing":              {turns: []turn{{q, query("SELECT 1"), 0}, {a, packet(1, "\x01") + column(2, "n") + packet(4, "\x01a") + okEnd(5, 2), 0}, {q, query("SELECT 2"), 0}, {a, rowsSince(1, 2), 0}}, want: []string{"SELECT|SELECT ? 2-3"}},
		"no answer":                        {turns: []turn{{q, query("SELECT 1"), 0}, {a, packet(1, "\x01garbage"), 0}, {q, query("SELECT 2"), 0}, {a, rowsSince(1, 2), 0}}, want: []string{"SELECT|SELECT ? 2-3"}},
		"no answer among several":          {turns: []turn{{q, query("SELECT 1") + query("SELECT 2"), 0}, {a, packet(1, "\x01garbage"), 0}}, gaveUp: true},
		"many rows":                        {turns: []turn{{q, query("SELECT 1"), 0}, {a, packet(1, "\x01") + column(2, "n") + numbered(3, 600, "\x01a") + okEnd(603%256, 2), 0}, {q, query("SELECT 2"), 0}, {a, rowsSince(1, 2), 0}}, want: []string{"SELECT|SELECT ? 0-1", "SELECT|SELECT ? 2-3"}},
		"one after the other, two at once": {turns: []turn{{q, query("SELECT 1") + query("DELETE FROM carts"), 0}, {a, rowsSince(1, 2, "a") + okay(1, 2), 0}}, want: []string{"SELECT|SELECT ? 0-1", "DELETE|DELETE FROM carts 0-1"}},
		"two at once, one in a hole":       {turns: []turn{{q, query("SELECT 1") + query("DELETE FROM carts"), 0}, {a, packet(1, "\x01"), 500}, {q, query("SELECT 2"), 0}}, gaveUp: true},
		"a failure":                        {turns: []turn{{q, query("SELECT * FROM x"), 0}, {a, failure(1), 0}}, want: []string{"SELECT|SELECT * FROM x 0-1 1146 Table '?' doesn't exist"}},
		"a failure among rows":             {turns: []turn{{q, query("SELECT * FROM x"), 0}, {a, packet(1, "\x01") + column(2, "n") + eof(3, 2) + packet(4, "\x01a") + failure(5), 0}}, want: []string{"SELECT|SELECT * FROM x 0-1 1146 Table '?' doesn't exist"}},
		"several results":                  {turns: []turn{{q, query("CALL report()"), 0}, {a, rowsBefore(1, 2|8, "a"), 0}, {a, rowsBefore(6, 2|8), 0}, {a, okay(10, 2), 0}}, want: []string{"CALL|CALL report() 0-3"}},
		"prepared":                         {turns: []turn{{q, command(0x16, "SELECT name FROM carts WHERE id = ?"), 0}, {a, prepared(9), 0}, {q, execute(9), 0}, {a, rowsBefore(1, 2, "a"), 0}, {q, command(0x19, "\x09\x00\x00\x00") + execute(9), 0}, {a, failure(1), 0}}, want: []string{"SELECT|SELECT name FROM carts WHERE id = ? 2-3", "EXECUTE| 4-5 1146 Table '?' doesn't exist"}},
		"prepared in vain":                 {turns: []turn{{q, command(0x16, "SELECT name FROM x"), 0}, {a, failure(1), 0}}, want: []string{"PREPARE|SELECT name FROM x 0-1 1146 Table '?' doesn't exist"}},
		"a cursor":                         {turns: []turn{{q, execute(1), 0}, {a, packet(1, "\x01") + column(2, "n") + eof(3, 0x42), 0}, {q, command(0x1c, "\x01\x00\x00\x00\x0a\x00\x00\x00"), 0}, {a, packet(1, "\x00\x00a") + packet(2, "\x00\x00b") + eof(3, 0x82), 0}}, want: []string{"EXECUTE| 0-1", "FETCH| 2-3"}},
		"a file":                           {turns: []turn{{q, query("LOAD DATA LOCAL INFILE 'x' INTO TABLE carts"), 0}, {a, packet(1, "\xfbx"), 0}, {q, packet(2, "1,secret\n") + packet(3, ""), 0}, {a, okay(4, 2), 0}, {q, query("SELECT 1"), 0}, {a, rowsSince(1, 2), 0}}, want: []string{"LOAD|LOAD DATA LOCAL INFILE ? INTO TABLE carts 0-3", "SELECT|SELECT ? 4-5"}},
		"a long file":                      {turns: []turn{{q, query("LOAD DATA LOCAL INFILE 'x' INTO TABLE carts"), 0}, {a, packet(1, "\xfbx"), 0}, {q, numbered(2, 400, "\x03SELECT 'secret'\n") + packet(146, ""), 0}, {a, okay(147, 2), 0}, {q, query("SELECT 1"), 0}, {a, rowsSince(1, 2), 0}}, want: []string{"LOAD|LOAD DATA LOCAL INFILE ? INTO TABLE carts 0-3", "SELECT|SELECT ? 4-5"}},
		"a file in a hole":                 {whole: true, turns: []turn{{q, query("LOAD DATA LOCAL INFILE 'x' INTO TABLE carts"), 0}, {a, packet(1, "\xfbx"), 0}, {q, packet(2, "1,secret\n"), 5000}, {q, packet(9, ""), 0}, {a, okay(10, 2), 0}, {q, query("SELECT 1"), 0}, {a, rowsSince(1, 2), 0}}, want: []string{"LOAD|LOAD DATA LOCAL INFILE ? INTO TABLE carts 0-4", "SELECT|SELECT ? 5-6"}},
		"no calls":                         {turns: []turn{{q, command(0x0e, ""), 0}, {a, okay(1, 2), 0}, {q, command(0x09, ""), 0}, {a, packet(1, "Uptime: 1"), 0}, {q, command(0x1f, ""), 0}, {a, okay(1, 2), 0}, {q, command(0x01, ""), 0}}},
		"logs in":                          {turns: []turn{{q, response(usual|database, "shop"), 0}, {a, packet(2, "\xfemysql_clear_password\x00"), 0}, {q, packet(3, "secret\x00"), 0}, {a, okay(4, 2), 0}, {q, query("SELECT 1"), 0}, {a, rowsSince(1, 2), 0}}, want: []string{"shop: SELECT|SELECT ? 4-5"}},
		"cannot log in":                    {turns: []turn{{q, response(usual, ""), 0}, {a, packet(2, "\xff\x15\x04#28000Access denied for user 'root'@'localhost' (using password: YES)"), 0}}, want: []string{"CONNECT| 0-1 1045 Access denied for user '?' (using password: YES)"}},
		"goes to another database":         {turns: []turn{{q, command(2, "shop"), 0}, {a, okay(1, 2), 0}, {q, query("USE `other`"), 0}, {a, okay(1, 2), 0}, {q, query("SELECT 1"), 0}, {a, rowsSince(1, 2), 0}}, want: []string{"USE| 0-1", "shop: USE|USE other 2-3", "other: SELECT|SELECT ? 4-5"}},
		"goes on encrypted":                {turns: []turn{{q, packet(1, response(usual|tls, "")[4:36]), 0}}, gaveUp: true},
		"replicates":                       {turns: []turn{{q, command(0x12, "\x04\x00\x00\x00"), 0}}, gaveUp: true},
		"with a trace":                     {turns: []turn{{q, command(3, traced+"SELECT 1"), 0}, {a, rowsSince(1, 2), 0}}, want: []string{"SELECT|SELECT ? 0-1 " + trace}},
		"executed with a trace":            {turns: []turn{{q, command(0x17, "\x09\x00\x00\x00\x08\x01\x00\x00\x00"+"\x02\x00\x01\x03\x00\x00\xfe\x00\x0btraceparent\x07\x00\x00\x00\x37"+trace), 0}, {a, rowsSince(1, 2), 0}}, want: []string{"EXECUTE| 0-1 " + trace}},
		"with attributes cut off":          {turns: []turn{{q, query("SELECT 1"), 0}, {a, rowsSince(1, 2), 0}, {q, command(3, traced[:40]), 0}, {a, rowsSince(1, 2), 0}}, want: []string{"SELECT|SELECT ? 0-1", "QUERY| 2-3"}},
		"escapes unknown":                  {turns: []turn{{q, query(`SELECT '\', 'secret'`), 0}, {a, rowsSince(1, 2), 0}, {q, query(`SELECT '\'', 1`), 0}, {a, rowsSince(1, 2), 0}}, want: []string{"SELECT|SELECT ? 0-1", "SELECT|SELECT ?, ? 2-3"}},
		"no escapes":                       {turns: []turn{{q, query("SET sql_mode = 'x'"), 0}, {a, packet(1, "\x00\x00\x00\x02\x02\x00\x00"), 0}, {q, query(`SELECT '\', 'secret'`), 0}, {a, rowsSince(1, 2), 0}}, want: []string{"SET|SET sql_mode = ? 0-1", "SELECT|SELECT ? 2-3"}},
		"executed before the answer":       {turns: []turn{{q, command(0x16, "SELECT name FROM carts") + execute(0xff)[:5] + "\xff\xff\xff\xff" + execute(0xff)[9:], 0}, {a, prepared(9), 0}, {a, rowsBefore(1, 2, "a"), 0}}, want: []string{"SELECT|SELECT name FROM carts 0-2"}},
		"a failure behind a hole":          {whole: true, turns: []turn{{q, query("SELECT * FROM x"), 0}, {a, packet(1, "\x01") + column(2, "n"), 500}, {a, "garbage" + failure(9), 0}}, want: []string{"SELECT|SELECT * FROM x 0-2 1146 Table '?' doesn't exist"}},
		"with attributes":                  {turns: []turn{{q, query("\x00\x01SELECT 1"), 0}, {a, rowsSince(1, 2), 0}}, want: []string{"SELECT|SELECT ? 0-1"}},
		"rows in a hole":                   {turns: []turn{{q, query("SELECT 1"), 0}, {a, packet(1, "\x01") + column(2, "n"), 500}, {a, "garbage" + eof(9, 2), 0}, {q, query("SELECT 2"), 0}, {a, rowsBefore(1, 2), 0}}, want: []string{"SELECT|SELECT ? 0-2", "SELECT|SELECT ? 3-4"}},
		"the end in a hole":                {turns: []turn{{q, query("SELECT 1"), 0}, {a, packet(1, "\x01") + column(2, "n"), 500}, {q, query("SELECT 2"), 0}, {a, rowsBefore(1, 2), 0}}, want: []string{"SELECT|SELECT ? 0-1", "SELECT|SELECT ? 2-3"}},
		"a row in a hole":                  {turns: []turn{{q, query("SELECT 1"), 0}, {a, packet(1, "\x01") + column(2, "n") + eof(3, 2) + packet(4, "\xc8"+long)[:50], 155}, {a, eof(5, 2), 0}}, want: []string{"SELECT|SELECT ? 0-2"}},
		"a query in a hole":                {turns: []turn{{q, query("SELECT 'secret" + long)[:30], 200 + 5 + 14 - 30}, {a, okay(1, 2), 0}}, want: []string{"SELECT|SELECT ? 0-1"}},
		"closed while several are answered in a hole": {turns: []turn{{q, query("SELECT 1") + query("SELECT 2"), 0}, {a, packet(1, "\x01"), 500}}},
		"closed":                      {turns: []turn{{q, query("SELECT 1"), 0}, {a, packet(1, "\x01"), 0}}, want: []string{"SELECT|SELECT ? 0-2 connection_closed the connection was closed before the answer was complete"}},
		"answers to what came before": {turns: []turn{{a, rowsBefore(1, 2, "a"), 0}, {q, query("SELECT 1"), 0}, {a, rowsBefore(1, 2), 0}}, want: []string{"SELECT|SELECT ? 1-2"}},
		"the end of one before":       {turns: []turn{{q, query("SELECT 1"), 0}, {a, eof(9, 2) + rowsBefore(1, 2), 0}}, want: []string{"SELECT|SELECT ? 0-1"}},
		"packed":                      {turns: []turn{{q, response(usual|compress, ""), 0}, {a, okay(2, 2), 0}, {q, packed(t, 0, query("SELECT 1"), false), 0}, {a, packed(t, 1, rowsBefore(1, 2, many[:100], many[:90]), true), 0}, {q, packed(t, 0, query("SELECT 2"), true), 0}, {a, packed(t, 1, failure(1), false), 0}}, want: []string{"SELECT|SELECT ? 2-3", "SELECT|SELECT ? 4-5 1146 Table '?' doesn't exist"}},
	} {
		for _, byByte := range []bool{false, true} {
			if byByte && c.whole {
				continue
			}
			got, ok := run(c.turns, byByte)
			if byByte && name == "rows in a hole" {
				c.want = []string{"SELECT|SELECT ? 0-2", "SELECT|SELECT ? 3-4"}
			}
			if diff := cmp.Diff(c.want, got); diff != "" || ok == c.gaveUp {
				t.Errorf("%s, byte by byte %t: gave up: %t; commands (-want +got):\n%s", name, byByte, !ok, diff)
			}
		}
	}
}

// TestMessages: of what the server quotes nothing is kept, whatever quotes it has.
func TestMessages(t *testing.T) {
	for said, want := range map[string]string{
		"Table 'shop.x' doesn't exist":                                   "Table '?' doesn't exist",
		"Duplicate entry 'it's a secret' for key 'carts.PRIMARY'":        "Duplicate entry '?'",
		"You have an error in your SQL syntax; near ''secret' at line 1": "You have an error in your SQL syntax; near '?' at line ?",
		"Unknown column 'secret":                                         "Unknown column '?'",
		"Out of range value for column at row 12":                        "Out of range value for column at row ?",
		"near 'a" + strings.Repeat("x", 2000) + "' at 'b' secret":        "near '?'",
		"Incorrect string value: '\xF0\x9F' for column 'don't' at row 1": "Incorrect string value: '?' at row ?",
	} {
		got, _ := run([]turn{{q, query("SELECT 1"), 0}, {a, packet(1, "\xff\x7a\x04#42S02"+said), 0}}, false)
		if len(got) != 1 || got[0] != "SELECT|SELECT ? 0-1 1146 "+want {
			t.Errorf("%.80s: %q", said, got)
		}
	}
}

func TestRecognize(t *testing.T) {
	for in, want := range map[string][2]bool{
		response(usual, ""):                                       {true, false},
		response(usual|tls, "")[:36]:                              {false, false}, // its length says more
		packet(1, response(usual|tls, "")[4:36]):                  {true, false},
		query("SELECT 1"):                                         {false, true},
		query("hello there"):                                      {false, false},
		command(0x16, "UPDATE carts SET n = ?"):                   {false, true},
		execute(1):                                                {false, true},
		command(3, traced+"SELECT 1"):                             {false, true},
		command(0x17, "\x09\x00\x00\x00\x08\x01\x00\x00\x00\x00"): {false, true},
		command(0x0e, ""):                                         {false, true},
		command(0x0e, "x"):                                        {false, false},
		packed(t, 0, query("SELECT 1"), false):                    {false, true},
		packed(t, 0, query("SELECT 1"), true):                     {false, true},
		packed(t, 0, "no command at all", true):                   {false, false},
		okay(1, 2):                                                {false, false},
		rowsSince(1, 2, "SELECT"):                                 {false, false},
		"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n":            {false, false},
		"": {false, false},
	} {
		if got := [2]bool{mysql.Recognize([]byte(in)), mysql.Resumes([]byte(in))}; got != want {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
}

// TestPreparedInPieces: the end of an answer may come with the next transfer, when the answer was told already.
func TestPreparedInPieces(t *testing.T) {
	answer := prepared(9)
	for cut := 1; cut < len(answer); cut++ {
		got, ok := run([]turn{{q, command(0x16, "SELECT name FROM carts"), 0}, {a, answer[:cut], 0}, {a, answer[cut:], 0}, {q, execute(9), 0}, {a, rowsBefore(1, 2, "a"), 0}}, false)
		if diff := cmp.Diff([]string{"SELECT|SELECT name FROM carts 3-4"}, got); diff != "" || !ok {
			t.Fatalf("after %d: gave up: %t; (-want +got):\n%s", cut, !ok, diff)
		}
	}
}

// TestLongPacked: of what is compressed to more than is copied, the beginning is read.
func TestLongPacked(t *testing.T) {
	random := make([]byte, 20_000)
	for i := range random {
		random[i] = "0123456789abcdef"[rand.IntN(16)]
	}
	insert := query("INSERT INTO carts VALUES ('" + string(random) + "')")
	asked, answered := packed(t, 0, insert, true), packed(t, 1, failure(1), true)
	got, ok := run([]turn{
		{q, response(usual|compress, ""), 0},
		{a, okay(2, 2), 0},
		{q, asked[:4096], int64(len(asked)) - 4096 - 128},
		{q, asked[len(asked)-128:], 0},
		{a, answered, 0},
		{q, packed(t, 0, query("SELECT 1"), true), 0},
		{a, packed(t, 1, rowsSince(1, 2), true), 0},
	}, false)
	want := []string{"INSERT|INSERT INTO carts VALUES (? 2-4 1146 Table '?' doesn't exist", "SELECT|SELECT ? 5-6"}
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("gave up: %t; (-want +got):\n%s", !ok, diff)
	}
}

// TestHeadsByThemselves: MariaDB reads the head of each packet by itself.
func TestHeadsByThemselves(t *testing.T) {
	for name, request := range map[string]string{"plain": query("SELECT 1"), "packed": packed(t, 0, query("SELECT 1"), true)} {
		head, answer := 4, rowsSince(1, 2)
		if name == "packed" {
			head, answer = 7, packed(t, 1, rowsSince(1, 2), true)
		}
		got, ok := run([]turn{{q, request[:head], 0}, {q, request[head:], 0}, {a, answer, 0}, {q, request[:head], 0}, {q, request[head:], 0}, {a, answer, 0}}, false)
		if diff := cmp.Diff([]string{"SELECT|SELECT ? 0-2", "SELECT|SELECT ? 3-5"}, got); diff != "" || !ok {
			t.Errorf("%s: gave up: %t; (-want +got):\n%s", name, !ok, diff)
		}
	}
}

func FuzzParser(f *testing.F) {
	f.Add([]byte(query("SELECT 1")+command(0x16, "SELECT ?")+execute(9)), []byte(rowsBefore(1, 2, "a")+prepared(9)+rowsSince(1, 2)), uint8(20), uint16(0))
	f.Add([]byte(response(usual|compress|database, "shop")+packed(f, 0, query("SELECT 1"), true)), []byte(okay(2, 2)+packed(f, 1, failure(1), false)), uint8(63), uint16(0))
	f.Add([]byte(query("SELECT 1")), []byte(rowsBefore(1, 10, "a")), uint8(63), uint16(9))
	f.Add([]byte(command(3, traced+"LOAD DATA LOCAL INFILE 'x' INTO TABLE t")+packet(2, "a")+packet(3, "")), []byte(packet(1, "\xfbx")+okay(4, 2)), uint8(63), uint16(0))
	f.Fuzz(func(t *testing.T, request, answer []byte, cut uint8, hole uint16) {
		sql := template.NewMySQL(10)
		protocoltest.Fuzz(t, request, answer, cut, hole, func(emit func(protocol.Call)) protocol.Parser { return mysql.New(sql, emit) })
	})
}
