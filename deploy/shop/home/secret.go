package home

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Secret returns the secret called name, for the owner of the shop alone. It is made at the first call and then stays,
// so that a configuration that holds it can be written before the shop first starts.
func (d Dir) Secret(name string) (string, error) {
	file := d.join("secrets", name)
	b, err := os.ReadFile(file)
	if err == nil {
		return strings.TrimSpace(string(b)), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read secret %s: %w", name, err)
	}
	if err := os.MkdirAll(string(d), 0o755); err != nil {
		return "", fmt.Errorf("make secret %s: %w", name, err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return "", fmt.Errorf("make secret %s: %w", name, err)
	}
	secret := rand.Text() // letters and digits
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("make secret %s: %w", name, err)
	}
	return secret, nil
}
