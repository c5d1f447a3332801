package block_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/ingest/block"
	"github.com/midwatch/midwatch/internal/store/storetest"
)

// everything is a table with a column of each type that there is.
type everything struct {
	at, value, id *block.Fixed
	body          *block.Strings
	word          *block.Dict
	attributes    *block.Map
	names         *block.Array[*block.Dict]
	maps          *block.Array[*block.Map]
}

func newEverything() *everything {
	return &everything{
		block.Time(), block.Float64(), block.FixedString(4), block.NewStrings(), block.NewDict(), block.NewMap(),
		block.NewArray(block.NewDict()), block.NewArray(block.NewMap()),
	}
}

func (e *everything) add(i int) {
	e.at.Put64(uint64(i))
	e.value.PutFloat(float64(i) / 2)
	e.id.PutBytes([]byte(fmt.Sprint(i)))
	e.body.PutString(strings.Repeat("é", i))
	e.word.PutString(fmt.Sprint("word ", i%300))
	for j := range i % 3 {
		e.attributes.PutString(fmt.Sprint("k", j), fmt.Sprint(i))
	}
	e.attributes.End()
	for j := range i % 2 {
		e.names.Items.PutString(fmt.Sprint(i, j))
	}
	e.names.End()
	for range i % 2 {
		e.maps.Items.PutString("a", "b")
		e.maps.Items.End()
		e.maps.Items.End()
	}
	e.maps.End()
}

func (e *everything) block() block.Block {
	return block.Block{
		{"at", e.at}, {"value", e.value}, {"id", e.id}, {"body", e.body}, {"word", e.word}, {"attributes", e.attributes}, {"names", e.names}, {"maps", e.maps},
	}
}

// TestJoinedPartsAreOneBlock stores three parts of different sizes, one of them without any dictionary entry in its arrays, as one block.
func TestJoinedPartsAreOneBlock(t *testing.T) {
	db := storetest.Empty(t)
	err := db.Exec(t.Context(), `CREATE TABLE everything (at DateTime64(9, 'UTC'), value Float64, id FixedString(4), body String, word LowCardinality(String),
		attributes Map(LowCardinality(String), String), names Array(LowCardinality(String)), maps Array(Map(LowCardinality(String), String))
		) ENGINE = MergeTree ORDER BY at`)
	if err != nil {
		t.Fatal(err)
	}
	const total = 70_000 // indexes of one, two and four bytes would do for words; two are needed
	var parts []block.Block
	next := 0
	for _, n := range []int{1, 700, total - 701} {
		e := newEverything()
		for range n {
			e.add(next % 1000)
			next++
		}
		parts = append(parts, e.block())
	}
	middle := parts[2] // in two pieces, so that slices are tested too
	parts = append(parts[:2], middle.Slice(0, 1001), middle.Slice(1001, middle.Rows()))
	if err := db.Insert(t.Context(), "everything", parts[0].Names(), func() []proto.Input { return []proto.Input{block.Join(parts[:1]), block.Join(parts[1:])} }); err != nil {
		t.Fatal(err)
	}
	var got string
	if err := db.QueryRow(t.Context(), `SELECT toString((count(), countIf(value * 2 = i), countIf(id = toString(i)), countIf(body = repeat('é', i)),
			countIf(word = concat('word ', toString(i % 300))), countIf(attributes = mapFromArrays(arrayMap(j -> concat('k', toString(j)), range(i % 3)), arrayMap(j -> toString(i), range(i % 3)))),
			countIf(names = if(i % 2 = 1, [concat(toString(i), ' 0')], [])), countIf(maps = if(i % 2 = 1, [map('a', 'b'), map()], []))))
		FROM (SELECT *, toUnixTimestamp64Nano(at) AS i FROM everything)`).Scan(&got); err != nil {
		t.Fatal(err)
	}
	want := "(" + strings.TrimSuffix(strings.Repeat(fmt.Sprint(total, ","), 8), ",") + ")"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows, and rows whose column is right (-want +got):\n%s", diff)
	}
	var blocks uint64
	if err := db.QueryRow(t.Context(), "SELECT count() FROM system.parts WHERE database = currentDatabase() AND table = 'everything' AND level = 0").Scan(&blocks); err != nil || blocks != 1 {
		t.Errorf("%d parts, %v; one insert is one part", blocks, err)
	}
}

func TestTextOfARow(t *testing.T) {
	e := newEverything()
	for i := range 4 {
		e.add(i)
	}
	want := `{"at":3,"value":"1.5","id":"33000000","body":"ééé","word":"word 3","attributes":{},"names":["3 0"],"maps":[{"a":"b"},{}]}`
	if diff := cmp.Diff(want, string(e.block().Text(3))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, string(e.block().Slice(2, 4).Text(1))); diff != "" {
		t.Error(diff)
	}
}

func TestDictKeepsOrder(t *testing.T) {
	c := block.NewDict()
	for _, v := range []string{"a", "b", "a", "b", "c", "a", "", "a"} {
		c.Put([]byte(v))
	}
	if got := c.Values(); cmp.Diff([]string{"a", "b", "a", "b", "c", "a", "", "a"}, got) != "" {
		t.Errorf("%q", got)
	}
}
