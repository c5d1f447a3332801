package server

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	insert := func(head, target, columns string) *insertion {
		return &insertion{head: head, target: target, columns: columns}
	}
	for query, want := range map[string]statement{
		"SELECT 1":                      {text: "SELECT 1", verb: "SELECT"},
		"select 1 format JSON":          {text: "select 1 ", verb: "SELECT"},
		"(SELECT 1) UNION ALL SELECT 2": {text: "(SELECT 1) UNION ALL SELECT 2", verb: "SELECT"},
		"-- why\n/* not */ SHOW TABLES": {text: "-- why\n/* not */ SHOW TABLES", verb: "SHOW"},
		"SELECT 1;":                     {text: "SELECT 1", verb: "SELECT"},
		"SELECT ';' ; DROP TABLE t":     {text: "SELECT ';' ", verb: "SELECT", multiple: true},
		`SELECT 'it\'s; fine'`:          {text: `SELECT 'it\'s; fine'`, verb: "SELECT"},
		"":                              {},
		"INSERT INTO t":                 {text: "INSERT INTO t", verb: "INSERT", insert: insert("INSERT INTO t", "t", "*")},
		"INSERT INTO d.`t (x)` (a, `b)`) VALUES": {
			text: "INSERT INTO d.`t (x)` (a, `b)`) VALUES", verb: "INSERT",
			insert: insert("INSERT INTO d.`t (x)` (a, `b)`) ", "d.`t (x)`", "a, `b)`"),
		},
		"insert into t (a) settings x = 1 format Native": {
			text: "insert into t (a) settings x = 1 format Native", verb: "INSERT",
			insert: insert("insert into t (a) settings x = 1 ", "t", "a"),
		},
		"INSERT INTO FUNCTION file('a', 'b') (c) VALUES": {
			text: "INSERT INTO FUNCTION file('a', 'b') (c) VALUES", verb: "INSERT",
			insert: insert("INSERT INTO FUNCTION file('a', 'b') (c) ", "file('a', 'b')", "c"),
		},
		"INSERT INTO t VALUES (1)":          {text: "INSERT INTO t VALUES (1)", verb: "INSERT"},
		"INSERT INTO t (a) SELECT 1":        {text: "INSERT INTO t (a) SELECT 1", verb: "INSERT"},
		"INSERT INTO t (SELECT 1)":          {text: "INSERT INTO t (SELECT 1)", verb: "INSERT"},
		"INSERT INTO t FORMAT CSV 1,2":      {text: "INSERT INTO t FORMAT CSV 1,2", verb: "INSERT"},
		"INSERT INTO":                       {text: "INSERT INTO", verb: "INSERT"},
		"INSERT INTO t (a) FROM INFILE 'f'": {text: "INSERT INTO t (a) FROM INFILE 'f'", verb: "INSERT"},
	} {
		if diff := cmp.Diff(want, parse(query), cmp.AllowUnexported(statement{}, insertion{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}

func TestParseLeavesLongInsertsAlone(t *testing.T) {
	long := "INSERT INTO t VALUES " + strings.Repeat("(1),", insertScan)
	if got := parse(long); got.insert != nil || got.text != long {
		t.Error("an insert that carries its values is not passed on as it is")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("INSERT INTO FUNCTION f(")
	f.Add("SELECT '\\")
	f.Add("INSERT INTO a . b (")
	f.Add("((/*")
	f.Add("SET param_a='\\x' `\\N` “ ‘ $a$ '\\N\\")
	f.Fuzz(func(t *testing.T, q string) {
		s := parse(q)
		if !strings.HasPrefix(q, s.text) {
			t.Errorf("%q became %q", q, s.text)
		}
		if s.insert != nil && !strings.HasPrefix(q, s.insert.head) {
			t.Errorf("%q has the head %q", q, s.insert.head)
		}
	})
}
