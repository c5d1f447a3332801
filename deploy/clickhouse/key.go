package clickhouse

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrKey means that the data directory was encrypted with another key.
var ErrKey = errors.New("wrong disk key")

// checkKey refuses a key that is not the one the directory was made with. The engine would start all the same, take
// every part for broken and set it aside.
func checkKey(dir string, key []byte) error {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("midwatch clickhouse disk key"))
	want, path := mac.Sum(nil), filepath.Join(dir, "midwatch.key-check")
	got, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, "encrypted")); !errors.Is(err, fs.ErrNotExist) {
			return errors.Join(fmt.Errorf("%w: whether %s was encrypted with this one cannot be told, since %s is missing; restore it, or give another dir", ErrKey, dir, path), err)
		}
		return writeOnce(path, want)
	}
	if err != nil {
		return fmt.Errorf("check the disk key: %w", err)
	}
	if !hmac.Equal(got, want) {
		return fmt.Errorf("%w: %s was encrypted with another one; give that key or another dir", ErrKey, dir)
	}
	return nil
}

// writeOnce writes a file that is either whole or missing after a crash, and whole if it returned.
func writeOnce(path string, b []byte) error {
	f, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
