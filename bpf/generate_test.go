package bpf_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// TestCommittedObjects compiles the programs again and wants the committed files, byte for byte.
func TestCommittedObjects(t *testing.T) {
	for _, tool := range []string{"clang-14", "llvm-strip-14"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("needs Debian's clang-14 and llvm-14")
		}
	}
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^//go:generate go (run \S+ )(.*) (Kernel \S+)$`).FindSubmatch(doc)
	if m == nil {
		t.Fatal("doc.go has no go:generate line")
	}
	dir := t.TempDir()
	// The directive's only quoted word are the compiler's flags; a shell splits it as go generate does.
	line := "go " + string(m[1]) + " -go-package bpf -output-dir " + dir + " " + string(m[2]) + " " + string(m[3])
	if out, err := exec.Command("/bin/sh", "-c", line).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	built, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(built) != 4 {
		t.Fatalf("built %q: %v", built, err)
	}
	for _, path := range built {
		want, err := os.ReadFile(filepath.Base(path))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the sources give; run go generate ./bpf", filepath.Base(path))
		}
	}
}
