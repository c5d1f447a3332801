package object

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// Difference is one field that two versions do not share. Nil stands for a field that is not there.
type Difference struct {
	Path   string `json:"path"` // JSON pointer; items of a list that have names or types go by these: /spec/containers/api/image
	Before any    `json:"before"`
	After  any    `json:"after"`
}

// Diff is what two versions differ in, ordered by path.
type Diff []Difference

// maxDiff bounds the text of a diff in bytes; past it long values are cut, then differences left out.
const maxDiff = 64 << 10

// Compare returns the differences between two normalized versions.
func Compare(before, after Object) Diff {
	var d Diff
	d.compare("", map[string]any(before), map[string]any(after))
	return d
}

// Matters says whether the differences are reason to keep another version of an object of the kind.
func (d Diff) Matters(kind string) bool {
	return slices.ContainsFunc(d, func(x Difference) bool { return !volatile(kind, x.Path) })
}

// Under returns the differences at a path or below.
func (d Diff) Under(path string) Diff {
	var out Diff
	for _, x := range d {
		if x.Path == path || strings.HasPrefix(x.Path, path+"/") {
			out = append(out, x)
		}
	}
	return out
}

func (d *Diff) compare(path string, before, after any) {
	switch b := before.(type) {
	case map[string]any:
		if a, ok := after.(map[string]any); ok {
			d.maps(path, b, a)
			return
		}
	case []any:
		if a, ok := after.([]any); ok {
			d.lists(path, b, a)
			return
		}
	}
	if !reflect.DeepEqual(before, after) {
		*d = append(*d, Difference{path, before, after})
	}
}

func (d *Diff) maps(path string, before, after map[string]any) {
	keys := make([]string, 0, len(before)+len(after))
	for k := range before {
		keys = append(keys, k)
	}
	for k := range after {
		if _, both := before[k]; !both {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	for _, k := range keys {
		d.compare(path+"/"+escape(k), before[k], after[k])
	}
}

// lists compares items by name where all have one, else by position.
func (d *Diff) lists(path string, before, after []any) {
	for _, key := range []string{"name", "type"} {
		b, okB := byKey(before, key)
		a, okA := byKey(after, key)
		if okB && okA && len(b)+len(a) > 0 {
			d.maps(path, b, a)
			return
		}
	}
	for i := range max(len(before), len(after)) {
		var b, a any
		if i < len(before) {
			b = before[i]
		}
		if i < len(after) {
			a = after[i]
		}
		d.compare(path+"/"+strconv.Itoa(i), b, a)
	}
}

func byKey(list []any, key string) (map[string]any, bool) {
	out := make(map[string]any, len(list))
	for _, x := range list {
		m, _ := x.(map[string]any)
		name, ok := m[key].(string)
		if !ok {
			return nil, false
		}
		out[name] = x
	}
	return out, len(out) == len(list)
}

// JSON is the diff as ObjectDiff carries it, at most maxDiff bytes.
func (d Diff) JSON() (string, error) {
	for limit := maxDiff; ; limit /= 8 {
		cut := make(Diff, len(d))
		for i, x := range d {
			cut[i] = Difference{x.Path, shorten(x.Before, limit), shorten(x.After, limit)}
		}
		b, err := json.Marshal(cut)
		if err != nil {
			return "", fmt.Errorf("encode diff: %w", err)
		}
		if len(b) <= maxDiff {
			return string(b), nil
		}
		if limit < 64 {
			d = append(d[:len(d)/2:len(d)/2], Difference{Path: "…"})
		}
	}
}

// shorten replaces a value whose text is longer than limit by the beginning of the text.
func shorten(v any, limit int) any {
	var text string
	switch v := v.(type) {
	case string:
		text = v
	case map[string]any, []any:
		b, err := json.Marshal(v)
		if err != nil {
			return nil
		}
		text = string(b)
	default:
		return v
	}
	if len(text) <= limit {
		return v
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}

var pointer = strings.NewReplacer("~", "~0", "/", "~1")

func escape(key string) string { return pointer.Replace(key) }

func unescape(part string) string {
	return strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
}
