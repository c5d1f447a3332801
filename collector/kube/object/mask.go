package object

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/midwatch/midwatch/collector/secret"
)

// Tags tell whether what a mask hides is still the same: path → keyed digest of the hidden value. They stay inside the cluster; what leaves it
// has the mask alone, from which nothing can be guessed.
type Tags map[string]string

// masker hides credentials in one object.
type masker struct {
	key    []byte
	tags   Tags
	custom bool
}

// Mask hides credentials in place: ConfigMap values, variables, arguments, annotations, and whatever looks like one in any other text. key makes the
// tags; it must not be known outside of the cluster. custom says that the kind is none of Kubernetes' own: then names of fields count, too.
func Mask(o Object, key []byte, custom bool) Tags {
	m := &masker{key: key, tags: Tags{}, custom: custom}
	meta := o.Metadata()
	m.named("/metadata/annotations", meta.Map("annotations"))
	if o.Kind() == "ConfigMap" {
		m.files("/data", o.Map("data"))
		for k := range o.Map("binaryData") {
			m.hide("/binaryData/"+escape(k), o.Map("binaryData"), k, secret.Mask)
		}
	}
	for k, v := range o {
		if k == "metadata" || o.Kind() == "ConfigMap" && (k == "data" || k == "binaryData") {
			continue
		}
		m.value("/"+escape(k), k, v, func(s string) { o[k] = s })
	}
	return m.tags
}

// Changed adds to a diff what differs behind masks alone: the path, and masks on both sides.
func (t Tags) Changed(before Tags, diff Diff) Diff {
	told := map[string]bool{}
	for _, d := range diff {
		told[d.Path] = true
	}
	for _, path := range slices.Sorted(maps.Keys(t)) {
		if old, ok := before[path]; ok && old != t[path] && !told[path] {
			diff = append(diff, Difference{path, secret.Mask, secret.Mask})
		}
	}
	return diff
}

// tag remembers a value as it was before any masking.
func (m *masker) tag(path, value string) {
	if m.tags[path] != "" {
		return
	}
	h := hmac.New(sha256.New, m.key)
	h.Write([]byte(path + "\x00" + value))
	m.tags[path] = base64.RawStdEncoding.EncodeToString(h.Sum(nil)[:12])
}

// hide replaces the string at key of in, when the masked one is another.
func (m *masker) hide(path string, in map[string]any, key, masked string) {
	s, ok := in[key].(string)
	if !ok || s == masked {
		return
	}
	m.tag(path, s)
	in[key] = masked
}

// named masks values whose name says that they are secret, and secrets inside of the others.
func (m *masker) named(path string, in map[string]any) {
	for k, v := range in {
		if s, ok := v.(string); ok {
			m.hide(path+"/"+escape(k), in, k, variable(k[strings.LastIndexByte(k, '/')+1:], s))
		}
	}
}

// files masks the entries of a ConfigMap, which are variables or whole files.
func (m *masker) files(path string, in map[string]any) {
	for k, v := range in {
		s, ok := v.(string)
		if !ok {
			continue
		}
		masked := variable(k, s)
		if secret.Named(k) && s != "" {
			masked = secret.Mask
		}
		m.hide(path+"/"+escape(k), in, k, masked)
	}
}

func variable(name, value string) string {
	if value == "" {
		return value
	}
	if secret.Name(name) {
		return secret.Mask
	}
	return secret.Text(value)
}

// value walks through anything. name is the key under which v stands.
func (m *masker) value(path, name string, v any, set func(string)) {
	switch v := v.(type) {
	case string:
		masked := secret.Line(v)
		if m.custom && secret.Name(name) && !refers(name) && v != "" {
			masked = secret.Mask
		}
		if masked != v {
			m.tag(path, v)
			set(masked)
		}
	case map[string]any:
		m.container(path, v)
		if pair, ok := v["name"].(string); ok { // a variable or a header
			if s, ok := v["value"].(string); ok {
				m.hide(path+"/value", v, "value", variable(pair, s))
			}
		}
		for k, x := range v {
			m.value(path+"/"+escape(k), k, x, func(s string) { v[k] = s })
		}
	case []any:
		for i, x := range v {
			m.value(path+"/"+item(x, i), name, x, func(s string) { v[i] = s })
		}
	}
}

// container masks arguments, which belong together: an option may stand in one and its value in the next.
func (m *masker) container(path string, in map[string]any) {
	command, args := texts(in["command"]), texts(in["args"])
	if len(command)+len(args) == 0 {
		return
	}
	all := append(append([]string{"-"}, command...), args...) // secret.Args takes the first for the program
	for i, masked := range secret.Args(all)[1:] {
		key, at := "command", i
		if i >= len(command) {
			key, at = "args", i-len(command)
		}
		if masked != all[i+1] {
			m.tag(path+"/"+key+"/"+strconv.Itoa(at), all[i+1])
			in[key].([]any)[at] = masked //nolint:errcheck // texts found it to be a list
		}
	}
}

func texts(v any) []string {
	list, _ := v.([]any)
	out := make([]string, 0, len(list))
	for _, x := range list {
		s, _ := x.(string)
		out = append(out, s)
	}
	return out
}

// refers says of a field's name that it names where a secret is, not the secret.
func refers(name string) bool {
	for _, suffix := range []string{"Name", "Ref", "Refs", "Key", "Path", "File", "Namespace", "Selector", "Type", "Class", "Policy", "Audience"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// item is how Compare calls an item of a list.
func item(x any, i int) string {
	if m, ok := x.(map[string]any); ok {
		for _, key := range []string{"name", "type"} {
			if s, ok := m[key].(string); ok {
				return escape(s)
			}
		}
	}
	return strconv.Itoa(i)
}
