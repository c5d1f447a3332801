package clickhouse_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	ch "github.com/ClickHouse/clickhouse-go/v2"
)

// values are expressions of every type that clickhouse-go knows, of two distinct values by the row's number n.
var values = map[string]string{
	"Int8":                                "toInt8(-n)",
	"Int16":                               "toInt16(-n * 300)",
	"Int32":                               "toInt32(-n * 70000)",
	"Int64":                               "toInt64(-n) * 5000000000",
	"Int128":                              "toInt128('-170141183460469231731687303715884105728') + n",
	"Int256":                              "toInt256('57896044618658097711785492504343953926634992332820282019728792003956564819967') - n",
	"UInt8":                               "toUInt8(n)",
	"UInt16":                              "toUInt16(n * 300)",
	"UInt32":                              "toUInt32(n * 70000)",
	"UInt64":                              "toUInt64(18446744073709551615) - n",
	"UInt128":                             "toUInt128('340282366920938463463374607431768211455') - n",
	"UInt256":                             "toUInt256('115792089237316195423570985008687907853269984665640564039457584007913129639935') - n",
	"Float32":                             "toFloat32(n / 3)",
	"Float64":                             "if(n = 1, inf, -n / 7)",
	"BFloat16":                            "toBFloat16(n / 2)",
	"Bool":                                "n = 1",
	"String":                              "concat('a\\0b', repeat('ÿ', n * 150000))",
	"FixedString(5)":                      "toFixedString(if(n = 1, 'ab\\0cd', 'x'), 5)",
	"UUID":                                "toUUID('417ddc5d-e556-4d27-95dd-a34d84e46a5' || toString(n))",
	"Date":                                "toDate('2149-06-06') - n",
	"Date32":                              "toDate32('1900-01-01') + n",
	"DateTime":                            "toDateTime(4294967295 - n)",
	"DateTime('Europe/Berlin')":           "toDateTime(1700000000 + n, 'Europe/Berlin')",
	"DateTime64(3)":                       "toDateTime64('1969-12-31 23:59:59.001', 3) + n",
	"DateTime64(9, 'UTC')":                "fromUnixTimestamp64Nano(1700000000123456789 + n, 'UTC')",
	"Decimal(9, 4)":                       "toDecimal32(-n, 4) / 3",
	"Decimal(18, 4)":                      "toDecimal64(-n, 4) / 3",
	"Decimal(38, 20)":                     "toDecimal128(-n, 20) / 3",
	"Decimal(76, 30)":                     "toDecimal256(-n, 30) / 3",
	"Enum8('a' = -1, 'b,(x\\'' = 127)":    "if(n = 1, 'a', 'b,(x\\'')",
	"Enum16('a' = -300, 'b' = 30000)":     "if(n = 1, 'a', 'b')",
	"IPv4":                                "toIPv4('255.255.255.25' || toString(n))",
	"IPv6":                                "toIPv6('fe80::' || toString(n))",
	"LowCardinality(String)":              "'low ' || toString(n)",
	"LowCardinality(Nullable(String))":    "if(n = 1, NULL, 'low')",
	"LowCardinality(FixedString(2))":      "toFixedString('l' || toString(n), 2)",
	"Nullable(Float64)":                   "if(n = 1, NULL, 0.5)",
	"Nullable(DateTime64(9, 'UTC'))":      "if(n = 1, NULL, fromUnixTimestamp64Nano(1, 'UTC'))",
	"Array(String)":                       "arrayMap(i -> toString(i), range(n * 3))",
	"Array(Array(Nullable(UInt8)))":       "[[1, NULL], []]",
	"Array(LowCardinality(String))":       "[toString(n), 'x', 'x']",
	"Map(String, Array(UInt8))":           "map('a', [1, 2], 'b', [])",
	"Map(LowCardinality(String), String)": "if(n = 1, map(), map('k', 'v', 'k2', toString(n)))",
	"Array(Map(LowCardinality(String), String))":         "[map('k', 'v'), map()]",
	"Tuple(a UInt8, b String)":                           "(n, 'x')",
	"Tuple(a String, b Tuple(c UInt8, d Array(String)))": "('x', (n, ['y']))",
	"Nested(a UInt8, b String)":                          "[(n, 'x'), (2, 'y')]",
	"Point":                                              "(n, 2)",
	"Ring":                                               "[(n, 2), (3, 4)]",
	"Polygon":                                            "[[(n, 2), (3, 4)]]",
	"MultiPolygon":                                       "[[[(n, 2), (3, 4)]]]",
	"LineString":                                         "[(n, 2), (3, 4)]",
	"MultiLineString":                                    "[[(n, 2), (3, 4)]]",
	"SimpleAggregateFunction(sum, Int64)":                "toInt64(n)",
	"SimpleAggregateFunction(groupArrayArray, Array(UInt8))": "[n, 2]",
	"JSON":                     `'{"a": {"b": ' || toString(n) || '}, "c": ["x", "y"], "t": "text"}'`,
	"JSON(a.b UInt32, SKIP t)": `'{"a": {"b": ' || toString(n) || '}, "c": "x", "t": "text"}'`,
	"Variant(String, UInt64)":  "if(n = 1, 'text'::Variant(String, UInt64), 5::UInt64::Variant(String, UInt64))",
	"Dynamic":                  "if(n = 1, 'text'::Dynamic, 5::UInt64::Dynamic)",
	"Array(Dynamic)":           "['text'::Dynamic, 5::UInt64::Dynamic]",
	"Time":                     "'12:34:5' || toString(n)",
	"Time64(6)":                "'-12:34:56.00000' || toString(n)",
}

