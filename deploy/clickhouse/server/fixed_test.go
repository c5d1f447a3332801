package server

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go/proto"
)

// TestParseFindsWhatIsFixed has statements in which the engine finds a setting, however it is written.
func TestParseFindsWhatIsFixed(t *testing.T) {
	const set = "SELECT x FROM (SELECT x FROM y SETTINGS join_algorithm = 'grace_hash')"
	padding := strings.Repeat(" ", insertScan)
	for _, query := range []string{
		set,
		"INSERT INTO t " + set + "/*" + padding + "*/",
		"INSERT INTO t /*" + padding + "*/ " + set,
		"INSERT INTO t VALUES ((" + set + "))",
		"SELECT 1 SETTINGS `join_algorithm`/* */= 'x'",
		"SELECT 1 SETTINGS join_algorithm",
		"SELECT 1 SETTINGS\vjoin_algorithm\v= 'x'",
		"SELECT 1 SETTINGS\fjoin_algorithm\f= 'x'",
		"SELECT 1 SETTINGS\u00a0join_algorithm\u00a0= 'x'",
		"SELECT 1 SETTINGS\u2003join_algorithm\u3000= 'x'",
		"SELECT 1 SETTINGS \ufeffjoin_algorithm\u200b= 'x'",
		"SELECT 1 SETTINGS “join_algorithm” = 'x'",
		`SELECT 1 SETTINGS "join_algorithm" = 'x'`,
		"SELECT 1 SETTINGS `\\x6aoin_algorithm` = 'x'",
		"SELECT 1 SETTINGS `\\x6Aoin\\N_algorithm` = 'x'",
		`SELECT 1 SETTINGS "join\_algorithm" = 'x'`,
		"SELECT $$'$$, x FROM (" + set + ")",
		"SELECT $a1$ $$ ' $a1$, x FROM (" + set + ")",
		"SELECT 1 LIMIT 1$$'$$, (" + set + ")",
		"SELECT 1 AS a$$, '$$', x FROM (" + set + ")",
		"SELECT ‘'’, x FROM (" + set + ")",
		`SELECT ‘\’, '', x FROM (` + set + ")",
		"SELECT '''', x FROM (" + set + ")",
		`SELECT '\'', x FROM (` + set + ")",
		"SELECT 1 // it's\n, x FROM (" + set + ")",
		"SELECT 1 -- it's\n, x FROM (" + set + ")",
		"SELECT 1 # it's\n, x FROM (" + set + ")",
		"SELECT /* /* */ ' */ x FROM (" + set + ")",
		"SELECT /*/ ' */ x FROM (" + set + ")",
		"SELECT 1 FROM t SETTINGS additional_table_filters = {'t': 'x IN (SELECT x FROM y SETTINGS join_algorithm = 1)'}",
		`SELECT 1 FROM t SETTINGS "additional_table_filters" = {'t': 'x IN (SELECT x FROM y SETTINGS \x6aoin_algorithm = 1)'}`,
		"SELECT 1 FROM t SETTINGS additional_result_filter = $$x IN (SELECT x FROM y SETTINGS join_algorithm = 1)$$",
		"SELECT 1 FROM t SETTINGS additional_table_filters = {'t': x'6a6f'}",
		"SET param_p = 'x IN (SELECT x FROM y SETTINGS join_algorithm = 1)'",
		`CREATE DICTIONARY d (x Int8) PRIMARY KEY x SOURCE(CLICKHOUSE(QUERY 'SELECT 1 WHERE ''a"'' != '''' SETTINGS join_algorithm = 1')) LAYOUT(FLAT())`,
		"CREATE NAMED COLLECTION c AS query = 'SELECT 1 SETTINGS join_algorithm = 1'",
		"ATTACH TABLE t UUID 'u' (x Int8) ENGINE = MergeTree ORDER BY x SETTINGS disk = 'default'",
		"attach table t UUID 'u' (x Int8) ENGINE = MergeTree ORDER BY x SETTINGS `storage_policy` = 'default'",
	} {
		if parse(query).forbidden(proto.Query{}) == "" {
			t.Errorf("%.200q passes", query)
		}
	}
}

func TestParseLetsPassWhatOnlySoundsFixed(t *testing.T) {
	for _, query := range []string{
		"SELECT count() FROM logs WHERE body LIKE '%SETTINGS join_algorithm = 1%'",
		"SELECT 'it''s', 'join_algorithm', $$join_algorithm$$, ‘join_algorithm’ /* join_algorithm */ -- join_algorithm",
		"INSERT INTO logs VALUES " + strings.Repeat(`('join_algorithm', 'it\'s'),`, insertScan/8),
		"SELECT disk, storage_policy FROM system.parts SETTINGS max_threads = 1",
		"ALTER TABLE t ATTACH PARTITION ID '1'",
		`SELECT 1 FROM t SETTINGS additional_table_filters = {'t': 'x != \'a\''}`,
	} {
		if found := parse(query).forbidden(proto.Query{}); found != "" {
			t.Errorf("%.200q is refused for %s", query, found)
		}
	}
}

// TestParseLooksAround has what comes with a query and becomes part of it.
func TestParseLooksAround(t *testing.T) {
	const (
		filter = "{'t': 'x IN (SELECT x FROM y SETTINGS join_algorithm = 1)'}"
		takes  = "SELECT 1 FROM t SETTINGS additional_table_filters = {p:Map(String, String)}"
	)
	parameter := proto.Query{Parameters: []proto.Parameter{{Key: "p", Value: literal(filter)}}}
	for _, c := range []struct {
		text string
		with proto.Query
		want string
	}{
		{"SELECT 1 FROM t", proto.Query{Settings: []proto.Setting{{Key: "additional_table_filters", Value: filter}}}, "join_algorithm"},
		{"SELECT 1 FROM t", proto.Query{Settings: []proto.Setting{{Key: logComment, Value: filter}}}, ""},
		{takes, parameter, "join_algorithm"},
		{"SELECT 1 FROM t WHERE x = {p:String}", parameter, ""},
	} {
		if got := parse(c.text).forbidden(c.with); got != c.want {
			t.Errorf("%s with %v: got %q, want %q", c.text, c.with, got, c.want)
		}
	}
	deep := "1"
	for i := range maxQuotes + 1 {
		quote := fmt.Sprintf("$a%d$", i)
		deep = quote + deep + quote
	}
	if parse("SET param_p = "+deep).fixed == "" {
		t.Error("there is no bound to strings in strings")
	}
}
