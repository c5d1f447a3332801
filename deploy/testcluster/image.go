package testcluster

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"runtime"
	"slices"
)

// Image is a container image of one layer that holds nothing but static programs and the files they read.
type Image struct {
	Name       string            // with a tag, for example localhost/shop:1
	Entrypoint []string          //
	Files      map[string]string // absolute path in the image → file of this machine; its mode stays, its owner is root
	User       string            // "uid:gid"; empty: root
}

// Write writes the image as an archive that `ctr images import` and `docker load` read. Equal files make equal bytes.
func (i Image) Write(archive string) (err error) {
	out, err := os.Create(archive)
	if err != nil {
		return fmt.Errorf("write image %s: %w", i.Name, err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	layer, err := os.CreateTemp(path.Dir(archive), "layer-")
	if err != nil {
		return fmt.Errorf("write image %s: %w", i.Name, err)
	}
	defer os.Remove(layer.Name()) //nolint:errcheck // a temporary file
	defer layer.Close()
	digest := sha256.New()
	if err := i.layer(io.MultiWriter(layer, digest)); err != nil {
		return fmt.Errorf("write image %s: %w", i.Name, err)
	}
	size, err := layer.Seek(0, io.SeekCurrent)
	if err == nil {
		_, err = layer.Seek(0, io.SeekStart)
	}
	if err != nil {
		return err
	}
	config, err := i.config("sha256:" + hex.EncodeToString(digest.Sum(nil)))
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%x.json", sha256.Sum256(config))
	manifest, err := json.Marshal([]any{map[string]any{"Config": name, "RepoTags": []string{i.Name}, "Layers": []string{"layer.tar"}}})
	if err != nil {
		return err
	}
	w := tar.NewWriter(out)
	err = errors.Join(
		add(w, tar.Header{Name: name, Mode: 0o644, Size: int64(len(config))}, bytes.NewReader(config)),
		add(w, tar.Header{Name: "layer.tar", Mode: 0o644, Size: size}, layer),
		add(w, tar.Header{Name: "manifest.json", Mode: 0o644, Size: int64(len(manifest))}, bytes.NewReader(manifest)),
		w.Close())
	if err != nil {
		return fmt.Errorf("write image %s: %w", i.Name, err)
	}
	return nil
}

func (i Image) config(layer string) ([]byte, error) {
	return json.Marshal(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux",
		"config": map[string]any{"Entrypoint": i.Entrypoint, "Env": []string{"PATH=/"}, "User": i.User},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{layer}},
	})
}

// layer writes the image's files with the directories above them, and a /tmp.
func (i Image) layer(to io.Writer) error {
	w := tar.NewWriter(to)
	dirs := map[string]int64{"tmp": 0o1777}
	for name := range i.Files {
		for dir := path.Dir(name[1:]); dir != "."; dir = path.Dir(dir) {
			dirs[dir] = max(dirs[dir], 0o755)
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: dirs[dir]}); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(i.Files)) {
		if err := addFile(w, name[1:], i.Files[name]); err != nil {
			return err
		}
	}
	return w.Close()
}

func addFile(w *tar.Writer, name, from string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return add(w, tar.Header{Name: name, Mode: int64(info.Mode().Perm()), Size: info.Size()}, f)
}

func add(w *tar.Writer, h tar.Header, content io.Reader) error {
	if err := w.WriteHeader(&h); err != nil {
		return err
	}
	_, err := io.Copy(w, content)
	return err
}
