// Package config reads Midwatch's one YAML file. Each part owns its own struct; this package only finds the sections,
// refuses what nobody owns, and says on which line.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// ErrConfig means the file is not a valid configuration. The text names file and line.
var ErrConfig = errors.New("configuration")

// Load reads path into sections: top-level key → pointer to a struct that holds its defaults. A key that no section or
// field owns is an error that names the line. An empty path leaves the defaults.
func Load(path string, sections map[string]any) error {
	if path == "" {
		return nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(b))
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrConfig, path, err)
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return fmt.Errorf("%w: %s:%d: want key: value pairs", ErrConfig, path, root.Line)
	}
	for i := 0; i < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		section, known := sections[key.Value]
		if !known {
			return fmt.Errorf("%w: %s:%d: unknown key %q; known keys: %s", ErrConfig, path, key.Line, key.Value,
				strings.Join(slices.Sorted(maps.Keys(sections)), ", "))
		}
		if err := decode(value, section); err != nil {
			return fmt.Errorf("%w: %s: in %s: %w", ErrConfig, path, key.Value, err)
		}
	}
	return nil
}

// decode is strict: a field that nobody owns is an error. Both kinds of errors name the line of the file.
func decode(n *yaml.Node, into any) error {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil
	}
	if err := unknown(n, into); err != nil {
		return err
	}
	if problems := durations(n, reflect.TypeOf(into)); problems != nil {
		return errors.New(strings.Join(problems, "; "))
	}
	err := n.Decode(into) // a node knows its line, but its Decode takes any field
	var te *yaml.TypeError
	if errors.As(err, &te) {
		return errors.New(strings.Join(te.Errors, "; "))
	}
	return err
}

// unknown looks for fields that into has not: only a decoder of text does, so the section is written out again, into a copy.
func unknown(n *yaml.Node, into any) error {
	b, err := yaml.Marshal(n)
	if err != nil {
		return err
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	var te *yaml.TypeError
	if !errors.As(dec.Decode(reflect.New(reflect.TypeOf(into).Elem()).Interface()), &te) {
		return nil
	}
	var problems []string
	for _, p := range te.Errors {
		var line int
		var field string
		if _, err := fmt.Sscanf(p, "line %d: field %s not found", &line, &field); err == nil {
			problems = append(problems, fmt.Sprintf("line %d: unknown key %q", find(n, field), field))
		}
	}
	if problems == nil {
		return nil
	}
	return errors.New(strings.Join(problems, "; "))
}

func find(n *yaml.Node, key string) int {
	if n.Kind == yaml.MappingNode {
		for i := 0; i < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				return n.Content[i].Line
			}
		}
	}
	for _, c := range n.Content {
		if at := find(c, key); at > 0 {
			return at
		}
	}
	return 0
}
