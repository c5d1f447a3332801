// Command images writes Midwatch's container images as archives from one list of files (images.yaml), and the Dockerfile for those
// who build with Docker. The same files make the same images, byte for byte.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run() error {
	root := flag.String("root", ".", "`directory` of the repository")
	out := flag.String("out", "bin/images", "`directory` that gets an archive for each image")
	tag := flag.String("tag", "dev", "`tag` of the images")
	registry := flag.String("registry", "docker.io/library", "`prefix` of their names")
	docker := flag.String("dockerfile", "", "write the Dockerfile to this `file`, its .dockerignore beside it, and no archive")
	flag.Parse()
	list, err := readList()
	if err != nil {
		return err
	}
	if *docker != "" {
		return errors.Join(
			os.WriteFile(*docker, []byte(dockerfile(list)), 0o644),                   //nolint:gosec // it is to be read
			os.WriteFile(*docker+".dockerignore", []byte(dockerignore(list)), 0o644)) //nolint:gosec // the same
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return err
	}
	for _, im := range list {
		if flag.NArg() > 0 && !slices.Contains(flag.Args(), im.Name) {
			continue
		}
		file := filepath.Join(*out, im.Name+".tar")
		digest, err := im.save(file, *root, *registry+"/"+im.Name+":"+*tag)
		if err != nil {
			return fmt.Errorf("image %s: %w", im.Name, err)
		}
		fmt.Printf("%s %s\n", file, digest)
	}
	return nil
}

// save writes the archive beside and moves it into place.
func (im image) save(file, root, reference string) (digest string, err error) {
	f, err := os.Create(file + ".new")
	if err != nil {
		return "", err
	}
	defer os.Remove(file + ".new") //nolint:errcheck // gone when all went well
	w := bufio.NewWriterSize(f, 1<<20)
	digest, err = im.write(w, root, reference)
	if err = errors.Join(err, w.Flush(), f.Close()); err != nil {
		return "", err
	}
	return digest, os.Rename(file+".new", file)
}
