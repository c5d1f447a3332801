package auth

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// PublicSuffix is what the name of the public half of an approval key ends with.
const PublicSuffix = ".pub"

// LoadApprovalKey reads the key that signs approvals from a PKCS #8 PEM file. A missing file is made, mode 0600, with
// a new key. The public half is kept beside it as path+PublicSuffix, mode 0644. Only the api may read the private file.
func LoadApprovalKey(path string) (ed25519.PrivateKey, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		b, err = createKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("load approval key: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("load approval key: %s holds no PEM block", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("load approval key: %s: %w", path, err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("load approval key: %s is not an Ed25519 key", path)
	}
	if err := writePublic(path+PublicSuffix, key); err != nil {
		return nil, fmt.Errorf("write public approval key: %w", err)
	}
	return key, nil
}

// LoadApprovalPublicKey reads the public half: path is that of the private key plus PublicSuffix.
func LoadApprovalPublicKey(path string) (ed25519.PublicKey, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("load public approval key: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("load public approval key: %s holds no PEM block", path)
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("load public approval key: %s: %w", path, err)
	}
	key, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("load public approval key: %s is not an Ed25519 key", path)
	}
	return key, nil
}

func createKey(path string) ([]byte, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	err = place(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600, os.Link)
	if err != nil && !errors.Is(err, fs.ErrExist) { // another process was first: its key counts
		return nil, err
	}
	return os.ReadFile(path)
}

func writePublic(path string, key ed25519.PrivateKey) error {
	if there, err := LoadApprovalPublicKey(path); err == nil && there.Equal(key.Public()) { // the directory may be read-only
		return nil
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	return place(path, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o644, os.Rename)
}

// place writes a file whole and then puts it at path: os.Link keeps what is there, os.Rename replaces it.
func place(path string, content []byte, mode os.FileMode, put func(from, to string) error) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.Write(content)
	if err := errors.Join(err, tmp.Chmod(mode), tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return put(tmp.Name(), path)
}
