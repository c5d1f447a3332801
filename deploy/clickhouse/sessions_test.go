package clickhouse_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	chgo "github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	ch "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/midwatch/midwatch/deploy/clickhouse/clickhousetest"
)

// TestTwoHundredSessions has them all open and asking at once.
func TestTwoHundredSessions(t *testing.T) {
	s := clickhousetest.Start(t, t.TempDir())
	const sessions = 200
	c := connect(t, &ch.Options{Addr: []string{s.Address}, TLS: s.TLS, MaxOpenConns: sessions, MaxIdleConns: sessions, DialTimeout: time.Minute})
	run(t, c, "CREATE TABLE of_all (n UInt64) ENGINE = MergeTree ORDER BY n")
	var asking, open sync.WaitGroup
	open.Add(sessions)
	for i := range sessions {
		asking.Go(func() {
			rows, err := c.Query(t.Context(), "SELECT number + ? FROM numbers(3)", i)
			open.Done()
			if err != nil {
				t.Error(err)
				return
			}
			defer rows.Close()
			open.Wait() // nobody gives its session back before all have one
			var n, sum uint64
			for rows.Next() {
				if err := rows.Scan(&n); err != nil {
					t.Error(err)
				}
				sum += n
			}
			if rows.Err() != nil || sum != uint64(3*i+3) {
				t.Errorf("session %d: %d, %v", i, sum, rows.Err())
			}
		})
	}
	asking.Wait()
	if err := c.Exec(t.Context(), "INSERT INTO of_all SELECT number FROM numbers(10)"); err != nil {
		t.Error(err)
	}
}

func TestWhatBelongsToASession(t *testing.T) {
	alone := func() ch.Conn {
		o := options(t)
		o.MaxOpenConns = 1
		return connect(t, o)
	}
	one, other := alone(), alone()
	run(t, one, "CREATE TEMPORARY TABLE mine (a UInt8)")
	b, err := one.PrepareBatch(t.Context(), "INSERT INTO mine")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(b.Append(uint8(7)), b.Send()); err != nil {
		t.Fatal(err)
	}
	if got := scalar[uint8](t, one, "SELECT a FROM mine"); got != 7 {
		t.Errorf("the temporary table has %d", got)
	}
	if err := other.Exec(t.Context(), "SELECT a FROM mine"); code(err) != 60 {
		t.Errorf("another session sees it: %v", err)
	}
	run(t, one, "SET max_block_size = 1234")
	run(t, one, "CREATE DATABASE IF NOT EXISTS of_one")
	run(t, one, "USE of_one")
	const asked = "SELECT concat(currentDatabase(), ' ', toString(getSetting('max_block_size')))"
	if got := scalar[string](t, one, asked); got != "of_one 1234" {
		t.Errorf("this session has %s", got)
	}
	if got := scalar[string](t, other, asked); got == "of_one 1234" {
		t.Errorf("another session has %s", got)
	}
}

