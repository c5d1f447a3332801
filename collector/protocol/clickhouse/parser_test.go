package clickhouse_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/clickhouse"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

const q, a = protocol.Request, protocol.Response

const revision = 54460

func encode(write func(b *proto.Buffer)) string {
	var b proto.Buffer
	write(&b)
	return string(b.Buf)
}

func query(text string) string { return queryOf(text, revision) }

func queryOf(text string, revision int) string {
	return encode(func(b *proto.Buffer) {
		proto.Query{ID: "0f", Body: text, Compression: proto.CompressionDisabled, Info: proto.ClientInfo{
			ProtocolVersion: revision, Interface: proto.InterfaceTCP, Query: proto.ClientQueryInitial, InitialUser: "bob", InitialAddress: "127.0.0.1:0", ClientName: "test",
		}, Settings: []proto.Setting{{Key: "max_threads", Value: "2"}}}.EncodeAware(b, revision)
		proto.ClientCodeData.Encode(b)
		b.PutString("")
		proto.BlockInfo{BucketNum: -1}.Encode(b)
		b.PutInt(0)
		b.PutInt(0)
	})
}

func exception(code int, text string) string {
	return encode(func(b *proto.Buffer) {
		proto.ServerCodeException.Encode(b)
		(&proto.Exception{Code: proto.Error(code), Name: "DB::Exception", Message: text, Stack: "0. stack"}).EncodeAware(b, revision)
	})
}

// data is a block of one column, of one row.
func data(kind, value string) string {
	return encode(func(b *proto.Buffer) {
		proto.ServerCodeData.Encode(b)
		b.PutString("")
		proto.BlockInfo{BucketNum: -1}.Encode(b)
		b.PutInt(1)
		b.PutInt(1)
		b.PutString("c")
		b.PutString(kind)
		b.PutByte(0)
		b.PutRaw([]byte(value))
	})
}

var (
	hello = encode(func(b *proto.Buffer) {
		proto.ClientHello{Name: "test", Major: 1, ProtocolVersion: revision, Database: "shop", User: "bob", Password: "swordfish"}.Encode(b)
	})
	greeting = encode(func(b *proto.Buffer) {
		(&proto.ServerHello{Name: "ClickHouse", Major: 26, Revision: 54479, Timezone: "UTC", DisplayName: "x", Patch: 1}).EncodeAware(b, revision)
	})
	progress = encode(func(b *proto.Buffer) {
		proto.ServerCodeProgress.Encode(b)
		proto.Progress{Rows: 1, Bytes: 300}.EncodeAware(b, revision)
	})
)

