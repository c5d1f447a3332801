package clickhouse_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	client "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/trace"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/clickhouse"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
	"github.com/midwatch/midwatch/collector/protocol/template"
	"github.com/midwatch/midwatch/deploy/clickhouse/clickhousetest"
)

// plain is an address where the server of this test binary speaks without TLS.
func plain(t testing.TB) string {
	t.Helper()
	server := clickhousetest.Shared(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go pass(c, server)
		}
	}()
	return l.Addr().String()
}

func pass(c net.Conn, server *clickhousetest.Server) {
	defer c.Close()
	s, err := tls.Dial("tcp", server.Address, server.TLS)
	if err != nil {
		return
	}
	defer s.Close()
	go func() {
		_, _ = io.Copy(s, c)
		s.Close()
	}()
	_, _ = io.Copy(c, s)
}

// record has the real client talk to the real server, and returns what they said.
func record(t testing.TB, method client.CompressionMethod) []protocoltest.Conversation {
	t.Helper()
	var r protocoltest.Recorder
	address := plain(t)
	c, err := client.Open(&client.Options{
		Addr: []string{address}, Auth: client.Auth{Database: "default", Username: "default"},
		Compression: &client.Compression{Method: method}, MaxOpenConns: 1,
		DialContext: func(ctx context.Context, addr string) (net.Conn, error) { return r.DialContext(ctx, "tcp", addr) },
	})
	if err != nil {
		t.Fatal(err)
	}
	use(t, c)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	return r.Conversations()
}

func use(t testing.TB, c client.Conn) {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	must(c.Ping(ctx))
	must(c.Exec(ctx, "DROP TABLE IF EXISTS items"))
	must(c.Exec(ctx, "CREATE TABLE items (id UInt32, name String, tags Map(String, Array(String))) ENGINE = Memory"))
	b, err := c.PrepareBatch(ctx, "INSERT INTO items")
	must(err)
	for i := range 3000 {
		must(b.Append(uint32(i), strings.Repeat("swordfish", i%7), map[string][]string{"a": {"swordfish"}}))
	}
	must(b.Send())
	count(t, c, trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1, 2, 15: 3}, SpanID: trace.SpanID{4, 7: 5}, TraceFlags: 1})),
		"SELECT id, name FROM items WHERE name != 'swordfish' OR id > 7")
	must(c.Ping(ctx))
	count(t, c, ctx, "SELECT tags FROM items LIMIT 17")
	count(t, c, ctx, "SELECT tags, id FROM items")
	if c.Exec(ctx, "SELECT * FROM missing WHERE name = 'swordfish'") == nil {
		t.Error("a table that is missing was found")
	}
	if c.Exec(ctx, "SELECT throwIf(number = 3) FROM numbers(10)") == nil {
		t.Error("no exception")
	}
	must(c.Exec(ctx, "SELECT 1 WHERE 'swordfish' IN ('"+strings.Repeat("a', 'swordfish", 4000)+"')"))
	must(c.Exec(ctx, "SELECT 1 WHERE {name:String} = 'x'", client.Named("name", "swordfish")))
}

func count(t testing.TB, c client.Conn, ctx context.Context, query string) {
	t.Helper()
	rows, err := c.Query(client.Context(ctx, client.WithSpan(trace.SpanContextFromContext(ctx))), query)
	if err != nil {
		t.Error(err)
		return
	}
	for rows.Next() {
	}
	if err := rows.Close(); err != nil {
		t.Error(err)
	}
}

// told is what must come of use.
type told struct{ Operation, Resource, Query, Namespace, Status, ErrorType string }

