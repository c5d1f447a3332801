// Command licences looks at the licence of every module that Midwatch's binaries link and of every npm package, and fails on one that
// Apache-2.0 software may not carry. A module's licence is recognized by the sentences its text cannot do without, a package's is named in the lock file.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// allowed maps a licence to the sentence that gives it away, in the order they are tried.
var allowed = []struct {
	name string
	text *regexp.Regexp
}{
	{"Apache-2.0", regexp.MustCompile(`(?i)apache license\s+version 2\.0|licensed under the apache license, version 2\.0`)},
	{"MPL-2.0", regexp.MustCompile(`(?i)mozilla public license,? version 2\.0`)},
	{"BSD", regexp.MustCompile(`(?i)redistribution and use in source and binary forms`)},
	{"MIT", regexp.MustCompile(`(?i)permission is hereby granted, free of charge`)},
	{"ISC", regexp.MustCompile(`(?i)permission to use, copy, modify,? and(/or)? distribute this software for any purpose`)},
	{"Unlicense", regexp.MustCompile(`(?i)this is free and unencumbered software`)},
	{"CC0-1.0", regexp.MustCompile(`(?i)CC0 1\.0 Universal`)},
}

var carriesLicence = regexp.MustCompile(`(?i)^(un)?licen|^copying`)

// elsewhere are modules whose licence is not beside their code, and where it is.
var elsewhere = map[string]string{
	"github.com/cactus/go-statsd-client/statsd":    "MIT, at the root of its repository, of which the module is a folder",
	"github.com/nexus-rpc/nexus-proto-annotations": "no file; generated options that the MIT-licensed go.temporal.io/api requires, by the same authors",
}

func main() {
	refused, err := scan(os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	for _, r := range refused {
		fmt.Println("refused ", r)
	}
	if len(refused) > 0 {
		os.Exit(1)
	}
}

// scan says on w how much it looked at, and returns what may not be used and why.
func scan(w io.Writer) (refused []string, err error) {
	for _, m := range []struct{ dir, packages string }{{".", "./..."}, {"deploy/temporal", "./..."}, {"deploy/gvisor", "tool"}} {
		modules, err := linked(m.dir, m.packages)
		if err != nil {
			return nil, err
		}
		for _, m := range modules {
			if licence(m.dir) == "" && elsewhere[m.path] == "" {
				refused = append(refused, m.path+": no licence we know")
			}
		}
		fmt.Fprintf(w, "%s: %d modules\n", m.dir, len(modules))
	}
	for _, dir := range locks {
		names, bad, err := scanNPM(dir)
		if err != nil {
			return nil, err
		}
		refused = append(refused, bad...)
		fmt.Fprintf(w, "%s: %d npm packages\n", dir, len(names))
	}
	return refused, nil
}

type module struct{ path, dir string }

// linked lists the modules that packages of the module in dir import, tests left out.
func linked(dir, packages string) ([]module, error) {
	cmd := exec.CommandContext(context.Background(), "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Dir}}{{end}}{{end}}", packages)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return nil, fmt.Errorf("list the modules of %s: %w: %s", dir, err, exit.Stderr)
		}
		return nil, fmt.Errorf("list the modules of %s: %w", dir, err)
	}
	var ms []module
	seen := map[string]bool{}
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		path, dir, ok := strings.Cut(s.Text(), "\t")
		if !ok || seen[path] || strings.HasPrefix(path, "github.com/midwatch/") {
			continue
		}
		seen[path] = true
		ms = append(ms, module{path, dir})
	}
	return ms, nil
}

// licence names the licence of a module, or "" when it carries none we know.
func licence(dir string) string {
	files, err := os.ReadDir(dir)
	if err != nil {
		return ""
	}
	for _, f := range files {
		if f.IsDir() || !carriesLicence.MatchString(f.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			continue
		}
		for _, a := range allowed {
			if a.text.Match(bytes.Join(bytes.Fields(text), []byte(" "))) {
				return a.name
			}
		}
	}
	return ""
}
