package remedy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/midwatch/midwatch/collector/secret"
)

// masks number the values that they hide: what is the same has the same number, so that people see which change.
type masks map[string]int

// of stands for a value.
func (m masks) of(value string) string {
	n, known := m[value]
	if !known {
		n = len(m) + 1
		m[value] = n
	}
	return fmt.Sprintf("%s (%d)", secret.Mask, n)
}

// hide masks what looks like a credential by its name, as that of a container's variable or a key, by the option before it, or by itself.
func (m masks) hide(v any) any {
	switch v := v.(type) {
	case string:
		return m.text(v)
	case []any:
		return m.list(v)
	case map[string]any:
		name, _ := v["name"].(string)
		for _, key := range slices.Sorted(maps.Keys(v)) { // in order, for the numbers
			text, ok := v[key].(string)
			if ok && (secret.Name(key) || key == "value" && secret.Name(name)) {
				v[key] = m.of(text)
			} else {
				v[key] = m.hide(v[key])
			}
		}
	}
	return v
}

// list hides in a list, which may be a command line: --password hunter2.
func (m masks) list(values []any) any {
	option := false
	for i, v := range values {
		text, ok := v.(string)
		name, value, assigned := strings.Cut(text, "=")
		switch {
		case ok && option && !strings.HasPrefix(text, "-"):
			values[i], option = m.of(text), false
			continue
		case ok && assigned && secret.Name(name):
			values[i] = name + "=" + m.of(value)
		default:
			values[i] = m.hide(v)
		}
		option = ok && strings.HasPrefix(text, "-") && secret.Name(text)
	}
	return values
}

// text hides parts of a text: passwords in addresses, settings, keys.
func (m masks) text(text string) string {
	masked := secret.Text(text)
	if masked == text {
		return text
	}
	return strings.ReplaceAll(masked, secret.Mask, m.of(text))
}