func TestClient(t *testing.T) {
	want := []told{
		{"DROP", "items", "DROP TABLE IF EXISTS items", "default", "", ""},
		{"CREATE", "items", "", "default", "", ""},
		{"INSERT", "items", "INSERT INTO items FORMAT Native", "default", "", ""},
		{"SELECT", "items", "SELECT id, name FROM items WHERE name != ? OR id > ?", "default", "", ""},
		{"SELECT", "items", "SELECT tags FROM items LIMIT ?", "default", "", ""},
		{"SELECT", "items", "SELECT tags, id FROM items", "default", "", ""},
		{"SELECT", "missing", "SELECT * FROM missing WHERE name = ?", "default", "60", "UNKNOWN_TABLE"},
		{"SELECT", "numbers", "SELECT throwIf(number = ?) FROM numbers(?)", "default", "395", "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"},
		{"SELECT", "", "", "default", "", ""},
		{"SELECT", "", "SELECT ? WHERE { name : String } = ?", "default", "", ""},
	}
	for _, method := range []client.CompressionMethod{client.CompressionNone, client.CompressionLZ4, client.CompressionZSTD} {
		t.Run(method.String(), func(t *testing.T) {
			said := record(t, method)
			for _, cut := range []string{"as captured", "byte by byte", "turn by turn"} {
				var got []told
				for _, c := range said {
					c.Recut()[cut].Feed(clickhouse.New(template.NewSQL(16), func(c protocol.Call) {
						k := told{c.Operation, c.Resource, c.Query, c.Namespace, c.Status, c.ErrorType}
						if strings.HasPrefix(c.Query, "SELECT ? WHERE ? IN") || c.Operation == "CREATE" {
							k.Query = ""
						}
						got = append(got, k)
						if strings.Contains(fmt.Sprint(c), "swordfish") {
							t.Errorf("a value is told: %+v", c)
						}
						if c.Duration <= 0 || c.ResponseBytes <= 0 || c.RequestBytes < 50 || (c.TraceParent != "") != (k.Query == want[3].Query) {
							t.Errorf("a call that cannot be: %+v", c)
						}
						if c.TraceParent != "" && c.TraceParent != "00-01020000000000000000000000000003-0400000000000005-01" {
							t.Errorf("trace %s", c.TraceParent)
						}
						if testing.Verbose() && cut == "as captured" {
							t.Log(c.Operation, c.Resource, c.RequestBytes, c.ResponseBytes, c.Duration, c.Error)
						}
					}))
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s: calls (-want +got):\n%s", cut, diff)
				}
			}
		})
	}
}

// TestMiddle meets connections that were there before, at each query: from there on nothing is missing and nothing is different.
func TestMiddle(t *testing.T) {
	for _, method := range []client.CompressionMethod{client.CompressionNone, client.CompressionLZ4} {
		met := 0
		for _, said := range record(t, method) {
			sql := template.NewSQL(16)
			calls := func(said protocoltest.Conversation) (all []protocol.Call) {
				said.Feed(clickhouse.New(sql, func(c protocol.Call) {
					c.Namespace, c.Offset = "", 0 // whoever comes late does not know
					all = append(all, c)
				}))
				return all
			}
			all := calls(said)
			for from, s := range said {
				if s.Direction != protocol.Request || !clickhouse.Resumes(s.Head) {
					continue
				}
				met++
				want := slices.DeleteFunc(slices.Clone(all), func(c protocol.Call) bool { return c.Start.Before(s.At) })
				if diff := cmp.Diff(want, calls(said[from:])); diff != "" {
					t.Errorf("%s, from transfer %d on: calls (-want +got):\n%s", method, from, diff)
				}
			}
		}
		if met < 10 {
			t.Errorf("%s: %d queries show what they are", method, met)
		}
	}
}

// TestAtOnce wants queries told when their answer is over, not when the next one comes.
func TestAtOnce(t *testing.T) {
	for _, said := range record(t, client.CompressionLZ4) {
		told, late := 0, 0
		p := clickhouse.New(template.NewSQL(16), func(protocol.Call) { told++ })
		for _, s := range said {
			before := told
			if s.Direction == protocol.Response && p.Idle() {
				continue
			}
			if !s.Feed(p) {
				t.Fatal("gave up")
			}
			if s.Direction == protocol.Request && told > before {
				late++
			}
		}
		if late > 0 {
			t.Errorf("%d of %d calls were told late", late, told)
		}
	}
}
