package main

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"
)

//go:embed images.yaml
var listYAML []byte

// user runs every image's program. It has no name anywhere else and owns nothing but the state directory.
const user = 65532

// image is one entry of images.yaml.
type image struct {
	Name       string
	About      string
	Entrypoint []string
	Packages   []string // of Debian, that the files come from, for the Dockerfile
	Files      []copied
}

// copied is one file, or several by pattern, and where they go.
type copied struct{ From, To string }

func readList() ([]image, error) {
	var list struct{ Images []image }
	dec := yaml.NewDecoder(bytes.NewReader(listYAML))
	dec.KnownFields(true)
	if err := dec.Decode(&list); err != nil {
		return nil, fmt.Errorf("read images.yaml: %w", err)
	}
	return list.Images, nil
}

// ours tells what this repository builds from what Debian has.
func (c copied) ours() bool { return !filepath.IsAbs(c.From) }

// expand finds the files below root: path there → path in the image.
func (c copied) expand(root string) (map[string]string, error) {
	pattern := c.From
	if c.ours() {
		pattern = filepath.Join(root, pattern)
	}
	found, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.From, err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s: %w", c.From, errMissing)
	}
	files := make(map[string]string, len(found))
	for _, f := range found {
		to := c.To
		if strings.HasSuffix(to, "/") {
			to += filepath.Base(f)
		}
		files[f] = to
	}
	return files, nil
}

var errMissing = errors.New("there is no such file: run make build and make deps, or install the Debian package it is from")