// TestEveryTypeBothWays makes values in the engine, reads them with clickhouse-go, sends them back in a batch, and has
// the engine compare.
func TestEveryTypeBothWays(t *testing.T) {
	c := shared(t, ch.CompressionLZ4)
	for typ, value := range values {
		t.Run(typ, func(t *testing.T) {
			const allow = " SETTINGS flatten_nested = 0, allow_suspicious_low_cardinality_types = 1, enable_time_time64_type = 1"
			for _, table := range []string{"made", "sent"} {
				run(t, c, "DROP TABLE IF EXISTS "+table+" SYNC")
				run(t, c, "CREATE TABLE "+table+" (id UInt8, v "+typ+") ENGINE = MergeTree ORDER BY id"+allow)
			}
			run(t, c, "INSERT INTO made SELECT n, "+value+" FROM (SELECT toUInt8(number + 1) AS n FROM numbers(2))")
			rows, err := c.Query(t.Context(), "SELECT id, v FROM made ORDER BY id")
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			b, err := c.PrepareBatch(t.Context(), "INSERT INTO sent")
			if err != nil {
				t.Fatal(err)
			}
			for rows.Next() {
				var id uint8
				v := reflect.New(rows.ColumnTypes()[1].ScanType())
				if err := rows.Scan(&id, v.Interface()); err != nil {
					t.Fatal(err)
				}
				if err := b.Append(id, v.Elem().Interface()); err != nil {
					t.Fatal(err)
				}
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
			if err := b.Send(); err != nil {
				t.Fatal(err)
			}
			shown := "SELECT groupArray(ifNull(toString(v), 'NULL')) FROM (SELECT v FROM %s ORDER BY id)"
			if strings.HasPrefix(typ, "Map(") { // clickhouse-go's maps have no order
				shown = strings.Replace(shown, "SELECT v", "SELECT mapSort(v) AS v", 1)
			}
			made := scalar[[]string](t, c, fmt.Sprintf(shown, "made"))
			sent := scalar[[]string](t, c, fmt.Sprintf(shown, "sent"))
			if len(made) != 2 || strings.Join(made, ";") != strings.Join(sent, ";") {
				t.Errorf("made %.200q, came back as %.200q", made, sent)
			}
		})
	}
}
