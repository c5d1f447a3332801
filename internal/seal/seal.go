// Package seal encrypts what Midwatch keeps: AES-256-GCM under a named key from a key file, bound to what the bytes are for.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrOpen means the bytes were not sealed by a key of this ring for this purpose, or were changed since.
var ErrOpen = errors.New("sealed bytes do not open")

const (
	keySize   = 32
	nonceSize = 12
	version   = 1
)

// Ring is a set of keys. It seals with the newest and opens with any, so that keys can be rotated. Safe for concurrent use.
type Ring struct {
	newest uint32
	keys   map[uint32]cipher.AEAD
	raw    map[uint32][]byte
}

// LoadRing reads a key file: a line per key, "<number> <base64 of 32 bytes>", the highest number the newest.
// When the file does not exist it is made, mode 0600, with one key.
func LoadRing(path string) (*Ring, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if b, err = create(path); err != nil {
			return nil, fmt.Errorf("make key file %s: %w", path, err)
		}
	} else if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	r := &Ring{keys: map[uint32]cipher.AEAD{}, raw: map[uint32][]byte{}}
	for i, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		var id uint32
		var text string
		if _, err := fmt.Sscanf(line, "%d %s", &id, &text); err != nil {
			return nil, fmt.Errorf("%s:%d: want \"<number> <base64 key>\"", path, i+1)
		}
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(key) != keySize {
			return nil, fmt.Errorf("%s:%d: want base64 of %d bytes", path, i+1, keySize)
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, i+1, err)
		}
		if r.keys[id], err = cipher.NewGCM(block); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, i+1, err)
		}
		r.raw[id] = key
		r.newest = max(r.newest, id)
	}
	return r, nil
}

// create makes the file atomically, so that two parts that start together agree on one key.
func create(path string) ([]byte, error) {
	key := make([]byte, keySize)
	rand.Read(key)
	line := []byte("1 " + base64.StdEncoding.EncodeToString(key) + "\n")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".key-*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	if _, err := tmp.Write(line); err != nil {
		return nil, errors.Join(err, tmp.Close())
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return os.ReadFile(path)
}

// Seal encrypts plain for a purpose such as "evidence/inv-1/e3". The result is 33 bytes longer than plain.
func (r *Ring) Seal(purpose string, plain []byte) []byte {
	out := make([]byte, 0, 1+4+nonceSize+len(plain)+16)
	out = append(out, version)
	out = binary.BigEndian.AppendUint32(out, r.newest)
	nonce := make([]byte, nonceSize)
	rand.Read(nonce)
	out = append(out, nonce...)
	return r.keys[r.newest].Seal(out, nonce, plain, []byte(purpose))
}

// Open decrypts what Seal made for the same purpose, or returns ErrOpen.
func (r *Ring) Open(purpose string, sealed []byte) ([]byte, error) {
	if len(sealed) < 1+4+nonceSize || sealed[0] != version {
		return nil, ErrOpen
	}
	key, ok := r.keys[binary.BigEndian.Uint32(sealed[1:5])]
	if !ok {
		return nil, fmt.Errorf("%w: key %d is not in the ring", ErrOpen, binary.BigEndian.Uint32(sealed[1:5]))
	}
	plain, err := key.Open(nil, sealed[5:5+nonceSize], sealed[5+nonceSize:], []byte(purpose))
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

// Newest returns a copy of the newest key, for engines that encrypt by themselves (ClickHouse's disk, JetStream's file store).
func (r *Ring) Newest() []byte { return append([]byte(nil), r.raw[r.newest]...) }
