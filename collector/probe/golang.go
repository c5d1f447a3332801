package probe

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"golang.org/x/arch/x86/x86asm"
)

// Versions of Go's table of functions that are understood, by what it begins with: of Go 1.18 and 1.20 and later.
const (
	goTable118 = 0xfffffff0
	goTable120 = 0xfffffff1
)

// maxFunction is more than the code of a function that is looked for has, in bytes.
const maxFunction = 64 << 10

// code is where a function is in a file: its beginning, and its return instructions.
type code struct {
	entry   uint64
	returns []uint64
}

// errNotGo means that a file is no program of Go's, or one of which too little is known.
var errNotGo = errors.New("no Go program that is understood")

// goTable is the table of functions that every Go program has, stripped or not: it needs it for stack traces.
type goTable struct {
	io.ReaderAt
	functions uint64 // how many
	names     uint64 // where the names begin
	entries   uint64 // where the table of functions begins
	text      uint64 // address of the first
	size      uint64
}

// goFunctionsOf finds functions of a Go program for x86-64, by name. The table is read through and not kept.
func goFunctionsOf(file io.ReaderAt, names []string) (map[string]code, error) {
	f, err := elf.NewFile(file)
	if err != nil {
		return nil, fmt.Errorf("read a program: %w", err)
	}
	defer func() { _ = f.Close() }()
	t, err := goTableOf(f)
	if err != nil {
		return nil, err
	}
	at, err := positions(io.NewSectionReader(t, int64(t.names), min(int64(t.size-t.names), maxStrings)), names) //nolint:gosec // within the section
	if err != nil || len(at) == 0 {
		return nil, errNotGo
	}
	found := map[string]code{}
	t.each(func(name uint32, from, to uint64) {
		if n, wanted := at[name]; wanted {
			if c, ok := codeOf(f, from, to); ok {
				found[n] = c
			}
		}
	})
	return found, nil
}

func goTableOf(f *elf.File) (t goTable, err error) {
	section, text := f.Section(".gopclntab"), f.Section(".text")
	if section == nil {
		section = f.Section(".data.rel.ro.gopclntab")
	}
	if section == nil || text == nil || f.Machine != elf.EM_X86_64 || section.Type == elf.SHT_NOBITS {
		return t, errNotGo
	}
	head := make([]byte, 8+8*8)
	if _, err := section.ReadAt(head, 0); err != nil {
		return t, errNotGo
	}
	magic, word := binary.LittleEndian.Uint32(head), func(i int) uint64 { return binary.LittleEndian.Uint64(head[8+8*i:]) }
	if magic != goTable118 && magic != goTable120 || head[7] != 8 {
		return t, errNotGo
	}
	t = goTable{ReaderAt: section, functions: word(0), names: word(3), entries: word(7), text: text.Addr, size: section.Size}
	if start := word(2); start != 0 { // with C in the program, its code does not begin with Go's; newer versions do not say
		t.text = start
	}
	if t.functions == 0 || t.functions > maxSymbols || t.names >= t.size || t.entries >= t.size {
		return t, errNotGo
	}
	return t, nil
}

// each goes through the functions: the position of a name, the addresses where the function begins and the next does.
func (t *goTable) each(function func(name uint32, from, to uint64)) {
	const pair = 8 // offset of the code, offset of what else there is to know
	entries := window{ReaderAt: t.ReaderAt}
	infos := window{ReaderAt: t.ReaderAt}
	for i := range t.functions {
		b, ok := entries.at(t.entries+i*pair, pair+4)
		if !ok {
			return
		}
		from, info, to := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:])
		in, ok := infos.at(t.entries+uint64(info), 8)
		if !ok || to <= from {
			continue
		}
		function(binary.LittleEndian.Uint32(in[4:]), t.text+uint64(from), t.text+uint64(to))
	}
}

// window reads small pieces that follow each other, a large piece at a time.
type window struct {
	io.ReaderAt
	b    []byte
	from uint64
}

func (w *window) at(offset uint64, n int) ([]byte, bool) {
	if offset < w.from || offset+uint64(n) > w.from+uint64(len(w.b)) { //nolint:gosec // small
		b := make([]byte, 64<<10)
		read, err := w.ReadAt(b, int64(offset)) //nolint:gosec // of a section
		if err != nil && !errors.Is(err, io.EOF) || read < n {
			return nil, false
		}
		w.b, w.from = b[:read], offset
	}
	return w.b[offset-w.from:][:n], true
}

// codeOf reads the code between two addresses. It returns false if it does not begin as functions of Go do that grow their stack: then the address is not one.
func codeOf(f *elf.File, from, to uint64) (c code, ok bool) {
	entry, ok := offsetOf(f, from)
	if !ok || to-from > maxFunction {
		return c, false
	}
	b := make([]byte, to-from)
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && from >= p.Vaddr && to <= p.Vaddr+p.Filesz {
			if _, err := p.ReadAt(b, int64(from-p.Vaddr)); err != nil { //nolint:gosec // of a program
				return c, false
			}
		}
	}
	if !bytes.Contains(b[:min(len(b), 32)], []byte{0x3b, 0x66, 0x10}) { // CMP …, 16(R14): against the end of the goroutine's stack
		return c, false
	}
	c.entry = entry
	for i := 0; i < len(b); {
		in, err := x86asm.Decode(b[i:], 64)
		if err != nil {
			return code{}, false // what comes after would be guessed
		}
		if in.Op == x86asm.RET {
			c.returns = append(c.returns, entry+uint64(i)) //nolint:gosec // within the function
		}
		i += in.Len
	}
	return c, len(c.returns) > 0
}
