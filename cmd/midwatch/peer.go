package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"

	"github.com/midwatch/midwatch/internal/auth/pki"
)

// peerSettings is how a server that is not of this installation proves who it is, and we to it. Without server_name it has a certificate
// of the installation's own authority, like a part.
type peerSettings struct {
	ServerName string `yaml:"server_name"` // name in its certificate
	CAFile     string `yaml:"ca_file"`     // PEM; empty: the system's authorities
	CertFile   string `yaml:"cert_file"`   // our certificate there, PEM; empty: none
	KeyFile    string `yaml:"key_file"`    // of CertFile
}

// client trusts the named part or, if there is a server name, that server.
func (p peerSettings) client(id *pki.Identity, part string) (*tls.Config, error) {
	if p.ServerName == "" {
		return id.Client(part), nil
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: p.ServerName}
	if p.CAFile != "" {
		ca, err := os.ReadFile(p.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read the authority of %s: %w", p.ServerName, err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(ca) {
			return nil, fmt.Errorf("read the authority of %s: no certificate in %s", p.ServerName, p.CAFile)
		}
	}
	if p.CertFile != "" {
		load := func() (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(p.CertFile, p.KeyFile)
			return &pair, err
		}
		if _, err := load(); err != nil {
			return nil, fmt.Errorf("read the certificate for %s: %w", p.ServerName, err)
		}
		conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return load() } // it may have been renewed
	}
	return conf, nil
}

// readSecret reads a file that holds one secret; "" for no file.
func readSecret(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	b, err := os.ReadFile(file)
	return strings.TrimSpace(string(b)), err
}
