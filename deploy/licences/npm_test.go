package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestPackagesWithoutAnAllowedLicenceAreRefused(t *testing.T) {
	dir := t.TempDir()
	lock := `{"packages": {
		"": {"name": "ourselves"},
		"node_modules/fine": {"license": "MIT"},
		"node_modules/mute": {},
		"node_modules/fine/node_modules/viral": {"license": "AGPL-3.0-only"}
	}}`
	if err := os.WriteFile(filepath.Join(dir, "package-lock.json"), []byte(lock), 0o600); err != nil {
		t.Fatal(err)
	}
	names, refused, err := scanNPM(dir)
	want := []string{
		`fine/node_modules/viral: licence "AGPL-3.0-only" is not among those we allow`,
		`mute: licence "" is not among those we allow`,
	}
	if err != nil || len(names) != 3 || !slices.Equal(refused, want) {
		t.Errorf("got %q, %q, %v", names, refused, err)
	}
}
