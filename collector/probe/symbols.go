package probe

import (
	"bufio"
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// symbolSize is the size of a symbol in a 64-bit file.
const symbolSize = 24

// Bounds of what is read of a file, which may be anyone's.
const (
	maxSymbols   = 8 << 20   // of a table
	maxStrings   = 512 << 20 // bytes of a table
	maxPositions = 256       // of names in a table
)

// functionsOf finds where functions begin in a program or library, by name, as offsets in the file. Tables of symbols are read through and not kept: those of large programs
// have tens of megabytes.
func functionsOf(file io.ReaderAt, names []string) (map[string]uint64, error) {
	f, err := elf.NewFile(file)
	if err != nil {
		return nil, fmt.Errorf("read a program: %w", err)
	}
	defer func() { _ = f.Close() }()
	if f.Class != elf.ELFCLASS64 || f.ByteOrder != binary.LittleEndian {
		return nil, nil
	}
	found := map[string]uint64{}
	for _, s := range f.Sections {
		if s.Type != elf.SHT_DYNSYM && s.Type != elf.SHT_SYMTAB || int(s.Link) >= len(f.Sections) {
			continue
		}
		at, err := positions(io.LimitReader(f.Sections[s.Link].Open(), maxStrings), names)
		if err != nil || len(at) == 0 {
			continue // what is damaged has no functions
		}
		eachFunction(s.Open(), func(name uint32, address uint64) {
			n, wanted := at[name]
			if offset, ok := offsetOf(f, address); ok && wanted {
				found[n] = offset
			}
		})
	}
	return found, nil
}

// positions finds names in a table of strings. One may be the end of a longer one.
func positions(r io.Reader, names []string) (map[uint32]string, error) {
	longest := 0
	for _, n := range names {
		longest = max(longest, len(n)+1)
	}
	found := map[uint32]string{}
	buf, kept, base := make([]byte, 64<<10), 0, uint32(0)
	for {
		n, err := r.Read(buf[kept:])
		b := buf[:kept+n]
		for _, name := range names {
			want := append([]byte(name), 0)
			for i := 0; ; {
				j := bytes.Index(b[i:], want)
				if j < 0 || len(found) >= maxPositions {
					break
				}
				found[base+uint32(i+j)] = name //nolint:gosec // within the buffer
				i += j + 1
			}
		}
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, err //nolint:wrapcheck // of the caller's file
		}
		kept = min(longest-1, len(b))
		base += uint32(len(b) - kept) //nolint:gosec // within the buffer
		copy(buf, b[len(b)-kept:])
	}
}

// eachFunction goes through a table of symbols.
func eachFunction(r io.Reader, each func(name uint32, address uint64)) {
	in := bufio.NewReaderSize(r, 64<<10)
	var b [symbolSize]byte
	for range maxSymbols {
		if _, err := io.ReadFull(in, b[:]); err != nil {
			return
		}
		if elf.ST_TYPE(b[4]) == elf.STT_FUNC && binary.LittleEndian.Uint16(b[6:]) != 0 {
			each(binary.LittleEndian.Uint32(b[:]), binary.LittleEndian.Uint64(b[8:]))
		}
	}
}

// offsetOf is where in the file the code at an address is.
func offsetOf(f *elf.File, address uint64) (uint64, bool) {
	i := slices.IndexFunc(f.Progs, func(p *elf.Prog) bool {
		return p.Type == elf.PT_LOAD && p.Flags&elf.PF_X != 0 && address >= p.Vaddr && address-p.Vaddr < p.Filesz
	})
	if i < 0 {
		return 0, false
	}
	return address - f.Progs[i].Vaddr + f.Progs[i].Off, true
}
