package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// What is put on nodes is what the chart brings for those who put it there themselves, and takes the place of an older one.
func TestSandboxProfileIsTheCharts(t *testing.T) {
	want, err := os.ReadFile("../../deploy/helm/midwatch/files/seccomp.json")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "sandbox.json")
	if err := os.WriteFile(file, []byte("older"), 0o644); err != nil {
		t.Fatal(err)
	}
	var printed bytes.Buffer
	for _, args := range [][]string{{file}, {}} {
		cmd := sandboxProfileCommand()
		cmd.SetArgs(args)
		cmd.SetOut(&printed)
		if err := cmd.Execute(); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(got, want) || !bytes.Equal(printed.Bytes(), want) {
		t.Errorf("%d bytes in the file, %d printed, want %d: %v", len(got), printed.Len(), len(want), err)
	}
	if s, err := os.Stat(file); err != nil || s.Mode().Perm() != 0o644 {
		t.Errorf("kubelets may not read it: %v, %v", s.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.new")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
