package config

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/midwatch/midwatch/internal/spoken"
)

var (
	durationType    = reflect.TypeFor[time.Duration]()
	unmarshalerType = reflect.TypeFor[yaml.Unmarshaler]()
)

// durations rewrites the lengths of time in n, which becomes a t, as yaml understands them: it knows no days. It returns what is
// wrong with each that is none, with its line.
func durations(n *yaml.Node, t reflect.Type) (problems []string) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == durationType:
		return duration(n)
	case reflect.PointerTo(t).Implements(unmarshalerType): // it reads itself
	case t.Kind() == reflect.Struct && n.Kind == yaml.MappingNode:
		fields := fieldsOf(t)
		for i := 0; i+1 < len(n.Content); i += 2 {
			if field, known := fields[n.Content[i].Value]; known {
				problems = append(problems, durations(n.Content[i+1], field)...)
			}
		}
	case t.Kind() == reflect.Map && n.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			problems = append(problems, durations(n.Content[i+1], t.Elem())...)
		}
	case (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) && n.Kind == yaml.SequenceNode:
		for _, c := range n.Content {
			problems = append(problems, durations(c, t.Elem())...)
		}
	}
	return problems
}

// duration rewrites one length of time. A negative number needs no unit: it switches something off.
func duration(n *yaml.Node) []string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return nil
	}
	text := n.Value
	if n.Tag == "!!int" && strings.HasPrefix(text, "-") {
		text += "s"
	}
	d, err := spoken.Duration(text)
	if err != nil {
		return []string{fmt.Sprintf("line %d: %v", n.Line, err)}
	}
	n.Tag, n.Value = "!!str", d.String()
	return nil
}

// fieldsOf are the types of a struct's fields by their keys, those of inlined structs among them.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case strings.Contains(options, "inline") && f.Type.Kind() == reflect.Struct:
			for key, field := range fieldsOf(f.Type) {
				fields[key] = field
			}
		case name == "":
			fields[strings.ToLower(f.Name)] = f.Type
		default:
			fields[name] = f.Type
		}
	}
	return fields
}
