package probe

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestGoFunctionsOf finds functions of programs that were linked in every way.
func TestGoFunctionsOf(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main\n\nimport (\n\t\"crypto/tls\"\n\t\"net\"\n)\n\nfunc main() {\n\tc, _ := tls.Dial(\"tcp\", \"\", nil)\n\tvar n net.Conn = c\n\t_, _ = n.Read(nil)\n\t_, _ = n.Write(nil)\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module program\n\ngo 1.24\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{"whole": nil, "stripped": {"-ldflags=-s -w"}, "pie": {"-buildmode=pie", "-ldflags=-s -w"}} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(dir, name)
			build := exec.Command("go", append(append([]string{"build", "-o", file}, args...), ".")...)
			build.Dir, build.Env = dir, append(os.Environ(), "GOARCH=amd64", "GOFLAGS=-mod=mod")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			got, err := goFunctionsOf(f, namesOf(goTLS()))
			if err != nil || !hasAll(goTLS(), got) {
				t.Fatalf("%v, %v", got, err)
			}
			for n, c := range got {
				if c.entry == 0 || len(c.returns) == 0 || c.returns[0] <= c.entry {
					t.Errorf("%s: %+v", n, c)
				}
			}
		})
	}
}
