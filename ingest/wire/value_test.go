package wire_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/midwatch/midwatch/ingest/wire"
)

// onWire is a value as an AnyValue in protobuf.
func onWire(t *testing.T, v pcommon.Value) []byte {
	t.Helper()
	ld := plog.NewLogs()
	v.CopyTo(ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body())
	b, err := plogotlp.NewExportRequestFromLogs(ld).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	for _, number := range []int32{1, 2, 2, 5} { // resource logs, scope logs, record, body
		m := wire.Read(b)
		for m.Next() {
			if m.Number() == number {
				b = m.Bytes()
				break
			}
		}
	}
	return b
}

// TestTextStops reads values that are far larger as text than they were: no more of them is made than was asked for.
func TestTextStops(t *testing.T) {
	const most, huge = 1000, 4 << 20
	values := map[string]func(pcommon.Value){
		"control characters": func(v pcommon.Value) { v.SetEmptySlice().AppendEmpty().SetStr(strings.Repeat("\x01", huge)) },
		"characters":         func(v pcommon.Value) { v.SetEmptySlice().AppendEmpty().SetStr(strings.Repeat("ü€", huge/5)) },
		"a key":              func(v pcommon.Value) { v.SetEmptyMap().PutStr(strings.Repeat("\x01", huge), "") },
		"bytes":              func(v pcommon.Value) { v.SetEmptyBytes().FromRaw(make([]byte, huge)) },
		"bytes in a list":    func(v pcommon.Value) { v.SetEmptySlice().AppendEmpty().SetEmptyBytes().FromRaw(make([]byte, huge)) },
		"many": func(v pcommon.Value) {
			for list := v.SetEmptySlice(); list.Len() < huge/64; {
				list.AppendEmpty().SetBool(false)
			}
		},
	}
	for name, set := range values {
		v := pcommon.NewValueEmpty()
		set(v)
		text, end, err := wire.Text(onWire(t, v), nil, most)
		if err != nil {
			t.Fatal(err)
		}
		for of, text := range map[string][]byte{"protobuf": text, "OpenTelemetry's": wire.TextOf(v, most)} {
			if len(text) > most || len(text) < most-utf8.UTFMax || !utf8.Valid(text) || cap(text) > 16*most {
				t.Errorf("%s, %s: %d bytes, of %d: %.50s", name, of, len(text), cap(text), text)
			}
		}
		if cap(end) > 16*most {
			t.Errorf("%s: %d bytes were made", name, cap(end))
		}
	}
}

// TestTextOfIsText compares the two ways to the text of a value.
func TestTextOfIsText(t *testing.T) {
	v := pcommon.NewValueEmpty()
	m := v.SetEmptyMap()
	m.PutStr("z", "a \"quoted\"\n\r\tü \x00")
	list := m.PutEmptySlice("a")
	list.AppendEmpty().SetBool(true)
	list.AppendEmpty().SetDouble(0.25)
	list.AppendEmpty().SetInt(-3)
	list.AppendEmpty().SetEmptyBytes().FromRaw([]byte("x"))
	list.AppendEmpty().SetEmptyMap()
	list.AppendEmpty()
	read := func(text []byte) (out any) {
		if err := json.Unmarshal(text, &out); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		again, err := json.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		return string(again)
	}
	text, _, err := wire.Text(onWire(t, v), nil, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if of := wire.TextOf(v, 1000); read(of) != read(text) || !strings.HasPrefix(string(of), `{"a":`) {
		t.Errorf("%s, but %s", of, text)
	}
	for _, set := range []func(){
		func() { v.SetStr("ü") }, func() { v.SetBool(true) }, func() { v.SetInt(1) }, func() { v.SetDouble(1e21) },
		func() { v.SetEmptyBytes().FromRaw([]byte{1, 2}) }, func() { v.SetEmptySlice() }, func() { pcommon.NewValueEmpty().CopyTo(v) },
	} {
		set()
		text, _, err := wire.Text(onWire(t, v), nil, 1000)
		if of := wire.TextOf(v, 1000); err != nil || string(of) != string(text) || string(of) != v.AsString() {
			t.Errorf("%q, %q, want %q; %v", of, text, v.AsString(), err)
		}
	}
}
