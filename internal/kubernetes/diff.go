package kubernetes

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Difference is one place in which two versions of an object differ. What was not there before, or is no more, is null.
type Difference struct {
	Path   string          `json:"path"` // /spec/template/spec/containers/api/image: what has a name goes by it, else by its place
	Before json.RawMessage `json:"before"`
	After  json.RawMessage `json:"after"`
}

// noise are paths that change with every version and tell nothing.
var noise = []string{"/metadata/resourceVersion", "/metadata/generation", "/metadata/managedFields", "/status/observedGeneration"}

// bookkeeping are the paths at and below which controllers note how an object does. A key with a slash is written as it is, or as in a JSON pointer.
var bookkeeping = []string{
	"/status", "/metadata/resourceVersion", "/metadata/generation", "/metadata/managedFields",
	"/metadata/annotations/deployment.kubernetes.io/revision", "/metadata/annotations/deployment.kubernetes.io~1revision",
}

// Bookkeeping are the paths at and below which controllers note how an object does: who wrote there changed nothing that was asked for.
func Bookkeeping() []string { return slices.Clone(bookkeeping) }

// IsBookkeeping says of a path that it is one of them.
func IsBookkeeping(path string) bool {
	return slices.ContainsFunc(bookkeeping, func(p string) bool { return path == p || strings.HasPrefix(path, p+"/") })
}

// Diff lists the differences between two versions of an object, ordered by path. What is no object has none.
func Diff(before, after []byte) []Difference {
	var a, b any
	if json.Unmarshal(before, &a) != nil || json.Unmarshal(after, &b) != nil {
		return nil
	}
	d := differ{}
	d.compare("", a, b)
	return d.found
}

type differ struct{ found []Difference }

func (d *differ) compare(path string, a, b any) {
	if slices.Contains(noise, path) || reflect.DeepEqual(a, b) {
		return
	}
	am, aIsMap := children(a)
	bm, bIsMap := children(b)
	if !aIsMap || !bIsMap {
		d.found = append(d.found, Difference{Path: path, Before: encode(a), After: encode(b)})
		return
	}
	names := slices.AppendSeq(slices.Collect(maps.Keys(am)), maps.Keys(bm))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		d.compare(path+"/"+name, am[name], bm[name])
	}
}

// children are the members of an object, or those of a list by the names they have, so that one that is put before the others does not
// make all of them differ.
func children(v any) (map[string]any, bool) {
	switch v := v.(type) {
	case map[string]any:
		return v, true
	case []any:
		out := make(map[string]any, len(v))
		for i, e := range v {
			key := name(e)
			if _, taken := out[key]; key == "" || taken {
				key = fmt.Sprintf("%03d", i)
			}
			out[key] = e
		}
		return out, true
	}
	return nil, false
}

// name is what tells an element of a list from the others: of a container its name, of a condition its type.
func name(e any) string {
	m, ok := e.(map[string]any)
	if !ok {
		return ""
	}
	for _, key := range []string{"name", "type", "key", "containerPort", "port", "uid", "ip"} {
		switch v := m[key].(type) {
		case string:
			return v
		case float64:
			return strconv.FormatFloat(v, 'f', -1, 64)
		}
	}
	return ""
}

func encode(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return b
}
