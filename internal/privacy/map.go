package privacy

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
)

// Map is what one investigation replaced: pseudonym → original. Stored as JSON it must be sealed. No two originals share
// a pseudonym in it. Originals never hold quotes, backslashes, white space or control characters, so that they can stand
// wherever their pseudonym stood, a string literal of a check included. Safe for concurrent use.
type Map struct {
	mu        sync.Mutex
	originals map[string]string // pseudonym → original
	names     map[entity]string // the reverse
}

type entity struct{ kind, original string }

// NewMap returns an empty map.
func NewMap() *Map {
	return &Map{originals: map[string]string{}, names: map[entity]string{}}
}

// Len is how many pseudonyms there are.
func (m *Map) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.originals)
}

// Add takes over what another map holds. It adds nothing and returns false when a pseudonym stands for something else in
// the two, or an original has two pseudonyms.
func (m *Map) Add(other *Map) bool {
	other.mu.Lock()
	added := maps.Clone(other.names)
	other.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	for e, name := range added {
		original, known := m.originals[name]
		mine, named := m.names[e]
		if known && original != e.original || named && mine != name {
			return false
		}
	}
	for e, name := range added {
		m.originals[name], m.names[e] = e.original, name
	}
	return true
}

// name returns the pseudonym of an original and gives it one when it has none. A collision, one in 2^28 per pair, makes
// the later one longer.
func (m *Map) name(key []byte, kind, original string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if name, ok := m.names[entity{kind, original}]; ok {
		return name
	}
	original = strings.Clone(original) // not the megabytes it is cut from
	for n := digits; ; n++ {
		name := derive(key, kind, original, n)
		if _, taken := m.originals[name]; !taken {
			m.originals[name] = original
			m.names[entity{kind, original}] = name
			return name
		}
	}
}

// each gives every name of the map to f.
func (m *Map) each(f func(kind, original string)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for e := range m.names {
		f(e.kind, e.original)
	}
}

// Resolve turns every pseudonym of the map in text back, in one pass: what an original holds is not resolved again. What
// is no known pseudonym stays.
func (m *Map) Resolve(text string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out strings.Builder
	copied, i := 0, 0
	for {
		dash := strings.IndexByte(text[i:], '-')
		if dash < 0 {
			break
		}
		dash += i
		i = dash + 1
		from, to, ok := pseudonymAt(text, dash)
		if !ok {
			continue
		}
		if original, known := m.originals[text[from:to]]; known {
			out.WriteString(text[copied:from])
			out.WriteString(original)
			copied = to
		}
		i = to
	}
	if copied == 0 {
		return text
	}
	out.WriteString(text[copied:])
	return out.String()
}

// ResolveJSON is Resolve in every string of a JSON document, keys included. What is not valid JSON comes back as it is.
func (m *Map) ResolveJSON(doc json.RawMessage) json.RawMessage {
	if !json.Valid(doc) {
		return doc
	}
	return json.RawMessage(rewriteStrings(string(doc), func(text string, _ place) string { return m.Resolve(text) }))
}

// MarshalJSON writes an object of pseudonyms and originals, sorted.
func (m *Map) MarshalJSON() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return json.Marshal(m.originals)
}

// UnmarshalJSON reads what MarshalJSON wrote and forgets what was there.
func (m *Map) UnmarshalJSON(b []byte) error {
	originals := map[string]string{}
	if err := json.Unmarshal(b, &originals); err != nil {
		return fmt.Errorf("read pseudonyms: %w", err)
	}
	names := make(map[entity]string, len(originals))
	for name, original := range originals {
		if !isPseudonym(name) {
			return fmt.Errorf("read pseudonyms: %q is none", name)
		}
		kind, _, _ := strings.Cut(name, "-")
		names[entity{kind, original}] = name
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.originals, m.names = originals, names
	return nil
}
