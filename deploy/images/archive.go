package main

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"time"
)

// stateDir is the one directory that an image's user owns; the chart mounts volumes below it.
const stateDir = "/var/lib/midwatch"

// base is what every image has beside its files: a user, a place for state, and what its programs need to start.
func base(needed map[string]string) (layer, error) {
	l := layer{
		{path: "/etc/passwd", text: fmt.Sprintf("root:x:0:0::/:/sbin/nologin\nmidwatch:x:%d:%d::%s:/sbin/nologin\n", user, user, stateDir), mode: 0o644},
		{path: "/etc/group", text: fmt.Sprintf("root:x:0:\nmidwatch:x:%d:\n", user), mode: 0o644},
		{path: "/tmp", dir: true, mode: 0o1777},
		{path: stateDir, dir: true, mode: 0o750, owner: user},
	}
	return l.add(needed)
}

// layers are an image's: what is not ours first, then one for each file that is, so that images share what they have in common.
func (im image) layers(root string) ([]layer, error) {
	var sources []string
	var mine []layer
	foreign := map[string]string{}
	for _, c := range im.Files {
		files, err := c.expand(root)
		if err != nil {
			return nil, err
		}
		for _, from := range slices.Sorted(maps.Keys(files)) {
			to := files[from]
			sources = append(sources, from)
			if !c.ours() {
				foreign[from] = to
				continue
			}
			l, err := layer{}.add(map[string]string{from: to})
			if err != nil {
				return nil, err
			}
			mine = append(mine, l.complete())
		}
	}
	needed, err := libraries(sources)
	if err != nil {
		return nil, err
	}
	first, err := base(needed)
	if err != nil {
		return nil, err
	}
	if first, err = first.add(foreign); err != nil {
		return nil, err
	}
	return append([]layer{first.complete()}, mine...), nil
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

// write writes the image as an OCI archive that `docker load` and `ctr images import` read, too, and returns the manifest's digest.
// reference is its full name, with a tag.
func (im image) write(w io.Writer, root, reference string) (string, error) {
	layers, err := im.layers(root)
	if err != nil {
		return "", err
	}
	a := &archive{t: tar.NewWriter(w)}
	var parts []descriptor
	var diffs, blobs []string
	for _, l := range layers {
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
		"config": map[string]any{
			"User": fmt.Sprintf("%d:%d", user, user), "Entrypoint": im.Entrypoint, "WorkingDir": stateDir,
			"Env":    []string{"PATH=/usr/local/bin:/usr/bin:/bin"},
			"Labels": map[string]string{"org.opencontainers.image.title": im.Name, "org.opencontainers.image.description": im.About, "org.opencontainers.image.licenses": "Apache-2.0"},
		},
	})
	manifest := a.json(map[string]any{"schemaVersion": 2, "mediaType": typeManifest, "config": describe(typeConfig, config), "layers": parts})
	top := describe(typeManifest, manifest)
	top.Annotations = map[string]string{"io.containerd.image.name": reference, "org.opencontainers.image.ref.name": reference}
	a.file("index.json", map[string]any{"schemaVersion": 2, "mediaType": typeIndex, "manifests": []descriptor{top}})
	a.file("manifest.json", []map[string]any{{"Config": blob(config), "RepoTags": []string{reference}, "Layers": blobs}})
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
