package wire

import (
	"cmp"
	"slices"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// TextOf is Text of a value that OpenTelemetry's library has read; a string, too, has at most most bytes. A map is ordered by its keys, so that
// the series of metrics are the same in whatever order it came.
func TextOf(v pcommon.Value, most int) []byte {
	w := writer{end: most}
	switch v.Type() {
	case pcommon.ValueTypeEmpty:
	case pcommon.ValueTypeStr:
		return []byte(Cut(v.Str(), most))
	case pcommon.ValueTypeBytes:
		w.base64(v.Bytes().AsRaw())
	case pcommon.ValueTypeDouble:
		w.to = appendDouble(w.to, v.Double())
	default:
		w.value(v)
	}
	return w.since(0)
}

// value writes a value in JSON. How deep it may be is up to who read it.
func (w *writer) value(v pcommon.Value) {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		w.quoted([]byte(Cut(v.Str(), max(0, w.end-len(w.to)))))
	case pcommon.ValueTypeBool:
		w.to = strconv.AppendBool(w.to, v.Bool())
	case pcommon.ValueTypeInt:
		w.to = strconv.AppendInt(w.to, v.Int(), 10)
	case pcommon.ValueTypeDouble:
		w.number(v.Double())
	case pcommon.ValueTypeBytes:
		w.put('"')
		w.base64(v.Bytes().AsRaw())
		w.put('"')
	case pcommon.ValueTypeSlice:
		w.list(v.Slice())
	case pcommon.ValueTypeMap:
		w.object(v.Map())
	default:
		w.null()
	}
}

func (w *writer) list(of pcommon.Slice) {
	w.put('[')
	first := true
	for _, v := range of.All() {
		if w.full() {
			break
		}
		w.comma(&first)
		w.value(v)
	}
	w.put(']')
}

func (w *writer) object(of pcommon.Map) {
	type pair struct {
		key   string
		value pcommon.Value
	}
	all := make([]pair, 0, of.Len())
	for key, v := range of.All() {
		all = append(all, pair{key, v})
	}
	slices.SortStableFunc(all, func(a, b pair) int { return cmp.Compare(a.key, b.key) })
	w.put('{')
	first := true
	for _, p := range all {
		if w.full() {
			break
		}
		w.comma(&first)
		w.quoted([]byte(Cut(p.key, max(0, w.end-len(w.to)))))
		w.put(':')
		w.value(p.value)
	}
	w.put('}')
}
