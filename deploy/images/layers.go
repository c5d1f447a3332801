package main

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/midwatch/midwatch/deploy/images/archive"
)

// stateDir is the one directory that an image's user owns; the chart mounts volumes below it.
const stateDir = "/var/lib/midwatch"

// base is what every image has beside its files: a user, a place for state, and what its programs need to start.
func base(needed map[string]string) (archive.Layer, error) {
	l := archive.Layer{
		{Path: "/etc/passwd", Text: fmt.Sprintf("root:x:0:0::/:/sbin/nologin\nmidwatch:x:%d:%d::%s:/sbin/nologin\n", user, user, stateDir), Mode: 0o644},
		{Path: "/etc/group", Text: fmt.Sprintf("root:x:0:\nmidwatch:x:%d:\n", user), Mode: 0o644},
		{Path: "/tmp", Dir: true, Mode: 0o1777},
		{Path: stateDir, Dir: true, Mode: 0o750, Owner: user},
	}
	return l.Add(needed)
}

// layers are an image's: what is not ours first, then one for each file that is, so that images share what they have in common.
func (im image) layers(root string) ([]archive.Layer, error) {
	var sources []string
	var mine []archive.Layer
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
			l, err := archive.Layer{}.Add(map[string]string{from: to})
			if err != nil {
				return nil, err
			}
			mine = append(mine, l)
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
	if first, err = first.Add(foreign); err != nil {
		return nil, err
	}
	return append([]archive.Layer{first}, mine...), nil
}

// write writes the image as an archive and returns its digest. reference is its full name, with a tag.
func (im image) write(w io.Writer, root, reference string) (string, error) {
	layers, err := im.layers(root)
	if err != nil {
		return "", err
	}
	return archive.Image{Reference: reference, Layers: layers, Config: map[string]any{
		"User": fmt.Sprintf("%d:%d", user, user), "Entrypoint": im.Entrypoint, "WorkingDir": stateDir,
		"Env":    []string{"PATH=/usr/local/bin:/usr/bin:/bin"},
		"Labels": map[string]string{"org.opencontainers.image.title": im.Name, "org.opencontainers.image.description": im.About, "org.opencontainers.image.licenses": "Apache-2.0"},
	}}.Write(w)
}
