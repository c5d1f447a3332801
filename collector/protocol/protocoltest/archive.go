package protocoltest

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// Archive returns the files below a folder of the capture archive, by name without the folder; without one all of them, by their whole names. It skips the test when
// the shared data is not there.
func Archive(t testing.TB, folder string) map[string][]byte {
	t.Helper()
	f, err := os.Open(filepath.Join(dataDir(t), "pcap", "deepflow.tar.zst"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("no packet captures: put the shared data beside the repository (../shared/data) or set MIDWATCH_TESTDATA")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	files := map[string][]byte{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		dir, name := filepath.Split(h.Name)
		if h.Typeflag != tar.TypeReg || !strings.HasSuffix(strings.TrimSuffix(dir, "/"), folder) {
			continue
		}
		if folder == "" {
			name = h.Name
		}
		if files[name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

// dataDir is the shared data: $MIDWATCH_TESTDATA, or ../shared/data beside the repository or, in a worktree, beside its
// parent.
func dataDir(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("MIDWATCH_TESTDATA"); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for root := dir; root != filepath.Dir(root); root = filepath.Dir(root) {
		shared := filepath.Join(root, "shared", "data")
		if _, err := os.Stat(shared); err == nil {
			return shared
		}
	}
	return filepath.Join(dir, "shared", "data")
}
