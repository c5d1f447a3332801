package server

import (
	"slices"
	"strings"
)

// statement is what the server must know of a query's text; everything else is the engine's business.
type statement struct {
	text     string // without a trailing FORMAT clause or semicolon
	verb     string // first keyword, upper case
	multiple bool   // more than one statement
	fixed    string // setting that it names though nobody may set it
	sql      bool   // whether strings of it, or parameters, may be SQL to the engine
	insert   *insertion
}

// insertion is an INSERT whose rows come as blocks.
type insertion struct {
	head    string // "INSERT INTO t (a, b) SETTINGS …", up to VALUES or FORMAT
	target  string // "t", or "f(…)" of FUNCTION f(…)
	columns string // "a, b", or "*" where none are named
}

// insertScan bounds an INSERT that is looked into for where its rows come from: past it, it carries them, or selects them.
const insertScan = 64 << 10

func parse(q string) statement {
	if len(q) > insertScan && strings.HasPrefix(strings.ToUpper(strings.TrimSpace(q[:32])), "INSERT") {
		s := statement{text: q, verb: "INSERT"}
		s.fixed, s.sql = forbidden(scan(q), 0)
		return s
	}
	t := tokens(slices.Collect(scan(q)))
	s := statement{text: q}
	for i, x := range t {
		if x.text == ";" {
			s.multiple = i+1 < len(t)
			t, s.text = t[:i], q[:x.start]
			break
		}
	}
	s.verb = t.verb()
	s.fixed, s.sql = forbidden(slices.Values(t), 0)
	if s.verb == "INSERT" {
		s.insert = t.insertion(s.text)
	} else if n := len(t); n > 2 && t.at(n-2) == "FORMAT" {
		s.text = q[:t[n-2].start]
	}
	return s
}

type tokens []token

// at is token i in upper case, or nothing past the end.
func (t tokens) at(i int) string {
	if i < len(t) {
		return strings.ToUpper(t[i].text)
	}
	return ""
}

// verb is the first keyword, brackets left out.
func (t tokens) verb() string {
	i := 0
	for t.at(i) == "(" {
		i++
	}
	return t.at(i)
}

// after is the token after the bracket that opens at i, or past the end if it never closes.
func (t tokens) after(i int) int {
	for depth := 0; i < len(t); i++ {
		switch t[i].text {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(t) + 1
}

// insertion reads "INSERT INTO target (columns) … [VALUES|FORMAT x]", or nil if the rows come with the statement.
func (t tokens) insertion(q string) *insertion {
	i := 1
	for t.at(i) == "INTO" || t.at(i) == "TABLE" {
		i++
	}
	function := t.at(i) == "FUNCTION"
	if function {
		i++
	}
	from := i
	for i++; t.at(i) == "."; i += 2 {
	}
	if function {
		i = t.after(i)
	}
	if i > len(t) || from >= len(t) {
		return nil
	}
	ins := &insertion{target: q[t[from].start:t[i-1].end], columns: "*"}
	if t.at(i) == "(" {
		end := t.after(i)
		if verb := t.at(i + 1); end > len(t) || verb == "SELECT" || verb == "WITH" {
			return nil
		}
		ins.columns = q[t[i].end:t[end-1].start]
		i = end
	}
	return t.source(ins, q, i)
}

// source looks from token i on for where the rows come from.
func (t tokens) source(ins *insertion, q string, i int) *insertion {
	for ; i < len(t); i++ {
		switch t.at(i) {
		case "(":
			i = t.after(i) - 1
		case "SELECT", "WITH", "FROM":
			return nil
		case "VALUES":
			ins.head = q[:t[i].start]
			return onlyIf(i+1 == len(t), ins)
		case "FORMAT":
			ins.head = q[:t[i].start]
			return onlyIf(i+2 >= len(t), ins)
		}
	}
	ins.head = q
	return ins
}

func onlyIf(ok bool, ins *insertion) *insertion {
	if !ok {
		return nil
	}
	return ins
}
