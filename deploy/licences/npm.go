package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// locks are of the npm packages that Midwatch ships or its web UI is built with. Recorded answers for tests (deploy/fixtures) are neither.
var locks = []string{"api/web", "deploy/clickhouse/library"}

// allowedSPDX are the licences that npm's lock files may name.
var allowedSPDX = []string{"Apache-2.0", "MPL-2.0", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "MIT", "MIT-0", "ISC", "Unlicense", "CC0-1.0", "BlueOak-1.0.0"}

// scanNPM lists the packages that dir's package-lock.json names, and those of them whose licence is not allowed.
func scanNPM(dir string) (names, refused []string, err error) {
	b, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return nil, nil, err
	}
	var lock struct {
		Packages map[string]struct {
			License string `json:"license"`
		} `json:"packages"`
	}
	if err := json.Unmarshal(b, &lock); err != nil {
		return nil, nil, fmt.Errorf("read %s/package-lock.json: %w", dir, err)
	}
	for _, path := range slices.Sorted(maps.Keys(lock.Packages)) {
		if path == "" { // ourselves
			continue
		}
		name := strings.TrimPrefix(path, "node_modules/")
		names = append(names, name)
		if licence := lock.Packages[path].License; !slices.Contains(allowedSPDX, licence) {
			refused = append(refused, fmt.Sprintf("%s: licence %q is not among those we allow", name, licence))
		}
	}
	return names, refused, nil
}
