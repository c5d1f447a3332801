package filter

import (
	"bytes"
	"encoding/json"
	"strings"
)

// json applies rules to the strings in a document, so that it stays one whatever a pattern finds. A value whose path keep names is left
// alone. What is no JSON is text.
func (p *pass) json(document string, rs []*redaction, keep func(path string) bool) string {
	d := json.NewDecoder(strings.NewReader(document))
	d.UseNumber()
	var root any
	if err := d.Decode(&root); err != nil || d.More() {
		return p.text(document, rs)
	}
	before := p.redacted + p.withheld
	root = p.node(root, "", rs, keep)
	if p.redacted+p.withheld == before {
		return document
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(root); err != nil { // what was decoded can be encoded
		p.withheld++
		return withheldText
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (p *pass) node(n any, path string, rs []*redaction, keep func(string) bool) any {
	if keep(path) {
		return n
	}
	switch n := n.(type) {
	case string:
		return p.text(n, rs)
	case []any:
		for i, e := range n {
			n[i] = p.node(e, path+"/*", rs, keep)
		}
	case map[string]any:
		for k, e := range n {
			n[k] = p.node(e, path+"/"+k, rs, keep)
		}
	}
	return n
}

// isIdentity are the parts of a Kubernetes object that say which it is.
func isIdentity(path string) bool {
	switch path {
	case "/apiVersion", "/kind", "/metadata/name", "/metadata/namespace", "/metadata/uid", "/metadata/resourceVersion", "/metadata/creationTimestamp",
		"/metadata/deletionTimestamp", "/metadata/ownerReferences":
		return true
	}
	return false
}

// isStep is where in an object a difference is; its two sides are looked through.
func isStep(path string) bool { return path == "/*/path" }
