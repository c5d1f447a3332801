package mongodb

import (
	"slices"
	"strings"

	"github.com/midwatch/midwatch/collector/protocol/template"
)

// Bounds of a statement.
const (
	maxDepth     = 8
	maxStatement = 1024
	maxFields    = 32 // of a document
	maxStages    = 16 // of an array
)

// asked lists the parts of commands that say what is asked. All others are how, by whom, and what is stored.
var asked = []string{
	"filter", "query", "q", "u", "updates", "deletes", "update", "pipeline", "sort", "projection", "fields", "key", "hint", "indexes", "remove", "upsert", "arrayFilters", "collation",
}

// stored lists the operators whose arguments are documents of the users', whose fields may be anything.
var stored = []string{"$literal", "$documents"}

// statement writes a command without its values.
type statement struct{ strings.Builder }

// add writes a part of a command.
func (s *statement) add(e element) {
	if slices.Contains(asked, string(e.name)) {
		s.field(e, 0)
	}
}

func (s *statement) full() bool { return s.Len() >= maxStatement }

func (s *statement) field(e element, depth int) {
	if s.Len() > 0 && !strings.HasSuffix(s.String()[s.Len()-1:], "{") {
		s.WriteString(", ")
	}
	s.WriteString(template.Key(string(e.name)))
	s.WriteString(": ")
	s.value(e, depth)
}

func (s *statement) value(e element, depth int) {
	switch {
	case s.full() || depth >= maxDepth || slices.Contains(stored, string(e.name)), replaces(e):
		s.WriteByte('?')
	case e.kind == typeDocument:
		s.document(e.value, depth+1)
	case e.kind == typeArray:
		s.array(e.value, depth+1)
	default:
		s.WriteByte('?')
	}
}

func (s *statement) document(b []byte, depth int) {
	n := 0
	s.WriteByte('{')
	document(b, func(e element) bool {
		if n++; n > maxFields || s.full() {
			s.WriteString(", …")
			return false
		}
		s.field(e, depth)
		return true
	})
	s.WriteByte('}')
}

// replaces tells whether an update says what is stored instead, and not what changes of it.
func replaces(e element) bool {
	if e.kind != typeDocument || string(e.name) != "u" && string(e.name) != "update" {
		return false
	}
	operator := false
	document(e.value, func(e element) bool { operator = strings.HasPrefix(string(e.name), "$"); return false })
	return !operator
}

// array writes elements that differ, once each: a list of values is one, the stages of a pipeline are all there.
func (s *statement) array(b []byte, depth int) {
	var seen []string
	document(b, func(e element) bool {
		one := statement{}
		one.value(e, depth)
		if text := one.String(); !slices.Contains(seen, text) {
			seen = append(seen, text)
		}
		return len(seen) < maxStages
	})
	s.WriteString("[" + strings.Join(seen, ", ") + "]")
}
