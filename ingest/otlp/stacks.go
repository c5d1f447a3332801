package otlp

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pprofile"

	"github.com/midwatch/midwatch/ingest/wire"
)

// maxFrames is how many frames of a stack are kept, the innermost.
const maxFrames = 1024

// frameBytes is what a frame takes while its request is read, besides its texts.
const frameBytes = 40

// frame is a function that was running; an address where there is no name.
type frame struct {
	function, file string
	line           int64
}

// stack is what was running, the innermost function first.
type stack struct {
	id     uint64
	frames []frame
	size   int // bytes
}

// dictionary is what the profiles of a request name by numbers. Each text and each stack is read once; stacks are kept as long as all of them
// together are no larger than the rows of a request may be.
type dictionary struct {
	r      *Rows
	in     pprofile.ProfilesDictionary
	stacks map[int32]*stack
	texts  map[int32]string
	values map[int32][]byte // of attributes
	over   bool             // there are more stacks than a request may have

	scratch []byte // what the latest stack is identified by
}

func newDictionary(r *Rows, in pprofile.ProfilesDictionary) *dictionary {
	return &dictionary{r: r, in: in, stacks: map[int32]*stack{}, texts: map[int32]string{}, values: map[int32][]byte{}}
}

func within(i int32, n int) bool { return i >= 0 && int(i) < n }

// text is a string; number 0 is the empty one, also of no strings.
func (d *dictionary) text(i int32) (string, bool) {
	if i == 0 {
		return "", true
	}
	if !within(i, d.in.StringTable().Len()) {
		return "", false
	}
	text, read := d.texts[i]
	if !read {
		text = d.r.named(d.in.StringTable().At(int(i)))
		d.texts[i] = text
	}
	return text, true
}

// attributes adds those with these numbers; not ok: there is none of some number.
func (d *dictionary) attributes(to *attributes, numbers []int32) (ok bool) {
	for _, i := range numbers {
		if !within(i, d.in.AttributeTable().Len()) {
			return false
		}
		a := d.in.AttributeTable().At(int(i))
		key, ok := d.text(a.KeyStrindex())
		if !ok {
			return false
		}
		switch {
		case key == "":
			d.r.Tally.note(attributeUnnamed)
		case len(to.list) == maxAttributes:
			d.r.Tally.note(attributesTooMany)
		case to.has([]byte(key)):
			d.r.Tally.note(attributeTwice)
		default:
			to.put([]byte(key), d.value(i, a.Value()))
		}
	}
	return true
}

// value is that of attribute i as text.
func (d *dictionary) value(i int32, v pcommon.Value) []byte {
	text, read := d.values[i]
	if !read {
		text = bytes.Clone(d.r.shortened(d.r.valid(wire.TextOf(v, long(maxAttribute)))))
		d.values[i] = text
	}
	return text
}

// link is the span that a sample was taken in; number 0 is none.
func (d *dictionary) link(i int32) (trace pcommon.TraceID, span pcommon.SpanID, ok bool) {
	if i == 0 {
		return trace, span, true
	}
	if !within(i, d.in.LinkTable().Len()) {
		return trace, span, false
	}
	l := d.in.LinkTable().At(int(i))
	return l.TraceID(), l.SpanID(), true
}

// stack reads a stack; number 0 is the empty one. Not ok: it names something that is not there, or is larger than a record may be.
func (d *dictionary) stack(i int32) (*stack, bool) {
	if known, read := d.stacks[i]; read {
		return known, known != nil
	}
	if d.over {
		return nil, false
	}
	s := &stack{}
	ok := i == 0
	if within(i, d.in.StackTable().Len()) {
		ok = d.read(s, d.in.StackTable().At(int(i)).LocationIndices())
	}
	if d.over = !d.keep(s); !ok || d.over {
		s, ok = nil, false
	} else {
		d.identify(s)
	}
	d.stacks[i] = s
	return s, ok
}

// keep counts what reading a stack took as part of the request's rows, whatever becomes of it.
func (d *dictionary) keep(s *stack) bool {
	size := len(s.frames)*frameBytes + rowOverhead
	if d.r.expanded+size > maxExpanded {
		return false
	}
	return d.r.expand(size)
}

func (d *dictionary) read(s *stack, locations pcommon.Int32Slice) bool {
	for _, i := range locations.All() {
		if !within(i, d.in.LocationTable().Len()) || !d.location(s, d.in.LocationTable().At(int(i))) || s.size > maxRecord {
			return false
		}
		if len(s.frames) >= maxFrames {
			s.frames = s.frames[:maxFrames]
			d.r.Tally.note(framesCut)
			return true
		}
	}
	return true
}

// location adds its frames: several where functions were inlined.
func (d *dictionary) location(s *stack, l pprofile.Location) bool {
	for _, line := range l.Lines().All() {
		f := frame{line: line.Line()}
		if !within(line.FunctionIndex(), d.in.FunctionTable().Len()) {
			return false
		}
		function := d.in.FunctionTable().At(int(line.FunctionIndex()))
		var named, filed bool
		f.function, named = d.text(function.NameStrindex())
		f.file, filed = d.text(function.FilenameStrindex())
		if !named || !filed {
			return false
		}
		s.add(f)
		if len(s.frames) > maxFrames || s.size > maxRecord {
			return true
		}
	}
	if l.Lines().Len() > 0 {
		return true
	}
	f := frame{function: "0x" + strconv.FormatUint(l.Address(), 16)}
	if i := l.MappingIndex(); i > 0 {
		if !within(i, d.in.MappingTable().Len()) {
			return false
		}
		var ok bool
		if f.file, ok = d.text(d.in.MappingTable().At(int(i)).FilenameStrindex()); !ok {
			return false
		}
	}
	s.add(f)
	return true
}

func (s *stack) add(f frame) {
	s.frames = append(s.frames, f)
	s.size += len(f.function) + len(f.file) + 8
}

// identify makes the id of what is stored: two stacks that differ there must not have one id, or the one would be shown as the other.
func (d *dictionary) identify(s *stack) {
	d.scratch = d.scratch[:0]
	for _, f := range s.frames {
		d.scratch = appendText(appendText(d.scratch, f.function), f.file)
		d.scratch = binary.LittleEndian.AppendUint32(d.scratch, f.storedLine())
	}
	s.id = d.r.key.hash(d.scratch)
}

// storedLine is the line as the table can have it.
func (f frame) storedLine() uint32 { return uint32(min(max(f.line, 0), math.MaxUint32)) }
