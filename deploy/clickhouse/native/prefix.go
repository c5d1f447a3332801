package native

import "slices"

// Serialization versions of Dynamic and JSON columns.
const (
	withLimit   = 0 // JSON: a limit of dynamic paths follows
	asString    = 1 // JSON: as text
	withMaximum = 1 // Dynamic: a limit of types follows
	flattened   = 3 // no shared data
)

// prefix copies what stands before the data of a column, nested types included.
func (w *Walker) prefix(t *typ) {
	switch t.kind {
	case lowCardinality:
		w.u64()
		return
	case variant:
		t.version = w.u64()
	case dynamic:
		w.dynamicPrefix(t)
	case object:
		t.version = w.u64()
		if t.version == asString {
			return
		}
		if t.version == withLimit {
			w.uvarint()
		}
		for range w.few() {
			w.text()
			t.args = append(t.args, &typ{kind: dynamic})
		}
	}
	for _, a := range t.args {
		w.prefix(a)
	}
}

// few copies a number of types or paths, each of which costs more than a byte here.
func (w *Walker) few() int {
	n := w.count()
	if n > maxColumns {
		malformed("%d types in one column", n)
	}
	return n
}

// dynamicPrefix reads which types a Dynamic column holds, in the order of their data.
func (w *Walker) dynamicPrefix(t *typ) {
	t.version = w.u64()
	if t.version == withMaximum {
		w.uvarint()
	}
	var names []string
	for range w.few() {
		names = append(names, w.text())
	}
	t.args = nil
	if t.version == flattened {
		for _, n := range names {
			t.args = append(t.args, parse(n))
		}
		return
	}
	const shared = "SharedVariant" // whatever found no place among the types, as strings
	names = append(names, shared)
	slices.Sort(names)
	var args []*typ
	for _, n := range names {
		if n == shared {
			n = "String"
		}
		args = append(args, parse(n))
	}
	t.args = []*typ{newVariant(args)}
}
