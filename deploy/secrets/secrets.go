// Package secrets makes an installation's certificates and keys in a Kubernetes namespace, as Secrets that the parts mount. It is safe to
// run again at any time and by several at once: what is there stays, certificates about to expire are made anew, what a newer version
// needs besides is added.
package secrets

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	typed "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/midwatch/midwatch/internal/auth/pki"
)

// Names of entries, those that cert-manager gives them.
const (
	certificate = corev1.TLSCertKey       // tls.crt
	privateKey  = corev1.TLSPrivateKeyKey // tls.key
	authority   = "ca.crt"
)

// attempts is how often somebody else may change a Secret between reading and writing it.
const attempts = 5

// Config says which Secrets to make.
type Config struct {
	Client    kubernetes.Interface
	Namespace string
	Prefix    string            // of the Secrets' names: <prefix>-ca, <prefix>-<part>-tls, <prefix>-keys
	Labels    map[string]string // of the Secrets
	// Names are those under which parts are reached, beside their own.
	Names map[string][]string
	// Certificates and Keys say what to make; the other comes from elsewhere.
	Certificates, Keys bool
	// MakeKeys makes the key files that are missing in a directory. Required for Keys.
	MakeKeys func(dir string) error
	Log      *slog.Logger
}

// Ensure makes what is missing or about to expire.
func Ensure(ctx context.Context, cfg Config) error {
	if cfg.Namespace == "" || cfg.Prefix == "" {
		return errors.New("secrets: namespace and prefix are needed")
	}
	w := writer{cfg: cfg, api: cfg.Client.CoreV1().Secrets(cfg.Namespace)}
	if cfg.Certificates {
		if err := w.again(ctx, w.certificates); err != nil {
			return fmt.Errorf("make certificates: %w", err)
		}
	}
	if cfg.Keys {
		if err := w.again(ctx, w.keys); err != nil {
			return fmt.Errorf("make keys: %w", err)
		}
	}
	return nil
}

type writer struct {
	cfg Config
	api typed.SecretInterface
}

// again repeats what somebody else came in between of.
func (w writer) again(ctx context.Context, step func(ctx context.Context, dir string) error) (err error) {
	for range attempts {
		dir, err := os.MkdirTemp("", "midwatch-secrets-")
		if err != nil {
			return err
		}
		err = errors.Join(step(ctx, dir), os.RemoveAll(dir))
		if !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	return err
}

// certificates reads the Secrets into files, has them completed, and writes back those that changed. The authority comes first: a part
// never gets a certificate of one that is not kept.
func (w writer) certificates(ctx context.Context, dir string) error {
	names := append([]string{"ca"}, pki.Parts...)
	before := map[string]*corev1.Secret{}
	for _, name := range names {
		s, err := w.read(ctx, w.certificateName(name))
		if err != nil {
			return err
		}
		before[name] = s
		if err := unpack(s, files(name), dir); err != nil {
			return err
		}
	}
	if err := pki.EnsureNamed(dir, w.cfg.Names); err != nil {
		return err
	}
	for _, name := range names {
		entries := files(name)
		if name != "ca" {
			entries[authority] = "ca.pem"
		}
		data, err := pack(dir, entries)
		if err != nil {
			return err
		}
		if err := w.write(ctx, w.certificateName(name), corev1.SecretTypeTLS, before[name], data); err != nil {
			return err
		}
	}
	return nil
}

func (w writer) certificateName(part string) string {
	if part == "ca" {
		return w.cfg.Prefix + "-ca"
	}
	return w.cfg.Prefix + "-" + part + "-tls"
}

// files are the entries of a Secret of certificates: entry → file. A part's has the authority's certificate, too, which is not read back.
func files(name string) map[string]string {
	return map[string]string{certificate: name + ".pem", privateKey: name + "-key.pem"}
}

func (w writer) keys(ctx context.Context, dir string) error {
	name := w.cfg.Prefix + "-keys"
	before, err := w.read(ctx, name)
	if err != nil {
		return err
	}
	entries := map[string]string{}
	if before != nil {
		for entry := range before.Data {
			entries[entry] = entry
		}
	}
	if err := unpack(before, entries, dir); err != nil {
		return err
	}
	if err := w.cfg.MakeKeys(dir); err != nil {
		return err
	}
	made, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range made {
		entries[f.Name()] = f.Name()
	}
	data, err := pack(dir, entries)
	if err != nil {
		return err
	}
	return w.write(ctx, name, corev1.SecretTypeOpaque, before, data)
}

// read returns nil for a Secret that is not there.
func (w writer) read(ctx context.Context, name string) (*corev1.Secret, error) {
	s, err := w.api.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read Secret %s: %w", name, err)
	}
	return s, nil
}

func (w writer) write(ctx context.Context, name string, kind corev1.SecretType, before *corev1.Secret, data map[string][]byte) error {
	switch {
	case before == nil:
		s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.cfg.Namespace, Labels: w.cfg.Labels}, Type: kind, Data: data}
		if _, err := w.api.Create(ctx, s, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("make Secret %s: %w", name, err)
		}
		w.cfg.Log.InfoContext(ctx, "made", "secret", name)
	case !maps.EqualFunc(before.Data, data, slices.Equal):
		s := before.DeepCopy()
		s.Data = data
		if _, err := w.api.Update(ctx, s, metav1.UpdateOptions{}); err != nil {
			return fmt.Errorf("renew Secret %s: %w", name, err)
		}
		w.cfg.Log.InfoContext(ctx, "renewed", "secret", name)
	}
	return nil
}

// unpack writes entries of a Secret to files; what it lacks is left out.
func unpack(s *corev1.Secret, entries map[string]string, dir string) error {
	if s == nil {
		return nil
	}
	for entry, file := range entries {
		b, ok := s.Data[entry]
		if !ok {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, file), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// pack reads the entries of a Secret from files.
func pack(dir string, entries map[string]string) (map[string][]byte, error) {
	data := make(map[string][]byte, len(entries))
	for entry, file := range entries {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return nil, err
		}
		data[entry] = b
	}
	return data, nil
}
