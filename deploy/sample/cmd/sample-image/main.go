// Sample-image writes the image of the sample application for a test cluster: sample-image PROGRAM ARCHIVE, with the program that
// `go build ./deploy/sample/cmd/sample` made.
package main

import (
	"fmt"
	"os"

	"github.com/midwatch/midwatch/deploy/sample"
	"github.com/midwatch/midwatch/deploy/testcluster"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: sample-image PROGRAM ARCHIVE")
		os.Exit(2)
	}
	image := testcluster.Image{Name: sample.Image, Entrypoint: []string{"/sample"}, Files: map[string]string{"/sample": os.Args[1]}}
	if err := image.Write(os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
