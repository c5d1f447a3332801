package clickhouse_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/go-cmp/cmp"
)

// row has a field of each type that telemetry is made of, and of those that are laid out in a way of their own.
type row struct {
	ID      uint64              `ch:"id"`
	Time    time.Time           `ch:"time"`
	Service string              `ch:"service"`
	Attrs   map[string]string   `ch:"attrs"`
	Bounds  []float64           `ch:"bounds"`
	Tags    []string            `ch:"tags"`
	Maybe   *float64            `ch:"maybe"`
	Text    *string             `ch:"text"`
	Kind    string              `ch:"kind"`
	Fixed   string              `ch:"fixed"`
	Flag    bool                `ch:"flag"`
	Nested  []map[string][]int8 `ch:"nested"`
	Sum     int64               `ch:"sum"`
}

const rowTable = `CREATE TABLE %s (id UInt64, time DateTime64(9, 'UTC'), service LowCardinality(String),
	attrs Map(LowCardinality(String), String), bounds Array(Float64), tags Array(LowCardinality(String)), maybe Nullable(Float64),
	text LowCardinality(Nullable(String)), kind Enum8('a' = 1, 'b,(x' = 2), fixed FixedString(4), flag Bool,
	nested Array(Map(String, Array(Int8))), sum SimpleAggregateFunction(sum, Int64)) ENGINE = MergeTree ORDER BY id`

func makeRow(i int) row {
	r := row{
		ID: uint64(i), Time: time.Unix(1_700_000_000, int64(i)).UTC(), Service: fmt.Sprint("svc", i%20),
		Attrs: map[string]string{"k": fmt.Sprint(i), "long": strings.Repeat("z", i%300)}, Bounds: []float64{0.5, float64(i)},
		Tags: []string{}, Kind: "b,(x", Fixed: "abcd", Flag: i%2 == 0, Nested: []map[string][]int8{{"m": {-1, 2}}, {}}, Sum: -int64(i),
	}
	for j := range i % 4 {
		r.Tags = append(r.Tags, fmt.Sprint("t", j))
	}
	if i%3 > 0 {
		f, s := float64(i)/3, fmt.Sprint("text", i%7)
		r.Maybe, r.Text = &f, &s
	}
	return r
}

var compressions = map[string]ch.CompressionMethod{"plain": ch.CompressionNone, "lz4": ch.CompressionLZ4, "zstd": ch.CompressionZSTD}

func TestRowsComeBackAsSent(t *testing.T) {
	for name, method := range compressions {
		t.Run(name, func(t *testing.T) {
			c := shared(t, method)
			table := "rows_" + name
			run(t, c, fmt.Sprintf(rowTable, table))
			var want []row
			b, err := c.PrepareBatch(t.Context(), "INSERT INTO "+table)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 5000 {
				r := makeRow(i)
				want = append(want, r)
				if err := b.AppendStruct(&r); err != nil {
					t.Fatal(err)
				}
				if i == 2000 { // a second block in the same insert
					if err := b.Flush(); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := b.Send(); err != nil {
				t.Fatal(err)
			}
			var got []row
			if err := c.Select(t.Context(), &got, "SELECT * FROM "+table+" ORDER BY id SETTINGS max_block_size = 700"); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
}

func TestColumnarBatchOfChosenColumns(t *testing.T) {
	c := shared(t, ch.CompressionLZ4)
	run(t, c, fmt.Sprintf(rowTable, "columnar"))
	b, err := c.PrepareBatch(t.Context(), "INSERT INTO columnar (id, service) VALUES")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Column(0).Append([]uint64{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	if err := b.Column(1).Append([]string{"a", "b", "c"}); err != nil {
		t.Fatal(err)
	}
	if err := b.Send(); err != nil {
		t.Fatal(err)
	}
	if got := scalar[string](t, c, "SELECT arrayStringConcat(groupArray(service)) FROM (SELECT service FROM columnar ORDER BY id)"); got != "abc" {
		t.Errorf("stored %q, want abc", got)
	}
}

func TestLargeBlock(t *testing.T) {
	c := shared(t, ch.CompressionLZ4)
	run(t, c, "CREATE TABLE large (id UInt64, attrs Map(LowCardinality(String), String)) ENGINE = MergeTree ORDER BY id")
	b, err := c.PrepareBatch(t.Context(), "INSERT INTO large")
	if err != nil {
		t.Fatal(err)
	}
	const n = 200_000
	for i := range n {
		if err := b.Append(uint64(i), map[string]string{"id": fmt.Sprint(i), "pad": strings.Repeat("0123456789", 8)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Send(); err != nil {
		t.Fatal(err)
	}
	if got := scalar[uint64](t, c, "SELECT uniqExact(attrs['id']) FROM large"); got != n {
		t.Errorf("stored %d rows, want %d", got, n)
	}
}
