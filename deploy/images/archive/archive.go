// Package archive writes container images that `ctr images import`, `docker load` and the tools of the OCI read. The same files make the same bytes.
package archive

import (
	"archive/tar"
	"encoding/json"
	"io"
	"runtime"
	"time"
)

// Image is what an archive holds.
type Image struct {
	Reference string         // its full name, with a tag
	Layers    []Layer        // the lowest first; the directories that files are in need not be named
	Config    map[string]any // how it runs: Entrypoint, User, Env and the like, as the OCI's image configuration names them
}

// descriptor is how one blob of an archive names another.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

func describe(mediaType string, d digest) descriptor {
	return descriptor{MediaType: mediaType, Digest: "sha256:" + d.sum, Size: d.size}
}

const (
	typeConfig   = "application/vnd.oci.image.config.v1+json"
	typeManifest = "application/vnd.oci.image.manifest.v1+json"
	typeIndex    = "application/vnd.oci.image.index.v1+json"
	typeLayer    = "application/vnd.oci.image.layer.v1.tar"
)

// Write writes the image and returns its manifest's digest.
func (im Image) Write(w io.Writer) (string, error) {
	a := &archive{t: tar.NewWriter(w)}
	var parts []descriptor
	var diffs, blobs []string
	for _, l := range im.Layers {
		l = l.complete()
		d, err := l.digest()
		if err != nil {
			return "", err
		}
		a.stream(blob(d), d.size, l.write)
		parts = append(parts, describe(typeLayer, d))
		diffs = append(diffs, "sha256:"+d.sum)
		blobs = append(blobs, blob(d))
	}
	config := a.json(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux",
		"rootfs": map[string]any{"type": "layers", "diff_ids": diffs},
		"config": im.Config,
	})
	manifest := a.json(map[string]any{"schemaVersion": 2, "mediaType": typeManifest, "config": describe(typeConfig, config), "layers": parts})
	top := describe(typeManifest, manifest)
	top.Annotations = map[string]string{"io.containerd.image.name": im.Reference, "org.opencontainers.image.ref.name": im.Reference}
	a.file("index.json", map[string]any{"schemaVersion": 2, "mediaType": typeIndex, "manifests": []descriptor{top}})
	a.file("manifest.json", []map[string]any{{"Config": blob(config), "RepoTags": []string{im.Reference}, "Layers": blobs}})
	a.file("oci-layout", map[string]string{"imageLayoutVersion": "1.0.0"})
	return top.Digest, a.close()
}

func blob(d digest) string { return "blobs/sha256/" + d.sum }

// archive writes an image's files; the first error ends it and is what close returns.
type archive struct {
	t   *tar.Writer
	err error
}

func (a *archive) stream(name string, size int64, write func(io.Writer) error) {
	if a.err != nil {
		return
	}
	a.err = a.t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644, ModTime: time.Unix(0, 0)})
	if a.err == nil {
		a.err = write(a.t)
	}
}

// json writes a blob.
func (a *archive) json(v any) digest {
	b, err := json.Marshal(v)
	if a.err == nil {
		a.err = err
	}
	d := digestOf(b)
	a.bytes(blob(d), b)
	return d
}

func (a *archive) file(name string, v any) {
	b, err := json.Marshal(v)
	if a.err == nil {
		a.err = err
	}
	a.bytes(name, b)
}

func (a *archive) bytes(name string, b []byte) {
	a.stream(name, int64(len(b)), func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

func (a *archive) close() error {
	if a.err != nil {
		return a.err
	}
	return a.t.Close()
}
