package cassandra_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
	"github.com/apache/cassandra-gocql-driver/v2/lz4"
	"github.com/apache/cassandra-gocql-driver/v2/snappy"
	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/cassandra"
	"github.com/midwatch/midwatch/collector/protocol/cassandra/cassandratest"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

// record has a real driver talk to a server, and returns what they said.
func record(t testing.TB, version int, compressor gocql.Compressor) []protocoltest.Conversation {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { _ = (&cassandratest.Server{}).Serve(l) }()

	var r protocoltest.Recorder
	cluster := gocql.NewCluster(l.Addr().String())
	cluster.ProtoVersion, cluster.NumConns, cluster.Keyspace = version, 1, "shop"
	cluster.Compressor, cluster.Dialer, cluster.DisableInitialHostLookup = compressor, &r, true
	cluster.Metadata.CacheMode = gocql.Disabled
	s, err := cluster.CreateSession()
	if err != nil {
		t.Fatal(err)
	}
	use(t, s)
	s.Close()
	return r.Conversations()
}

func use(t testing.TB, s *gocql.Session) {
	t.Helper()
	for i := range 3 {
		if err := s.Query("INSERT INTO items (id, name) VALUES (?, ?)", fmt.Sprint(i), strings.Repeat("swordfish", 1000)).Exec(); err != nil {
			t.Error(err)
		}
	}
	var name string
	if err := s.Query("SELECT name FROM items WHERE id = ?", "1").Scan(&name); err != nil {
		t.Error(err)
	}
	if err := s.Query("SELECT name FROM large WHERE id = ?", "1").Scan(&name); err != nil || len(name) != cassandratest.Large {
		t.Errorf("%d bytes, %v", len(name), err)
	}
	if s.Query("SELECT name FROM missing WHERE id = 123e4567-e89b-12d3-a456-426614174000").Exec() == nil {
		t.Error("a table that is missing was found")
	}
	if s.Query("SELECT name FROM nothing WHERE id = 'swordfish'").Exec() == nil {
		t.Error("what cannot be prepared was")
	}
	b := s.Batch(gocql.UnloggedBatch)
	b.Query("INSERT INTO items (id, name) VALUES (?, ?)", "a", "swordfish")
	b.Query("INSERT INTO items (id) VALUES ('swordfish')")
	if err := b.Exec(); err != nil {
		t.Error(err)
	}
}

// told is what must come of use.
type told struct{ Operation, Resource, Query, Namespace, Status, ErrorType, Error string }

func TestDriver(t *testing.T) {
	insert := told{"INSERT", "items", "INSERT INTO items (id, name) VALUES (?)", "shop", "", "", ""}
	want := []told{
		insert, insert, insert,
		{"SELECT", "items", "SELECT name FROM items WHERE id = ?", "shop", "", "", ""},
		{"SELECT", "large", "SELECT name FROM large WHERE id = ?", "shop", "", "", ""},
		{"SELECT", "missing", "SELECT name FROM missing WHERE id = ?", "shop", "8704", "INVALID", "table missing does not exist"},
		{"PREPARE", "nothing", "SELECT name FROM nothing WHERE id = ?", "shop", "8704", "INVALID", `Invalid STRING constant (?) for "id" of type uuid`},
		{"BATCH INSERT", "items", "INSERT INTO items (id, name) VALUES (?); INSERT INTO items (id) VALUES (?)", "shop", "", "", ""},
	}
	for _, version := range []int{3, 4, 5} {
		for _, compressor := range []gocql.Compressor{nil, lz4.LZ4Compressor{}, &snappy.SnappyCompressor{}} {
			if version == 5 && compressor != nil && compressor.Name() != "lz4" {
				continue
			}
			t.Run(fmt.Sprintf("v%d %T", version, compressor), func(t *testing.T) {
				said := record(t, version, compressor)
				for _, cut := range []string{"as captured", "byte by byte", "turn by turn"} {
					var got []told
					prepared, sql := cassandra.NewPrepared(16), template.NewSQL(16)
					for _, c := range said {
						c.Recut()[cut].Feed(cassandra.New(sql, prepared, func(c protocol.Call) {
							if strings.Contains(c.Query, "system") || strings.HasPrefix(c.Query, "USE") {
								return
							}
							got = append(got, told{c.Operation, c.Resource, c.Query, c.Namespace, c.Status, c.ErrorType, c.Error})
							if c.Duration <= 0 || c.RequestBytes < 40 || c.ResponseBytes < 13 || c.Resource == "large" && compressor == nil && c.ResponseBytes < cassandratest.Large {
								t.Errorf("a call that cannot be: %+v", c)
							}
							if strings.Contains(fmt.Sprint(c), "swordfish") {
								t.Errorf("a value is told: %+v", c)
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
}

// TestMiddle meets connections that were there before, at each request that shows what they speak: from there on nothing is missing and nothing is
// different.
func TestMiddle(t *testing.T) {
	for _, c := range []struct {
		version    int
		compressor gocql.Compressor
	}{{3, nil}, {4, nil}, {5, nil}, {5, lz4.LZ4Compressor{}}} {
		met := 0
		for _, said := range record(t, c.version, c.compressor) {
			sql, prepared := template.NewSQL(16), cassandra.NewPrepared(16)
			calls := func(said protocoltest.Conversation) (all []protocol.Call) {
				said.Feed(cassandra.New(sql, prepared, func(c protocol.Call) {
					c.Namespace, c.Offset = "", 0 // whoever comes late does not know
					all = append(all, c)
				}))
				return all
			}
			all := calls(said)
			for from, s := range said {
				if s.Direction != protocol.Request || !cassandra.Resumes(s.Head) {
					continue
				}
				met++
				want := slices.DeleteFunc(slices.Clone(all), func(c protocol.Call) bool { return c.Start.Before(s.At) })
				if diff := cmp.Diff(want, calls(said[from:])); diff != "" {
					t.Errorf("version %d, from transfer %d on: calls (-want +got):\n%s", c.version, from, diff)
				}
			}
		}
		if met < 9 {
			t.Errorf("version %d: %d requests show what they speak", c.version, met)
		}
	}
}
