package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The same files, touched and seen from another directory, make the same image.
func TestImagesAreReproducible(t *testing.T) {
	im := image{Name: "x", Entrypoint: []string{"/bin/x"}, Files: []copied{{From: "bin/*", To: "/usr/local/bin/"}, {From: "/bin/ls", To: "/bin/x"}}}
	var archives [2]bytes.Buffer
	for i := range archives {
		root := t.TempDir()
		for _, name := range []string{"a", "b", "c"} {
			file := filepath.Join(root, "bin", name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(name), 0o700), os.Chtimes(file, time.Time{}, time.Unix(int64(i), 0))); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := im.write(&archives[i], root, "docker.io/library/x:dev"); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(archives[0].Bytes(), archives[1].Bytes()) {
		t.Error("two archives of the same files differ")
	}
}

// An archive is what the OCI says it is, and holds what its programs need to start.
func TestArchive(t *testing.T) {
	im := image{Name: "x", Entrypoint: []string{"/bin/x"}, Files: []copied{{From: "/bin/ls", To: "/bin/x"}}}
	var b bytes.Buffer
	digest, err := im.write(&b, t.TempDir(), "docker.io/library/x:dev")
	if err != nil {
		t.Fatal(err)
	}
	files := untar(t, &b)
	type descriptor struct {
		Digest      string
		Annotations map[string]string
		Size        int
	}
	var index struct{ Manifests []descriptor }
	decode(t, files["index.json"], &index)
	if len(index.Manifests) != 1 || index.Manifests[0].Digest != digest || index.Manifests[0].Annotations["io.containerd.image.name"] != "docker.io/library/x:dev" {
		t.Fatalf("index %s", files["index.json"])
	}
	blob := func(digest string) []byte { return files["blobs/sha256/"+strings.TrimPrefix(digest, "sha256:")] }
	var manifest struct {
		Config descriptor
		Layers []descriptor
	}
	decode(t, blob(digest), &manifest)
	var config struct{ Config struct{ User string } }
	decode(t, blob(manifest.Config.Digest), &config)
	if config.Config.User != "65532:65532" {
		t.Errorf("user %q", config.Config.User)
	}
	var have []string
	for _, l := range manifest.Layers {
		if sum := fmt.Sprintf("sha256:%x", sha256.Sum256(blob(l.Digest))); sum != l.Digest || len(blob(l.Digest)) != l.Size {
			t.Errorf("layer %s is %s", l.Digest, sum)
		}
		for name := range untar(t, bytes.NewReader(blob(l.Digest))) {
			have = append(have, "/"+name)
		}
	}
	for _, want := range []string{"/bin/x", "/etc/passwd", "/tmp/", "/var/lib/midwatch/"} {
		if !slices.Contains(have, want) {
			t.Errorf("no %s in %v", want, have)
		}
	}
	for _, want := range []string{"/libc.so.6", "/libselinux.so.1", "/libpcre2-8.so.0"} { // of ls itself, and of a library of it
		if !slices.ContainsFunc(have, func(name string) bool { return strings.HasSuffix(name, want) }) {
			t.Errorf("no %s in %v", want, have)
		}
	}
}

func TestMissingFilesAreNamed(t *testing.T) {
	im := image{Files: []copied{{From: "bin/none", To: "/"}}}
	if _, err := im.write(io.Discard, t.TempDir(), "x"); !errors.Is(err, errMissing) || !strings.Contains(err.Error(), "bin/none") {
		t.Errorf("got %v", err)
	}
}

func untar(t *testing.T, r io.Reader) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for a := tar.NewReader(r); ; {
		h, err := a.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[h.Name], err = io.ReadAll(a); err != nil {
			t.Fatal(err)
		}
	}
}

func decode(t *testing.T, b []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatalf("%v in %q", err, b)
	}
}
