package native

// data copies n values of a column.
func (w *Walker) data(t *typ, n int) {
	switch t.kind {
	case str:
		w.strings(n)
	case array:
		w.array(t, n)
	case tuple:
		if len(t.args) == 0 {
			w.copy(n, 1)
		}
		w.each(t.args, n)
	case nullable:
		w.copy(n, 1)
		w.data(t.args[0], n)
	case lowCardinality:
		w.dictionary(t, n)
	case variant:
		w.variant(t, n)
	case dynamic:
		if t.version == flattened {
			w.flattened(t, n)
			return
		}
		w.each(t.args, n)
	case object:
		w.object(t, n)
	default:
		w.copy(n, t.size)
	}
}

func (w *Walker) each(args []*typ, n int) {
	for _, a := range args {
		w.data(a, n)
	}
}

// array copies the end offset of each array, then the elements of all; a Map is an array of keys and one of values.
func (w *Walker) array(t *typ, n int) {
	if n == 0 {
		return
	}
	w.copy(n-1, 8)
	w.each(t.args, bounded(w.u64()))
}

// dictionary copies a LowCardinality column: its distinct values, then for each row the number of one.
func (w *Walker) dictionary(t *typ, n int) {
	if n == 0 {
		return
	}
	width := 1 << (w.u64() & 3)
	keys := bounded(w.u64())
	inner := t.args[0]
	if inner.kind == nullable { // NULL is a key of its own, not a mask
		inner = inner.args[0]
	}
	w.data(inner, keys)
	if rows := w.u64(); rows != uint64(n) {
		malformed("a dictionary column of %d rows where %d were announced", rows, n)
	}
	w.copy(n, width)
}

// variant copies which type each row has, then a column per type with just its rows.
func (w *Walker) variant(t *typ, n int) {
	if t.version != 0 {
		malformed("compact discriminators are not supported")
	}
	var counts [256]int
	for _, d := range w.take(n) {
		counts[d]++
	}
	for i, a := range t.args {
		w.data(a, counts[i])
	}
}

// flattened is like variant, with an index as wide as the number of types demands.
func (w *Walker) flattened(t *typ, n int) {
	width := 1
	if len(t.args)+1 > 1<<8 {
		width = 2
	}
	counts := make([]int, len(t.args)+1)
	index := w.take(n * width)
	for i := 0; i < len(index); i += width {
		d := int(index[i])
		if width == 2 {
			d |= int(index[i+1]) << 8
		}
		if d < len(counts) {
			counts[d]++
		}
	}
	for i, a := range t.args {
		w.data(a, counts[i])
	}
}

// object copies a JSON column: the typed paths, the dynamic ones, then what is shared as Array(Tuple(path, value)).
func (w *Walker) object(t *typ, n int) {
	if t.version == asString {
		w.strings(n)
		return
	}
	w.each(t.args, n)
	if t.version != flattened {
		w.array(&typ{kind: array, args: []*typ{{kind: str}, {kind: str}}}, n)
	}
}
