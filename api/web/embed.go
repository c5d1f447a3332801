// Package web is the front end, built by `make` into dist and embedded in the binary.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Files is the built front end, index.html at its root; empty of pages in a tree where `make` has not built it.
func Files() (fs.FS, error) { return fs.Sub(dist, "dist") }
