// Package pki is the certificate authority of one installation and the identities it gives to its parts.
// `midwatch up` creates it; in production its files come from elsewhere and have the same names.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Part names, each the common name and the DNS name of a certificate.
const (
	Agent      = "node-agent"
	JetStream  = "jetstream"
	Exporter   = "exporter"
	Ingester   = "ingester"
	ClickHouse = "clickhouse"
	Temporal   = "temporal"
	API        = "api"
	Worker     = "worker"
	Sandbox    = "worker-sandbox"
	Apply      = "worker-apply"
	GitHub     = "worker-github"
	Model      = "worker-model"
	Postgres   = "postgres"
	CLI        = "cli" // operators' tools, and senders of OTLP that are not ours
)

// Parts lists every part that gets a certificate.
var Parts = []string{Agent, JetStream, Exporter, Ingester, ClickHouse, Temporal, API, Worker, Sandbox, Apply, GitHub, Model, Postgres, CLI}

const (
	caLife   = 10 * 365 * 24 * time.Hour
	leafLife = 365 * 24 * time.Hour
	renew    = 30 * 24 * time.Hour // a leaf with less left is made anew at the next start
)

// Ensure makes the CA and a certificate per part under dir where they are missing or about to expire:
// ca.pem, ca-key.pem, <part>.pem, <part>-key.pem, keys with mode 0600. Not for several processes at once: `up` calls it.
func Ensure(dir string) error { return EnsureNamed(dir, nil) }

// EnsureNamed is Ensure for parts that are reached under other names than their own and localhost: names has them, by part. A certificate
// that lacks one is made anew.
func EnsureNamed(dir string, names map[string][]string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make %s: %w", dir, err)
	}
	ca, caKey, err := ensureCA(dir)
	if err != nil {
		return err
	}
	for _, part := range Parts {
		leaf, _, err := readPair(dir, part)
		if err == nil && time.Until(leaf.NotAfter) > renew && leaf.CheckSignatureFrom(ca) == nil && has(leaf, names[part]) {
			continue
		}
		if err := makeLeaf(dir, part, names[part], ca, caKey); err != nil {
			return fmt.Errorf("make certificate of %s: %w", part, err)
		}
	}
	return nil
}

func has(leaf *x509.Certificate, names []string) bool {
	for _, n := range names {
		if !slices.Contains(leaf.DNSNames, n) {
			return false
		}
	}
	return true
}

// ensureCA makes the CA only where there is none: one that cannot be read may be somebody's, and every peer trusts it.
func ensureCA(dir string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	_, err := os.Stat(filepath.Join(dir, "ca.pem"))
	if errors.Is(err, fs.ErrNotExist) {
		ca, key, err := makeCA(dir)
		if err != nil {
			return nil, nil, fmt.Errorf("make certificate authority in %s: %w", dir, err)
		}
		return ca, key, nil
	}
	ca, key, err := readPair(dir, "ca")
	if err != nil {
		return nil, nil, fmt.Errorf("read certificate authority: %w (restore ca.pem and ca-key.pem, or move %s away to begin anew)", err, dir)
	}
	return ca, key, nil
}

func makeCA(dir string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	t := &x509.Certificate{
		Subject: pkix.Name{CommonName: "Midwatch CA"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(caLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	cert, err := sign(dir, "ca", t, t, key, key)
	return cert, key, err
}

func makeLeaf(dir, part string, names []string, ca *x509.Certificate, caKey *ecdsa.PrivateKey) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	_, err = sign(dir, part, &x509.Certificate{
		Subject: pkix.Name{CommonName: part}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(leafLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames: append([]string{part, "localhost"}, names...), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}, ca, key, caKey)
	return err
}

func sign(dir, name string, t, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	t.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, t, parent, &key.PublicKey, parentKey)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		writePEM(filepath.Join(dir, name+"-key.pem"), "EC PRIVATE KEY", keyDER, 0o600),
		writePEM(filepath.Join(dir, name+".pem"), "CERTIFICATE", der, 0o644))
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func writePEM(path, kind string, der []byte, mode os.FileMode) error {
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

func readPair(dir, name string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, name+".pem"), filepath.Join(dir, name+"-key.pem"))
	if err != nil {
		return nil, nil, err
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, nil, fmt.Errorf("%s-key.pem is not an ECDSA key", name)
	}
	return pair.Leaf, key, nil
}
