package github

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// maxSecret bounds a token, a key or a webhook's secret, in bytes.
const maxSecret = 64 << 10

// open refuses, in a secret's mode, everything but the owner's rights and reading by the group.
const open = 0o037

// ReadSecret reads a file that holds a secret, without the white space around it. Others must not be able to read it, nor the
// group to write it.
func ReadSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	if mode := info.Mode().Perm(); mode&open != 0 {
		return "", fmt.Errorf("read secret %s: its mode is %04o, others can read or change it; chmod 600", path, mode)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", fmt.Errorf("read secret %s: %w", path, err)
	}
	s := strings.TrimSpace(string(b))
	if s == "" || len(b) > maxSecret {
		return "", fmt.Errorf("read secret %s: it is empty or larger than %d bytes", path, maxSecret)
	}
	return s, nil
}

// readToken reads a token: one word.
func readToken(path string) (string, error) {
	s, err := ReadSecret(path)
	if err == nil && strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		err = fmt.Errorf("read secret %s: a token is one word", path)
	}
	return s, err
}
