package http2

import (
	"bytes"

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
	// doubtful is the table as it was before bytes went missing, nil if none did: it still is, unless headers were among them. What was inserted moves all indices, so
	// headers that refer to several old entries and make sense together prove that nothing was.
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

// doubt is for when bytes are missing that may have been headers.
func (t *table) doubt() {
	before := t.doubtful
	if before == nil {
		before = t.sure
	}
	*t = newTable(false)
	t.doubtful = before
}

// trust ends a doubt: no headers were missing.
func (t *table) trust() {
	if t.doubtful != nil {
		t.sure, t.doubtful = t.doubtful, nil
	}
}

// read reads a block, of which the end may be missing. ok is false if it is no block that could follow those before; what came before the fault counts.
func (t *table) read(block []byte, whole bool) (h headers, ok bool) {
	fields, err := decode(t.sure, block)
	if t.doubtful != nil {
		before, bad := decode(t.doubtful, block)
		switch {
		case bad != nil:
			t.doubtful = nil
		case whole && err == nil && t.proven(before, fields):
			fields = before
		}
	}
	for _, f := range fields {
		h.add(f)
	}
	h.unknown = h.unknown || err != nil || !whole
	switch {
	case !whole: // its end may have inserted more
		t.doubt()
	case err != nil:
		*t = newTable(false)
	}
	return h, err == nil
}

// proven settles the doubt by what a block says: before with the table as it was, sure with what is certain of it. It returns true if nothing was inserted out of sight.
func (t *table) proven(before, sure []hpack.HeaderField) bool {
	enough, sensible := sense(before)
	old := 0
	for i, f := range sure {
		if f.Name == "" && before[i].Name != "" {
			old++
		}
	}
	switch {
	case !sensible:
		t.doubtful = nil
	case enough > 0 && old >= enough:
		t.trust()
		return true
	}
	return false
}

// sense tells whether fields can stand together, and how many of them must be of old entries to prove a table: of a request more than one, because paths may lie side by side; of
// trailers, which may be alike, no number does.
func sense(fields []hpack.HeaderField) (enough int, ok bool) {
	said, regular := map[string]string{}, false
	for _, f := range fields {
		_, again := said[f.Name]
		switch pseudo := f.IsPseudo(); {
		case f.Name == "", pseudo && regular, again && (pseudo || f.Name == "content-type" || f.Name == "te" || f.Name == "user-agent" || f.Name == "grpc-status"):
			return 0, false
		case !pseudo:
			regular = true
		}
		said[f.Name] = f.Value
	}
	status, answers := said[":status"]
	method, asks := said[":method"]
	switch {
	case answers && asks:
		return 0, false
	case answers:
		return 1, isStatus(status)
	case asks:
		scheme, path := said[":scheme"], said[":path"]
		return 2, isMethod(method) && (scheme == "http" || scheme == "https") && (path == "*" || len(path) > 0 && path[0] == '/')
	}
	return 0, said[":path"] == "" && said[":authority"] == "" && said[":scheme"] == ""
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
