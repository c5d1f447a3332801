package probe

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"maps"
	"os"
	"strings"
	"testing"
)

// TestFunctionsOf finds functions of a real program where debug/elf has them.
func TestFunctionsOf(t *testing.T) {
	f, err := os.Open("/bin/bash") // exports its functions to what it loads
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	e, err := elf.NewFile(f)
	if err != nil {
		t.Fatal(err)
	}
	symbols, err := e.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	names, want := []string{"nothing_at_all"}, map[string]uint64{}
	for _, s := range symbols {
		if at, ok := offsetOf(e, s.Value); ok && elf.ST_TYPE(s.Info) == elf.STT_FUNC && s.Section != elf.SHN_UNDEF && len(want) < 50 {
			names, want[s.Name] = append(names, s.Name), at
		}
	}
	got, err := functionsOf(f, names)
	if err != nil || len(want) < 50 || !maps.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
}

// TestPositions: names stand anywhere, over the borders of what is read at once too, at the end of others, and only so many of them count.
func TestPositions(t *testing.T) {
	table := "\x00" + strings.Repeat("x", 64<<10-5) + "\x00SSL_read\x00my_SSL_write\x00SSL_readable\x00"
	got, err := positions(strings.NewReader(table), []string{"SSL_read", "SSL_write"})
	if err != nil || len(got) != 2 || got[uint32(strings.Index(table, "SSL_read\x00"))] != "SSL_read" || got[uint32(strings.Index(table, "SSL_write\x00"))] != "SSL_write" {
		t.Errorf("%v, %v", got, err)
	}
	if got, _ := positions(strings.NewReader(strings.Repeat("SSL_read\x00", 10_000)), []string{"SSL_read"}); len(got) > maxPositions {
		t.Errorf("%d positions", len(got))
	}
}

func FuzzFunctionsOf(f *testing.F) {
	f.Add(tiny("SSL_read"))
	f.Add(tiny("SSL_read")[:200])
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := functionsOf(bytes.NewReader(b), []string{"SSL_read"})
		if err == nil && len(got) > 0 && got["SSL_read"] >= uint64(len(b))+1<<32 {
			t.Errorf("%v", got)
		}
	})
}

// tiny is a program of nothing but one function.
func tiny(name string) []byte {
	const head, program, section = 64, 56, 64
	strs := "\x00" + name + "\x00"
	strtab := head + program
	symtab := strtab + 32
	sections := symtab + 2*symbolSize
	b := make([]byte, sections+3*section)
	le := binary.LittleEndian
	copy(b, "\x7fELF\x02\x01\x01")
	le.PutUint16(b[16:], uint16(elf.ET_DYN))
	le.PutUint16(b[18:], uint16(elf.EM_X86_64))
	le.PutUint32(b[20:], 1)
	le.PutUint64(b[32:], head)             // program headers
	le.PutUint64(b[40:], uint64(sections)) // section headers
	le.PutUint16(b[52:], head)
	le.PutUint16(b[54:], program)
	le.PutUint16(b[56:], 1)
	le.PutUint16(b[58:], section)
	le.PutUint16(b[60:], 3)
	p := b[head:]
	le.PutUint32(p, uint32(elf.PT_LOAD))
	le.PutUint32(p[4:], uint32(elf.PF_X))
	le.PutUint64(p[16:], 0x1000) // address
	le.PutUint64(p[32:], 0x100)  // in the file
	le.PutUint64(p[40:], 0x100)
	copy(b[strtab:], strs)
	s := b[symtab+symbolSize:]
	le.PutUint32(s, 1)
	s[4] = byte(elf.STT_FUNC)
	le.PutUint16(s[6:], 1)
	le.PutUint64(s[8:], 0x1010)
	for i, of := range []struct{ kind, offset, size, link int }{{int(elf.SHT_NULL), 0, 0, 0}, {int(elf.SHT_STRTAB), strtab, len(strs), 0}, {int(elf.SHT_DYNSYM), symtab, 2 * symbolSize, 1}} {
		h := b[sections+i*section:]
		le.PutUint32(h[4:], uint32(of.kind))
		le.PutUint64(h[24:], uint64(of.offset))
		le.PutUint64(h[32:], uint64(of.size))
		le.PutUint32(h[40:], uint32(of.link))
	}
	return b
}

// TestFunctionsOfATinyProgram: a function is where its address is in the file.
func TestFunctionsOfATinyProgram(t *testing.T) {
	got, err := functionsOf(bytes.NewReader(tiny("SSL_read")), []string{"SSL_read", "SSL_write"})
	if err != nil || len(got) != 1 || got["SSL_read"] != 0x10 {
		t.Errorf("%v, %v", got, err)
	}
}
