package server

import (
	"iter"
	"slices"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
)

// Setting is a setting of the engine and its value.
type Setting struct{ Name, Value string }

// fixed keeps queries from writing rows to temporary files, where they would lie on the disk in clear.
var fixed = []Setting{
	{"max_bytes_before_external_group_by", "0"},
	{"max_bytes_ratio_before_external_group_by", "0"},
	{"max_bytes_before_external_sort", "0"},
	{"max_bytes_ratio_before_external_sort", "0"},
	{"max_bytes_before_external_join", "0"},
	{"max_bytes_ratio_before_external_join", "0"},
	{"join_algorithm", "direct,parallel_hash,hash"},
}

// places say on which disk a table is. The engine holds CREATE and ALTER to what is allowed, ATTACH not.
var places = []string{"disk", "storage_policy"}

// maxQuotes bounds how deep SQL may lie in strings of SQL.
const maxQuotes = 8

// Fixed are the settings that nobody may change. The engine has to be told of them: the server sees only to subqueries, whose settings the
// engine does not hold against what is allowed (and of the limits on temporary files, which it takes from the whole query, sorts and joins know nothing).
func Fixed() []Setting { return slices.Clone(fixed) }

func isFixed(name string) bool {
	return slices.ContainsFunc(fixed, func(s Setting) bool { return s.Name == name })
}

// holdsSQL says whether strings that come after a name may be SQL to the engine: filters, the sources of dictionaries, and parameters that become either.
func holdsSQL(name string) bool {
	switch strings.ToLower(name) {
	case "additional_table_filters", "additional_result_filter", "dictionary", "collection":
		return true
	}
	return strings.HasPrefix(name, "param_")
}

// forbidden is the first thing named in a statement that nobody may set, whatever is said of it, for nothing else is called so; and whether
// the statement has strings that may be SQL, which are looked into.
func forbidden(tokens iter.Seq[token], quotes int) (found string, sql bool) {
	attach, sql, last := false, quotes > 0, token{}
	for t := range tokens {
		if t.kind == isString && !sql {
			last = t
			continue
		}
		said, coded := t.content(), last.end == t.start && (last.is("X") || last.is("B")) // x'…' or b'…'
		last = t
		switch {
		case t.kind == isString && (coded || quotes == maxQuotes):
			return "(in quotes that are not read)", sql
		case t.kind == isString:
			if found, _ := forbidden(scan(said), quotes+1); found != "" {
				return found, sql
			}
		case isFixed(said), attach && slices.Contains(places, said):
			return said, sql
		case t.is("ATTACH"):
			attach = true
		case holdsSQL(said):
			sql = true
		}
	}
	return "", sql
}

// forbidden is what a query sets though nobody may, be it in what comes with its text.
func (s statement) forbidden(q proto.Query) string {
	if s.fixed != "" {
		return s.fixed
	}
	for _, v := range q.Settings {
		if holdsSQL(v.Key) {
			if found, _ := forbidden(scan(v.Value), 1); found != "" {
				return found
			}
		}
	}
	for _, p := range q.Parameters {
		if s.sql {
			if found, _ := forbidden(scan(p.Value), 1); found != "" {
				return found
			}
		}
	}
	return ""
}
