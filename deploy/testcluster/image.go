package testcluster

import (
	"bufio"
	"errors"
	"fmt"
	"os"

	"github.com/midwatch/midwatch/deploy/images/archive"
)

// Image is a container image that holds nothing but static programs and the files they read.
type Image struct {
	Name       string            // with a tag, for example localhost/shop:1
	Entrypoint []string          //
	Files      map[string]string // absolute path in the image → file of this machine; root owns them and everybody may read them
}

// Write writes the image as an archive that Load, `ctr images import` and `docker load` read. Equal files make equal bytes.
func (i Image) Write(file string) (err error) {
	layer := archive.Layer{{Path: "/tmp", Dir: true, Mode: 0o1777}}
	for to, from := range i.Files {
		if layer, err = layer.Add(map[string]string{from: to}); err != nil {
			return fmt.Errorf("write image %s: %w", i.Name, err)
		}
	}
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("write image %s: %w", i.Name, err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	_, err = archive.Image{
		Reference: i.Name, Layers: []archive.Layer{layer},
		Config: map[string]any{"Entrypoint": i.Entrypoint, "Env": []string{"PATH=/"}},
	}.Write(w)
	if err = errors.Join(err, w.Flush(), f.Close()); err != nil {
		return fmt.Errorf("write image %s: %w", i.Name, err)
	}
	return nil
}
