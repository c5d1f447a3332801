package main

import (
	"fmt"
	"slices"
	"strings"
)

// dockerfile makes one target for each image, on Debian. What is Debian's comes from its packages, shared libraries with it.
func dockerfile(list []image) string {
	var b strings.Builder
	b.WriteString(`# Generated from deploy/images/images.yaml by "make generate". Build what it copies first, then one image at a time:
#   make deps build
#   docker build --file deploy/images/Dockerfile --target midwatch --tag midwatch .

`)
	for i, im := range list {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "# %s: %s\nFROM debian:12-slim AS %s\n", im.Name, im.About, im.Name)
		if len(im.Packages) > 0 {
			fmt.Fprintf(&b, "RUN apt-get update && apt-get install --yes --no-install-recommends %s && rm -rf /var/lib/apt/lists/*\n", strings.Join(im.Packages, " "))
		}
		fmt.Fprintf(&b, "RUN groupadd --gid %d midwatch && useradd --uid %d --gid %d --home-dir %s --create-home --shell /sbin/nologin midwatch\n", user, user, user, stateDir)
		for _, c := range im.Files {
			if c.ours() {
				fmt.Fprintf(&b, "COPY %s %s\n", c.From, c.To)
			}
		}
		fmt.Fprintf(&b, "USER %d:%d\nWORKDIR %s\nENTRYPOINT [%s]\n", user, user, stateDir, quoted(im.Entrypoint))
	}
	return b.String()
}

// dockerignore lets in what the Dockerfile copies: the rest of a checkout is gigabytes.
func dockerignore(list []image) string {
	lines := []string{"*"}
	for _, im := range list {
		for _, c := range im.Files {
			if line := "!" + c.From; c.ours() && !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

func quoted(words []string) string {
	out := slices.Clone(words)
	for i := range out {
		out[i] = fmt.Sprintf("%q", out[i])
	}
	return strings.Join(out, ", ")
}
