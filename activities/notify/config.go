package notify

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/midwatch/midwatch/workflows"
)

// Config is who is told what.
type Config struct {
	// Page is the address of the web UI as people reach it, for links; empty: messages have none.
	Page    string   `yaml:"page"`
	Targets []Target `yaml:"targets"`
}

// Kinds of target.
const (
	KindWebhook = "webhook"
	KindSlack   = "slack"
)

// Target is one address that is told.
type Target struct {
	Name    string            `yaml:"name"`
	Kind    string            `yaml:"kind"`     // webhook or slack
	URL     string            `yaml:"url"`      // of a webhook; https, or http on a loopback address
	URLFile string            `yaml:"url_file"` // file that holds it, when it is a secret; for Slack always
	KeyFile string            `yaml:"key_file"` // webhook: file with the key that signs, at least 32 bytes
	CAFile  string            `yaml:"ca_file"`  // PEM of the authority that signed the receiver's certificate; empty: the system's
	Events  []workflows.Event `yaml:"events"`   // empty: all of them
}

// wants tells whether a target is told of an event.
func (t Target) wants(e workflows.Event) bool {
	return len(t.Events) == 0 || slices.Contains(t.Events, e)
}

// check reads a target's files and says what is wrong with it. Errors never hold an address or a key.
func (t Target) check() (address string, key []byte, roots *x509.CertPool, err error) {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("notify: target %s: "+format, append([]any{t.Name}, args...)...)
	}
	switch {
	case t.Name == "":
		return "", nil, nil, errors.New("notify: a target needs a name")
	case t.Kind != KindWebhook && t.Kind != KindSlack:
		return "", nil, nil, wrong("kind is %q; it is webhook or slack", t.Kind)
	case t.Kind == KindSlack && (t.URL != "" || t.URLFile == ""):
		return "", nil, nil, wrong("a Slack webhook's address is a secret: put it into a file and set url_file")
	case t.Kind == KindWebhook && (t.URL == "") == (t.URLFile == ""):
		return "", nil, nil, wrong("set url or url_file")
	case t.Kind == KindWebhook && t.KeyFile == "":
		return "", nil, nil, wrong("set key_file: its receiver must be able to tell our messages from others")
	}
	for _, e := range t.Events {
		if !slices.Contains(workflows.Events(), e) {
			return "", nil, nil, wrong("there is no event %q; events are %v", e, workflows.Events())
		}
	}
	address = t.URL
	if t.URLFile != "" {
		b, err := secret(t.URLFile)
		if err != nil {
			return "", nil, nil, wrong("url_file: %w", err)
		}
		address = string(b)
	}
	if !allowed(address) {
		return "", nil, nil, wrong("its address must be https without credentials; plain http goes to loopback addresses only")
	}
	if t.KeyFile != "" {
		if key, err = secret(t.KeyFile); err != nil {
			return "", nil, nil, wrong("key_file: %w", err)
		}
		if len(key) < minKey {
			return "", nil, nil, wrong("key_file: %d bytes are too few, at least %d; `openssl rand -hex 32` makes a key", len(key), minKey)
		}
	}
	if roots, err = authority(t.CAFile); err != nil {
		return "", nil, nil, wrong("ca_file: %w", err)
	}
	return address, key, roots, nil
}

// minKey is the shortest signing key, in bytes.
const minKey = 32

// allowed tells whether messages may go to an address at all.
func allowed(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Opaque != "" {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && err == nil && ip.IsLoopback()
}

// secret reads a file that nobody but its owner may read.
func secret(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if mode := info.Mode(); !mode.IsRegular() || mode.Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s has mode %s and may be read by others: chmod 600", path, mode)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return []byte(strings.TrimSpace(string(b))), nil
}

// authority reads certificates to trust, nil for the system's.
func authority(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		return nil, fmt.Errorf("%s holds no certificate", path)
	}
	return pool, nil
}
