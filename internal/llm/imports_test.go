package llm_test

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestImports keeps the words of a model call free of the means to make one: the sandboxed step imports this package. It
// follows imports within the project, so a detour does not help.
func TestImports(t *testing.T) {
	const project = "github.com/midwatch/midwatch/"
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	forbidden := []string{
		"net/http", "net/rpc", "crypto/tls", "os/exec",
		"github.com/anthropics/", "github.com/openai/", "github.com/aws/", project + "internal/llm/",
	}
	seen := map[string]bool{}
	var follow func(pkg string)
	follow = func(pkg string) {
		if seen[pkg] {
			return
		}
		seen[pkg] = true
		for _, path := range imports(t, filepath.Join(root, strings.TrimPrefix(pkg, project))) {
			for _, f := range forbidden {
				if path == f || strings.HasSuffix(f, "/") && strings.HasPrefix(path, f) {
					t.Errorf("%s imports %s", pkg, path)
				}
			}
			if strings.HasPrefix(path, project) {
				follow(path)
			}
		}
	}
	follow(project + "internal/llm")
	if len(seen) < 2 {
		t.Errorf("only %d packages were looked at", len(seen))
	}
}

// imports are those of a package's files, without its tests.
func imports(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, e.Name()), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range file.Imports {
			path, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			paths = append(paths, path)
		}
	}
	return paths
}
