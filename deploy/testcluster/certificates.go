package testcluster

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// identities that Kubernetes' own roles are bound to: file name → who it is.
const (
	admin       = "admin"
	nodeClient  = "node"
	controllers = "controllers"
	scheduler   = "scheduler"
	proxy       = "proxy"
	apiServer   = "apiserver"
)

var subjects = map[string]pkix.Name{
	admin:       {CommonName: "admin", Organization: []string{"system:masters"}},
	nodeClient:  {CommonName: "system:node:" + NodeName, Organization: []string{"system:nodes"}},
	controllers: {CommonName: "system:kube-controller-manager"},
	scheduler:   {CommonName: "system:kube-scheduler"},
	proxy:       {CommonName: "system:kube-proxy"},
	apiServer:   {CommonName: "kube-apiserver", Organization: []string{"system:masters"}}, // of kubelets it is a client
}

// life is how long a certificate holds: longer than any test.
const life = 30 * 24 * time.Hour

// writeCertificates makes the cluster's authority ca.pem, a certificate and key for each identity, and the key that service accounts' tokens
// are signed with, in dir.
func writeCertificates(dir string) error {
	ca := &x509.Certificate{
		Subject: pkix.Name{CommonName: "test cluster"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	caKey, err := writeCertificate(dir, "ca", ca, ca, nil)
	if err != nil {
		return err
	}
	for name, subject := range subjects {
		leaf := &x509.Certificate{
			Subject: subject, KeyUsage: x509.KeyUsageDigitalSignature,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
			DNSNames:    []string{NodeName, "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.ParseIP(nodeAddress), net.ParseIP(serviceAddress)},
		}
		if _, err := writeCertificate(dir, name, leaf, ca, caKey); err != nil {
			return err
		}
	}
	return writeServiceAccountKey(dir)
}

// writeCertificate signs a certificate with the authority's key, or with its own if there is none, and returns its own.
func writeCertificate(dir, name string, template, ca *x509.Certificate, caKey crypto.Signer) (crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	if caKey == nil {
		caKey = key
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62)); err != nil {
		return nil, err
	}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(life)
	der, err := x509.CreateCertificate(rand.Reader, template, ca, key.Public(), caKey)
	if err != nil {
		return nil, fmt.Errorf("make certificate of %s: %w", name, err)
	}
	return key, errors.Join(writePEM(dir, name+".pem", "CERTIFICATE", der), writeKey(dir, name+"-key.pem", key))
}

func writeServiceAccountKey(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	return errors.Join(writePEM(dir, "accounts.pem", "PUBLIC KEY", public), writeKey(dir, "accounts-key.pem", key))
}

func writeKey(dir, name string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return writePEM(dir, name, "EC PRIVATE KEY", der)
}

func writePEM(dir, name, kind string, der []byte) error {
	return os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