const (
	added = "\x00" // quota key
	ping  = "\x04"
	pong  = "\x04"
	end   = "\x05"
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
	p := clickhouse.New(template.NewSQL(16), func(c protocol.Call) {
		start := int(c.Start.Sub(epoch) / time.Second)
		got = append(got, outcome{strings.Join(strings.Fields(c.Operation+" "+c.Resource+" "+c.Namespace), " "), c.Status, c.Error, start, start + int(c.Duration/time.Second)})
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
	const closedError = "the connection was closed before the answer was complete"
	login := []turn{{q, hello, 0}, {a, greeting, 0}, {q, added, 0}}
	long := query("INSERT INTO t VALUES ('" + strings.Repeat("swordfish", 900) + "')")
	number := data("UInt64", "\x05\x00\x00\x00\x00\x00\x00\x05")
	strange := data("Array(UInt8)", "\x01\x00\x00\x00\x00\x00\x00\x00\x05")
	for _, c := range []struct {
		name   string
		turns  []turn // after login, unless met
		met    bool   // half-way
		closed bool
		gaveUp bool
		want   []outcome
	}{
		{name: "one by one", turns: []turn{{q, query("SELECT a FROM t"), 0}, {a, number, 0}, {a, progress + end, 0}, {q, ping, 0}, {a, pong, 0}, {q, query("SELECT a FROM u"), 0}, {a, end, 0}}, want: []outcome{{"SELECT t shop", "", "", 3, 5}, {"SELECT u shop", "", "", 8, 9}}},
		{name: "data that ends with what an end is", closed: true, turns: []turn{{q, query("SELECT a FROM t"), 0}, {a, number, 0}}, want: []outcome{{"SELECT t shop", "", closedError, 3, 5}}},
		{name: "blocks of no known length", turns: []turn{{q, query("SELECT a FROM t"), 0}, {a, strange, 0}, {a, number, 0}, {q, query("SELECT a FROM u"), 0}, {a, strange, 0}, {a, "rest" + progress + end, 0}}, want: []outcome{{"SELECT t shop", "", "", 3, 5}, {"SELECT u shop", "", "", 6, 8}}},
		{name: "exceptions", turns: []turn{{q, query("SELECT a FROM t"), 0}, {a, exception(241, "DB::Exception: Memory limit exceeded: would use 2 GiB: while executing 'x'"), 0}, {q, query("SELEC secret"), 0}, {a, exception(62, "DB::Exception: Syntax error: failed at position 1 (SELEC) (line 1, col 1): SELEC secret. Expected one of"), 0}, {q, query("SELECT a FROM u"), 0}, {a, strange, 0}, {a, exception(395, "DB::Exception: 'secret'"), 0}}, want: []outcome{{"SELECT t shop", "241", "Memory limit exceeded: would use ? GiB", 3, 4}, {"SELEC shop", "62", "Syntax error: failed at position ?", 5, 6}, {"SELECT u shop", "395", "'?'", 7, 9}}},
		{name: "insert", turns: []turn{{q, query("INSERT INTO t VALUES"), 0}, {a, number, 0}, {q, "\x02\x00" + strings.Repeat("\x01", 100), 5000}, {q, "\x02\x00...", 0}, {a, end, 0}, {q, query("SELECT a FROM u"), 0}, {a, end, 0}}, want: []outcome{{"INSERT t shop", "", "", 3, 7}, {"SELECT u shop", "", "", 8, 9}}},
		{name: "insert that fails meanwhile", turns: []turn{{q, query("INSERT INTO t VALUES"), 0}, {a, exception(60, "no"), 0}, {q, "\x02\x00...", 0}, {q, query("SELECT a FROM u"), 0}, {a, end, 0}}, want: []outcome{{"INSERT t shop", "60", "no", 3, 4}, {"SELECT u shop", "", "", 6, 7}}},
		{name: "statement in a hole", turns: []turn{{q, long[:4096], int64(len(long) - 4096)}, {a, end, 0}, {q, query("SELECT a FROM u"), 0}, {a, end, 0}}, want: []outcome{{"INSERT t shop", "", "", 3, 4}, {"SELECT u shop", "", "", 5, 6}}},
		{name: "answer in a hole", turns: []turn{{q, query("SELECT a FROM t"), 0}, {a, number[:20], 5000}, {a, "rest" + progress + end, 0}, {q, query("SELECT a FROM t"), 0}, {a, number[:20], 5000}, {q, query("SELECT a FROM u"), 0}, {a, end, 0}}, want: []outcome{{"SELECT t shop", "", "", 3, 5}, {"SELECT t shop", "", "", 6, 7}, {"SELECT u shop", "", "", 8, 9}}},
		{name: "use", turns: []turn{{q, query("USE `sales`"), 0}, {a, end, 0}, {q, query("SELECT a FROM t"), 0}, {a, end, 0}, {q, query("USE nowhere"), 0}, {a, exception(81, "no"), 0}, {q, query("SELECT a FROM t"), 0}, {a, end, 0}}, want: []outcome{{"USE shop", "", "", 3, 4}, {"SELECT t sales", "", "", 5, 6}, {"USE sales", "81", "no", 7, 8}, {"SELECT t sales", "", "", 9, 10}}},
		{name: "use that is not plain", turns: []turn{{q, query("-- secret\nUSE sales"), 0}, {a, end, 0}, {q, query("SELECT a FROM t"), 0}, {a, end, 0}}, want: []outcome{{"USE shop", "", "", 3, 4}, {"SELECT t", "", "", 5, 6}}},
		{name: "closed", closed: true, turns: []turn{{q, query("SELECT a FROM t"), 0}, {a, number[:20], 0}}, want: []outcome{{"SELECT t shop", "", closedError, 3, 5}}},
		{name: "cancelled", turns: []turn{{q, query("SELECT a FROM t"), 0}, {a, progress, 0}, {q, "\x03", 0}, {a, exception(394, "Query was cancelled"), 0}}, want: []outcome{{"SELECT t shop", "394", "Query was cancelled", 3, 6}}},
		{name: "login refused", met: true, turns: []turn{{q, hello, 0}, {a, exception(516, "bob: Authentication failed"), 0}}, want: []outcome{{"CONNECT shop", "516", "", 0, 1}}},
		{name: "met half-way", met: true, turns: []turn{{q, query("SELECT a FROM t"), 0}, {a, progress, 0}, {a, end, 0}, {q, query("SELECT a FROM u"), 0}, {a, exception(60, "no"), 0}}, want: []outcome{{"SELECT t", "", "", 0, 2}, {"SELECT u", "60", "no", 3, 4}}},
		{name: "chunked", gaveUp: true, turns: []turn{{q, "\x80\x01\x00\x00" + query("SELECT a FROM t"), 0}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			turns := c.turns
			if !c.met {
				turns = append(login[:len(login):len(login)], turns...)
			}
			got, ok := run(turns, c.closed)
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
		hello:                                      {true, false},
		hello[:20]:                                 {false, false},
		hello + "x":                                {false, false},
		query("SELECT a FROM t"):                   {false, true},
		queryOf("SELECT a FROM t", 54449):          {false, true},
		queryOf("WITH 1 AS a SELECT a", 54442):     {false, true},
		query("nothing that ClickHouse knows"):     {false, false},
		query("SELECT a FROM t")[:60]:              {false, false},
		query(strings.Repeat("SELECT ", 99))[:200]: {false, true},
		greeting:                 {false, false},
		exception(60, "no"):      {false, false},
		progress + end:           {false, false},
		data("UInt8", "1"):       {false, false},
		"GET / HTTP/1.1\r\n\r\n": {false, false},
		"":                       {false, false},
	} {
		if got := [2]bool{clickhouse.Recognize([]byte(in)), clickhouse.Resumes([]byte(in))}; got != want {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
}

// TestValuesStay: a backslash before a quote goes on with the value.
func TestValuesStay(t *testing.T) {
	var got []string
	p := clickhouse.New(template.NewSQL(16), func(c protocol.Call) { got = append(got, c.Query) })
	for _, b := range []struct {
		d    protocol.Direction
		data string
	}{{q, hello}, {a, greeting}, {q, added}, {q, query(`SELECT a FROM t WHERE b = 'it\'s secret' AND c = 'd'`)}, {a, end}} {
		if !p.Data(b.d, time.Unix(1, 0), []byte(b.data)) {
			t.Fatal("gave up")
		}
	}
	if want := []string{"SELECT a FROM t WHERE b = ?"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
