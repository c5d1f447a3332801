package probe

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAttachTLS attaches to a library in both ways: old kernels know one only.
func TestAttachTLS(t *testing.T) {
	out, err := exec.Command("python3", "-c", "import ssl; print([l.split()[-1] for l in open('/proc/self/maps') if 'libssl' in l][0])").Output()
	if err != nil {
		t.Skipf("needs python3 with OpenSSL: %v", err)
	}
	library := strings.TrimSpace(string(out))
	for name, single := range map[string]bool{"at once": false, "one by one": true} {
		t.Run(name, func(t *testing.T) {
			a, err := open()
			if errors.Is(err, ErrUnavailable) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer a.close()
			a.tls.single = single
			if err := a.attachTLS(library); err != nil || len(a.tls.starts) < 3 || len(a.tls.ends) == 0 {
				t.Errorf("%d starts, %d ends, %v", len(a.tls.starts), len(a.tls.ends), err)
			}
			text := filepath.Join(t.TempDir(), "text")
			if err := os.WriteFile(text, []byte("no program"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := a.attachTLS(text); err == nil {
				t.Error("attached to a text")
			}
			if err := a.attachTLS("/bin/true"); !errors.Is(err, ErrNoTLS) {
				t.Errorf("a program without TLS: %v", err)
			}
		})
	}
}