// TestSilentQueryReports keeps a client that hangs up after a silent second waiting for three.
func TestSilentQueryReports(t *testing.T) {
	s := clickhousetest.Shared(t)
	c, err := chgo.Dial(t.Context(), chgo.Options{Address: s.Address, TLS: s.TLS, ReadTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	var sum proto.ColUInt64
	var rows, total uint64
	err = c.Do(t.Context(), chgo.Query{
		Body:     "SELECT sum(sleepEachRow(0.1)) + sum(number) AS s FROM numbers(30)",
		Settings: []chgo.Setting{{Key: "max_block_size", Value: "1"}, {Key: "max_threads", Value: "1"}},
		Result:   proto.Results{{Name: "s", Data: &sum}},
		OnProgress: func(_ context.Context, p proto.Progress) error {
			rows, total = rows+p.Rows, total+p.TotalRows
			return nil
		},
	})
	if err != nil || len(sum) != 1 || sum[0] != 435 {
		t.Errorf("got %v, %v", sum, err)
	}
	if rows != 30 || total != 30 {
		t.Errorf("told of %d rows of %d, want 30 of 30", rows, total)
	}
}

// TestCancelEndsAnInsert cancels while the engine stores what was sent, through a view that takes its time.
func TestCancelEndsAnInsert(t *testing.T) {
	c := shared(t, ch.CompressionLZ4)
	run(t, c, "CREATE TABLE slow_in (n UInt64) ENGINE = MergeTree ORDER BY n")
	run(t, c, "CREATE MATERIALIZED VIEW slow_mv ENGINE = Null AS SELECT sleepEachRow(0.001) AS slow_in_the_view FROM slow_in")
	ctx, cancel := context.WithCancel(ch.Context(t.Context(), ch.WithSettings(ch.Settings{"function_sleep_max_microseconds_per_block": 3_600_000_000})))
	b, err := c.PrepareBatch(ctx, "INSERT INTO slow_in")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Column(0).Append(make([]uint64, 100_000)); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() { failed <- b.Send() }()
	eventually(t, "the insert runs", func() bool { return running(t, c, "INSERT INTO slow_in") == 1 })
	cancel()
	asked := time.Now()
	if err := <-failed; err == nil {
		t.Error("a cancelled insert succeeded")
	}
	eventually(t, "the insert is gone", func() bool { return running(t, c, "INSERT INTO slow_in") == 0 })
	if took := time.Since(asked); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestAnInsertIsSeenBeforeItsRows looks for an insert whose sender has sent no row yet: whoever waits for inserts to end must see it.
func TestAnInsertIsSeenBeforeItsRows(t *testing.T) {
	c := shared(t, ch.CompressionLZ4)
	run(t, c, "CREATE TABLE seen (n UInt64) ENGINE = MergeTree ORDER BY n")
	b, err := c.PrepareBatch(t.Context(), "INSERT INTO seen")
	if err != nil {
		t.Fatal(err)
	}
	if got := running(t, c, "INSERT INTO seen"); got != 1 {
		t.Errorf("%d inserts run, want 1", got)
	}
	if err := b.Send(); err != nil { // without a row
		t.Error(err)
	}
	eventually(t, "it is gone", func() bool { return running(t, c, "INSERT INTO seen") == 0 })
	run(t, c, "CREATE VIEW no_table AS SELECT 1 AS n")
	if b, err := c.PrepareBatch(t.Context(), "INSERT INTO no_table"); err == nil {
		t.Errorf("an insert into a view was opened: %v", b.Abort())
	}
	if got := scalar[uint64](t, c, "SELECT count() FROM seen"); got != 0 {
		t.Errorf("stored %d rows", got)
	}
}

func TestParametersOfEveryType(t *testing.T) {
	c := shared(t, ch.CompressionLZ4)
	at := time.Date(2026, 11, 22, 3, 4, 5, 123456789, time.UTC)
	for typ, want := range map[string]struct {
		value any
		text  string
	}{
		"Int8":                   {-8, "-8"},
		"UInt64":                 {uint64(1<<64 - 1), "18446744073709551615"},
		"Float64":                {0.25, "0.25"},
		"Bool":                   {true, "true"},
		"String":                 {"it's \\ \"a\"\n\x00\tend", "it's \\ \"a\"\n\x00\tend"},
		"DateTime64(9, 'UTC')":   {at, "2026-11-22 03:04:05.123456789"},
		"Date":                   {"2026-11-22", "2026-11-22"},
		"UUID":                   {"417ddc5d-e556-4d27-95dd-a34d84e46a50", "417ddc5d-e556-4d27-95dd-a34d84e46a50"},
		"IPv6":                   {"fe80::1", "fe80::1"},
		"Decimal(18, 4)":         {"-1.5", "-1.5"},
		"Array(UInt16)":          {[]uint16{1, 2}, "[1,2]"},
		"Array(String)":          {[]string{"a'b", "c\\d"}, `['a\'b','c\\d']`},
		"Map(String, UInt8)":     {map[string]uint8{"k'": 1}, `{'k\'':1}`},
		"Tuple(UInt8, String)":   {ch.GroupSet{Value: []any{1, "x"}}, "(1,'x')"},
		"Nullable(String)":       {nil, "NULL"},
		"LowCardinality(String)": {"low", "low"},
		"Enum8('a' = 1)":         {"a", "a"},
		"Identifier":             {"one", "1"},
	} {
		query := "SELECT ifNull(toString({p:" + typ + "}), 'NULL') FROM (SELECT 1 AS one)"
		var got string
		if err := c.QueryRow(t.Context(), query, ch.Named("p", want.value)).Scan(&got); err != nil || got != want.text {
			t.Errorf("%s: got %q, %v; want %q", typ, got, err, want.text)
		}
	}
}

// TestLimitsAreExceptions meets the limits that a query may set and the server sets, and finds the connection well after each.
func TestLimitsAreExceptions(t *testing.T) {
	c := shared(t, ch.CompressionLZ4)
	for settings, want := range map[string]int{
		"max_rows_to_read = 10":    158,
		"max_bytes_to_read = 10":   307,
		"max_result_rows = 10":     396,
		"max_memory_usage = 50000": 241,
		"max_ast_depth = 1":        167,
	} {
		err := c.Exec(t.Context(), "SELECT number, toString(number) FROM numbers(1000000) ORDER BY 2 SETTINGS "+settings)
		if code(err) != want {
			t.Errorf("%s: got %v, want code %d", settings, err, want)
		}
	}
	err := c.Exec(t.Context(), "INSERT INTO FUNCTION null('a UInt8') SELECT x FROM (SELECT throwIf(number = 3, 'the reason within') AS x FROM numbers(10))")
	if code(err) != 395 || !strings.Contains(err.Error(), "the reason within") {
		t.Errorf("got %v", err)
	}
}
