package pki

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Identity is one part's certificate and the CA that its peers are measured by. The certificate is read anew when its files change, so
// that one that is renewed is presented by a part that runs; connections that are open stay open. The CA is that of the start.
type Identity struct {
	Part string
	Dir  string       // where its files are, for libraries that want paths
	Log  *slog.Logger // told of certificates read anew, or not readable; may be nil; set before the first connection
	pool *x509.CertPool

	// current is the certificate and the files it was read from.
	current struct {
		sync.Mutex
		cert    tls.Certificate
		changed time.Time // newest modification of the files
		looked  time.Time
	}
}

// lookAgain is how old what is known of the files may be: every handshake asks.
const lookAgain = time.Second

// Load reads a part's identity from dir.
func Load(dir, part string) (*Identity, error) {
	id := &Identity{Part: part, Dir: dir}
	if err := id.read(id.modified()); err != nil {
		return nil, fmt.Errorf("load certificate of %s: %w", part, err)
	}
	var err error
	id.pool, err = authorities(dir)
	return id, err
}

func authorities(dir string) (*x509.CertPool, error) {
	ca, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		return nil, fmt.Errorf("load certificate authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("load certificate authority: no certificate in %s", filepath.Join(dir, "ca.pem"))
	}
	return pool, nil
}

// Server returns a configuration that accepts only the named parts, each by a certificate of this CA. No name: any part.
func (id *Identity) Server(allowed ...string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, GetCertificate: id.present,
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: id.pool,
		VerifyConnection: func(s tls.ConnectionState) error {
			peer := s.PeerCertificates[0].Subject.CommonName
			if len(allowed) > 0 && !slices.Contains(allowed, peer) {
				return fmt.Errorf("%s may not connect to %s", peer, id.Part)
			}
			return nil
		},
	}
}

// ServerOrToken is Server for a listener that also takes clients without a certificate: whoever serves must ask each of them for a token.
func (id *Identity) ServerOrToken(allowed ...string) *tls.Config {
	strict := id.Server(allowed...)
	return &tls.Config{
		MinVersion: tls.VersionTLS12, GetCertificate: id.present,
		ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: id.pool,
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 {
				return nil
			}
			return strict.VerifyConnection(s)
		},
	}
}

// Client returns a configuration that trusts only the named part of this CA, whatever address it is reached at.
func (id *Identity) Client(server string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, RootCAs: id.pool, ServerName: server,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return id.certificate(), nil },
	}
}

// Web returns a configuration for browsers and the CLI, who bring a token, not a certificate.
func (id *Identity) Web() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: id.present}
}

// Trust returns a configuration for a client without a certificate that trusts the named part of this CA.
func Trust(dir, server string) (*tls.Config, error) {
	pool, err := authorities(dir)
	if err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool, ServerName: server}, nil
}

func (id *Identity) present(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return id.certificate(), nil
}

// certificate is the one that the files hold now. While they do not fit together, as in the middle of being replaced, it is the last that did.
func (id *Identity) certificate() *tls.Certificate {
	id.current.Lock()
	defer id.current.Unlock()
	if now := time.Now(); now.Sub(id.current.looked) >= lookAgain {
		id.current.looked = now
		if at := id.modified(); !at.Equal(id.current.changed) {
			id.tell(id.read(at))
		}
	}
	cert := id.current.cert
	return &cert
}

// read takes the certificate from its files. The caller holds the lock, or is alone.
func (id *Identity) read(modified time.Time) error {
	cert, err := tls.LoadX509KeyPair(id.files())
	if err != nil {
		return err
	}
	id.current.cert, id.current.changed = cert, modified
	return nil
}

func (id *Identity) tell(err error) {
	switch {
	case id.Log == nil:
	case err != nil:
		id.Log.Warn("the certificate's files changed and cannot be read; the one before is kept", "part", id.Part, "error", err)
	default:
		id.Log.Info("read the certificate anew", "part", id.Part, "until", id.current.cert.Leaf.NotAfter)
	}
}

func (id *Identity) files() (cert, key string) {
	return filepath.Join(id.Dir, id.Part+".pem"), filepath.Join(id.Dir, id.Part+"-key.pem")
}

// modified is the newest modification of both files, zero when one is not there.
func (id *Identity) modified() time.Time {
	cert, key := id.files()
	c, err := os.Stat(cert)
	if err != nil {
		return time.Time{}
	}
	k, err := os.Stat(key)
	if err != nil {
		return time.Time{}
	}
	if k.ModTime().After(c.ModTime()) {
		return k.ModTime()
	}
	return c.ModTime()
}
