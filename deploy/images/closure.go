package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// libraryDirs are where Debian's loader looks.
func libraryDirs() []string {
	return []string{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu"}
}

// libraries are the shared libraries and loaders that files need to start, and those that they need: path here → path in the image.
func libraries(files []string) (map[string]string, error) {
	found := map[string]string{}
	for todo := files; len(todo) > 0; todo = todo[1:] {
		needed, err := needs(todo[0])
		if err != nil {
			return nil, fmt.Errorf("libraries of %s: %w", todo[0], err)
		}
		for _, path := range needed {
			if _, known := found[path]; !known {
				found[path] = path
				todo = append(todo, path)
			}
		}
	}
	return found, nil
}

// needs is what one file names itself; nothing for what is no program.
func needs(path string) ([]string, error) {
	f, err := elf.Open(path)
	var other *elf.FormatError
	if errors.As(err, &other) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) { // the last two: a file shorter than a header
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	var out []string
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		name := make([]byte, p.Filesz)
		if _, err := p.ReadAt(name, 0); err != nil {
			return nil, err
		}
		out = append(out, string(name[:len(name)-1])) // less the zero at its end
	}
	names, err := f.ImportedLibraries()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		path, err := find(name)
		if err != nil {
			return nil, err
		}
		out = append(out, path)
	}
	return out, nil
}

func find(library string) (string, error) {
	for _, dir := range libraryDirs() {
		path := filepath.Join(dir, library)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no %s in %v", library, libraryDirs())
}
