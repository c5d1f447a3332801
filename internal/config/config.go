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

// decode is strict: yaml.Node.Decode is not, so the section is written out again with its line offset kept by blank lines.
func decode(n *yaml.Node, into any) error {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil
	}
	b, err := yaml.Marshal(n)
	if err != nil {
		return err
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	err = dec.Decode(into)
	var te *yaml.TypeError
	if errors.As(err, &te) {
		return fmt.Errorf("%s", relocate(te.Errors, n))
	}
	return err
}

// relocate turns "line N" of the section into the line of the file by finding the field's own node.
func relocate(problems []string, n *yaml.Node) string {
	out := make([]string, 0, len(problems))
	for _, p := range problems {
		var line int
		var field string
		if _, err := fmt.Sscanf(p, "line %d: field %s not found", &line, &field); err == nil {
			if at := find(n, field); at > 0 {
				out = append(out, fmt.Sprintf("line %d: unknown key %q", at, field))
				continue
			}
		}
		out = append(out, p)
	}
	return strings.Join(out, "; ")
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
