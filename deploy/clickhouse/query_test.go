package clickhouse_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"
	"testing"

	ch "github.com/ClickHouse/clickhouse-go/v2"
)

func TestParameters(t *testing.T) {
	c := shared(t, ch.CompressionLZ4)
	hard := "tab\tnewline\nquote'back\\slash \x01 ÿ"
	if got := scalar[string](t, c, "SELECT {s:String}", ch.Named("s", hard)); got != hard {
		t.Errorf("a string came back as %q, want %q", got, hard)
	}
	if got := scalar[int64](t, c, "SELECT {n:Int64}", ch.Named("n", -7)); got != -7 {
		t.Errorf("a number came back as %d", got)
	}
	if got := scalar[[]string](t, c, "SELECT {a:Array(String)}", ch.Named("a", []string{"x'y", "z"})); len(got) != 2 || got[0] != "x'y" {
		t.Errorf("an array came back as %q", got)
	}
	if got := scalar[string](t, c, "SELECT $1", "a'b"); got != "a'b" {
		t.Errorf("a value bound by the client came back as %q", got)
	}
}

func TestExceptionsKeepTheirCodes(t *testing.T) {
	c := shared(t, ch.CompressionLZ4)
	run(t, c, "CREATE TABLE taken (a UInt8) ENGINE = Memory")
	for query, want := range map[string]int{
		"CREATE TABLE taken (a UInt8) ENGINE = Memory": 57,
		"SELECT * FROM nowhere":                        60,
		"SELEC 1":                                      62,
		"SELECT 1; SELECT 2":                           62,
		"SELECT throwIf(number = 500000) FROM numbers(1000000)":                                                  395,
		"INSERT INTO taken SELECT throwIf(1)":                                                                    395,
		"SELECT length(groupArray(number)) FROM numbers(10000000) SETTINGS max_memory_usage = 1000000":           241,
		"SELECT count() FROM numbers(100000000000) WHERE cityHash64(number) = 1 SETTINGS max_execution_time = 1": 159,
		"SELECT sumState(number) FROM numbers(3)":                                                                48,
	} {
		if err := c.Exec(t.Context(), query); code(err) != want {
			t.Errorf("%s: got %v, want code %d", query, err, want)
		}
	}
	if _, err := c.PrepareBatch(t.Context(), "INSERT INTO nowhere"); code(err) != 60 {
		t.Errorf("a batch into no table: got %v, want code 60", err)
	}
	if err := c.Ping(t.Context()); err != nil {
		t.Errorf("the connection did not survive: %v", err)
	}
}

func TestSettings(t *testing.T) {
	c := shared(t, ch.CompressionLZ4)
	with := func(s ch.Settings) context.Context { return ch.Context(t.Context(), ch.WithSettings(s)) }
	var threads uint64
	if err := c.QueryRow(with(ch.Settings{"max_threads": 1}), "SELECT toUInt64(getSetting('max_threads'))").Scan(&threads); err != nil || threads != 1 {
		t.Errorf("max_threads = %d, %v; want 1", threads, err)
	}
	if err := c.Exec(with(ch.Settings{"readonly": 1}), "CREATE TABLE forbidden (a UInt8) ENGINE = Memory"); code(err) != 164 {
		t.Errorf("readonly: got %v, want code 164", err)
	}
	run(t, c, "CREATE TABLE allowed_again (a UInt8) ENGINE = Memory")
	if err := c.Exec(with(ch.Settings{"no_such_setting": 1}), "SELECT 1"); code(err) != 115 {
		t.Errorf("an unknown setting: got %v, want code 115", err)
	}
	if err := c.Exec(with(ch.Settings{"max_threads = 1, readonly": 1}), "SELECT 1"); code(err) != 115 {
		t.Errorf("a setting that is no name: got %v, want code 115", err)
	}
	run(t, c, "SELECT 1")
}

func TestEmptyResultHasColumns(t *testing.T) {
	c := shared(t, ch.CompressionLZ4)
	run(t, c, "CREATE TABLE empty (id UInt64, attrs Map(String, String)) ENGINE = Memory")
	for query, columns := range map[string]int{"SELECT id, attrs FROM empty": 2, "SHOW TABLES LIKE 'nothing_like_it'": 1} {
		rows, err := c.Query(t.Context(), query)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		if rows.Next() || rows.Err() != nil || len(rows.Columns()) != columns {
			t.Errorf("%s: columns %v, %v; want %d and no row", query, rows.Columns(), rows.Err(), columns)
		}
		rows.Close()
	}
	var id uint64
	if err := c.QueryRow(t.Context(), "SELECT id FROM empty").Scan(&id); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("got %v, want ErrNoRows", err)
	}
}

func TestSessionsAreApart(t *testing.T) {
	c := shared(t, ch.CompressionLZ4)
	run(t, c, "CREATE DATABASE elsewhere")
	s := options(t)
	s.Auth.Database = "elsewhere"
	other := connect(t, s)
	if got := scalar[string](t, other, "SELECT currentDatabase()"); got != "elsewhere" {
		t.Errorf("the session is in %q", got)
	}
	if got := scalar[string](t, c, "SELECT currentDatabase()"); got != "default" {
		t.Errorf("the other one is in %q", got)
	}
	s.Auth.Database = "nowhere"
	if err := connect(t, s).Ping(t.Context()); code(err) != 81 {
		t.Errorf("an unknown database: got %v, want code 81", err)
	}
}

func TestManySessionsAtOnce(t *testing.T) {
	c := shared(t, ch.CompressionLZ4)
	run(t, c, "CREATE TABLE many (a UInt64) ENGINE = MergeTree ORDER BY a")
	var clients sync.WaitGroup
	for g := range 16 {
		clients.Go(func() {
			for range 10 {
				b, err := c.PrepareBatch(t.Context(), "INSERT INTO many")
				if err == nil {
					err = errors.Join(b.Append(uint64(g)), b.Send())
				}
				var n uint64
				if err == nil {
					err = c.QueryRow(t.Context(), "SELECT count() FROM many WHERE a = ?", g).Scan(&n)
				}
				if err != nil || n == 0 {
					t.Errorf("client %d: %d rows, %v", g, n, err)
					return
				}
			}
		})
	}
	clients.Wait()
	if got := scalar[uint64](t, c, "SELECT count() FROM many"); got != 160 {
		t.Errorf("stored %d rows, want 160", got)
	}
}

// TestMemoryIsLimited asks for more than the server may take, and then for something small.
func TestMemoryIsLimited(t *testing.T) {
	c := shared(t, ch.CompressionLZ4)
	err := c.Exec(t.Context(), "SELECT length(groupArray(number)) FROM numbers(200000000)")
	if code(err) != 241 || !strings.Contains(err.Error(), "(total)") {
		t.Errorf("got %v, want code 241 for the server's total", err)
	}
	run(t, c, "SELECT 1")
}
