package pki_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/midwatch/midwatch/internal/auth/pki"
)

func TestEnsure(t *testing.T) {
	dir := t.TempDir()
	if err := pki.Ensure(dir); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range pki.Parts {
		if _, err := pki.Load(dir, part); err != nil {
			t.Error(err)
		}
		if info, err := os.Stat(filepath.Join(dir, part+"-key.pem")); err != nil || info.Mode() != 0o600 {
			t.Errorf("key of %s: %v, %v", part, info, err)
		}
	}
	if err := pki.Ensure(dir); err != nil {
		t.Errorf("again: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "ca-key.pem")); err != nil {
		t.Fatal(err)
	}
	if err := pki.Ensure(dir); err == nil {
		t.Error("a certificate authority without its key was accepted")
	}
	if after, err := os.ReadFile(filepath.Join(dir, "ca.pem")); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the certificate authority was replaced: %v", err)
	}
}
