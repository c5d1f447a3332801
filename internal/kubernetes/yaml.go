package kubernetes

import (
	"bytes"
	"fmt"

	"gopkg.in/yaml.v3"
)

// YAML writes an object's JSON as people write manifests, its keys in the order they have.
func YAML(raw []byte) (string, error) {
	var n yaml.Node
	if err := yaml.Unmarshal(raw, &n); err != nil { // JSON is YAML
		return "", fmt.Errorf("read an object: %w", err)
	}
	plain(&n)
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(&n); err != nil {
		return "", fmt.Errorf("write an object as YAML: %w", err)
	}
	return b.String(), nil
}

// plain takes JSON's braces and quotes away; the encoder puts those back that are needed.
func plain(n *yaml.Node) {
	n.Style = 0
	for _, c := range n.Content {
		plain(c)
	}
}
