package http2

import (
	"bytes"
	"slices"

	"golang.org/x/net/http2/hpack"
)

// Bounds of header blocks. What is larger is as unknown as what was not copied.
const (
	firstTable = 4 << 10  // what the dynamic table may have until the two ends agree on more or less
	maxTable   = 16 << 10 // to which they may agree here
	maxString  = 16 << 10
	maxBlock   = 32 << 10
)

// unknowns fills a table with entries that have neither name nor value, the smallest there are: as many as any table of that size has.
var unknowns = bytes.Repeat([]byte{0x40, 0, 0}, firstTable/32)

// table reads the header blocks of one direction.
type table struct {
	sure *hpack.Decoder
	// doubtful is the table as it was before bytes went missing, nil if none did: it still is, unless headers were among them.
	doubtful *hpack.Decoder
}

// newTable returns the table of a direction that begins; known is false in its middle.
func newTable(known bool) table {
	d := hpack.NewDecoder(firstTable, func(hpack.HeaderField) {})
	d.SetAllowedMaxDynamicTableSize(maxTable)
	d.SetMaxStringLength(maxString)
	if !known {
		_, _ = d.Write(unknowns)
		_ = d.Close()
	}
	return table{sure: d}
}

// doubted is the table once bytes are missing that may have been headers.
func (t table) doubted() table {
	before := t.doubtful
	if before == nil {
		before = t.sure
	}
	after := newTable(false)
	after.doubtful = before
	return after
}

// read reads a block, of which the end may be missing. ok is false if it is no block that could follow those before; what came before the fault counts.
func (t *table) read(block []byte, whole bool) (h headers, ok bool) {
	fields, err := decode(t.sure, block)
	if t.doubtful != nil {
		before, bad := decode(t.doubtful, block)
		switch {
		case bad != nil || whole && !sensible(before):
			t.doubtful = nil
		case whole && err == nil && t.proven(before, fields):
			t.sure, t.doubtful = t.doubtful, nil
			fields = before
		}
	}
	for _, f := range fields {
		h.add(f)
	}
	h.unknown = h.unknown || err != nil || !whole
	switch {
	case !whole: // its end may have inserted more
		*t = t.doubted()
	case err != nil:
		*t = newTable(false)
	}
	return h, err == nil
}

// proven tells whether a block proves that nothing was inserted out of sight: before is what it says with the table as it was, sure what is certain of it. What is inserted moves
// the indices of all that is older. So it proves it for gRPC, whose requests and answers all have a content-type: if the block refers to the only one that the table had, then
// that has not moved. A table that is more than half full proves nothing: there, entries come and go, and the content-type may have come again at the same index.
func (t *table) proven(before, sure []hpack.HeaderField) bool {
	i := slices.IndexFunc(before, func(f hpack.HeaderField) bool { return f.Name == contentType })
	if i < 0 || sure[i].Name != "" || !isGRPC(before[i].Value) {
		return false
	}
	types, size := 0, uint32(0)
	for _, f := range entries(t.doubtful) {
		size += f.Size()
		if f.Name == contentType {
			types++
		}
	}
	return types == 1 && size <= firstTable/2
}

// sensible tells whether fields can stand together.
func sensible(fields []hpack.HeaderField) bool {
	said, regular := map[string]string{}, false
	for _, f := range fields {
		_, again := said[f.Name]
		switch pseudo := f.IsPseudo(); {
		case f.Name == "", pseudo && regular, again && (pseudo || f.Name == contentType || f.Name == "te" || f.Name == "user-agent" || f.Name == "grpc-status"):
			return false
		case !pseudo:
			regular = true
		}
		said[f.Name] = f.Value
	}
	status, answers := said[":status"]
	method, asks := said[":method"]
	switch {
	case answers && asks:
		return false
	case answers:
		return isStatus(status)
	case asks:
		scheme, path := said[":scheme"], said[":path"]
		return isMethod(method) && (scheme == "http" || scheme == "https") && (path == "*" || len(path) > 0 && path[0] == '/')
	}
	return said[":path"] == "" && said[":authority"] == "" && said[":scheme"] == "" && said[contentType] == ""
}

// entries are what a dynamic table has, the newest first.
func entries(d *hpack.Decoder) []hpack.HeaderField {
	const newest, most = 62, 1<<7 - 2 // those with an index of one byte
	var indices [most - newest + 1]byte
	for i := range indices {
		indices[i] = 1<<7 | byte(newest+i)
	}
	fields, _ := decode(d, indices[:])
	return fields
}

// decode reads the fields of a block. Of one that is not whole it returns those that are.
func decode(d *hpack.Decoder, block []byte) (fields []hpack.HeaderField, err error) {
	d.SetEmitFunc(func(f hpack.HeaderField) { fields = append(fields, f) })
	_, err = d.Write(block)
	if end := d.Close(); err == nil {
		err = end
	}
	return fields, err
}
