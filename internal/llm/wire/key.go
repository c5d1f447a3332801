package wire

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/midwatch/midwatch/internal/llm"
)

// maxKey is far more than any vendor's key, and far less than a file given by mistake.
const maxKey = 8 << 10

// Account completes and checks the entry of an account with an API key, and reads that.
func Account(cfg llm.ProviderConfig) (llm.ProviderConfig, string, error) {
	cfg = cfg.OrDefault()
	if err := cfg.Validate(); err != nil {
		return cfg, "", err
	}
	key, err := Key(cfg.KeyFile)
	if err != nil {
		return cfg, "", fmt.Errorf("provider %s: %w", cfg.Name, err)
	}
	return cfg, key, nil
}

// Key reads an API key from a file: one line, surrounding space does not count. Only its owner may read the file.
func Key(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("open key_file: %w", err)
	}
	defer f.Close()
	if err := Private(f); err != nil {
		return "", err
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxKey+1))
	if err != nil {
		return "", fmt.Errorf("read key_file: %w", err)
	}
	key := strings.TrimSpace(string(raw))
	switch {
	case key == "":
		return "", fmt.Errorf("key_file %s is empty", path)
	case len(raw) > maxKey || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", fmt.Errorf("key_file %s holds more than one key: write the key alone into it", path)
	}
	return key, nil
}

// Private refuses a file that anybody but its owner may read.
func Private(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("look at key_file: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("key_file %s can be read by others (mode %04o): chmod 600 it", f.Name(), mode)
	}
	return nil
}
