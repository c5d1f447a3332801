package store_test

import (
	"errors"
	"testing"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"

	"github.com/midwatch/midwatch/internal/store/storetest"
)

// TestRead reads a result in blocks, leaves one half way, and is refused one: the next is read all the same.
func TestRead(t *testing.T) {
	db := storetest.Empty(t)
	var n proto.ColUInt64
	into := proto.Results{{Name: "n", Data: &n}}
	enough := errors.New("enough")
	for range 2 {
		var sum, rows, blocks uint64
		if err := db.Read(t.Context(), "SELECT number AS n FROM numbers({most:UInt64})", map[string]any{"most": 200_000}, map[string]any{"max_block_size": 1000, "max_threads": 1}, into, func() error {
			for _, v := range n {
				sum += v
			}
			rows, blocks = rows+uint64(len(n)), blocks+1
			return nil
		}); err != nil || rows != 200_000 || sum != 200_000*199_999/2 || blocks < 2 {
			t.Fatalf("%d rows in %d blocks, sum %d: %v", rows, blocks, sum, err)
		}
		if err := db.Read(t.Context(), "SELECT number AS n FROM numbers(1000000000)", nil, nil, into, func() error {
			if len(n) == 0 {
				return nil
			}
			return enough
		}); !errors.Is(err, enough) {
			t.Fatalf("got %v", err)
		}
		err := db.Read(t.Context(), "SELECT throwIf(number = 5) AS n FROM numbers(10)", nil, nil, into, func() error { return nil })
		if _, refused := errors.AsType[*ch.Exception](err); !refused {
			t.Fatalf("got %v", err)
		}
	}
}
