package secrets_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/midwatch/midwatch/deploy/secrets"
	"github.com/midwatch/midwatch/internal/auth/pki"
)

const namespace = "watch"

func config(client *fake.Clientset) secrets.Config {
	return secrets.Config{
		Client: client, Namespace: namespace, Prefix: "midwatch", Certificates: true, Keys: true, Log: slog.New(slog.DiscardHandler),
		Names: map[string][]string{pki.API: {"midwatch-api.watch.svc"}},
		MakeKeys: func(dir string) error {
			file := filepath.Join(dir, "metadata")
			if _, err := os.Stat(file); err == nil {
				return nil
			}
			return os.WriteFile(file, []byte("fresh"), 0o600)
		},
	}
}

// Several that run at once agree, and running again changes nothing.
func TestMadeOnce(t *testing.T) {
	client := fake.NewClientset()
	var g sync.WaitGroup
	for range 4 {
		g.Go(func() {
			if err := secrets.Ensure(t.Context(), config(client)); err != nil {
				t.Error(err)
			}
		})
	}
	g.Wait()
	before := read(t, client)
	if len(before) != len(pki.Parts)+2 {
		t.Errorf("%d Secrets, want one for each part, the authority's and the keys'", len(before))
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(before["midwatch-ca"].Data["tls.crt"]) {
		t.Fatal("no authority")
	}
	for _, part := range pki.Parts {
		data := before["midwatch-"+part+"-tls"].Data
		pair, err := tls.X509KeyPair(data["tls.crt"], data["tls.key"])
		if err != nil {
			t.Fatalf("%s: %v", part, err)
		}
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: part}); err != nil {
			t.Errorf("%s: %v", part, err)
		}
		if !slices.Equal(data["ca.crt"], before["midwatch-ca"].Data["tls.crt"]) || len(data) != 3 {
			t.Errorf("%s has %d entries, or another authority", part, len(data))
		}
		if part == pki.API && pair.Leaf.VerifyHostname("midwatch-api.watch.svc") != nil {
			t.Error("the api's certificate lacks its Service's name")
		}
	}
	client.ClearActions()
	if err := secrets.Ensure(t.Context(), config(client)); err != nil {
		t.Fatal(err)
	}
	for _, a := range client.Actions() {
		if a.GetVerb() != "get" {
			t.Errorf("the second time: %s %v", a.GetVerb(), a)
		}
	}
}

// A part's Secret that was lost is made anew, of the same authority; keys that are there are kept, whatever else is made.
func TestWhatIsThereStays(t *testing.T) {
	client := fake.NewClientset(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "midwatch-keys", Namespace: namespace}, Data: map[string][]byte{"metadata": []byte("old")}})
	if err := secrets.Ensure(t.Context(), config(client)); err != nil {
		t.Fatal(err)
	}
	before := read(t, client)
	if got := string(before["midwatch-keys"].Data["metadata"]); got != "old" {
		t.Errorf("the key became %q", got)
	}
	if err := client.CoreV1().Secrets(namespace).Delete(t.Context(), "midwatch-api-tls", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := secrets.Ensure(t.Context(), config(client)); err != nil {
		t.Fatal(err)
	}
	after := read(t, client)
	if !slices.Equal(after["midwatch-ca"].Data["tls.crt"], before["midwatch-ca"].Data["tls.crt"]) {
		t.Error("the authority was replaced")
	}
	if after["midwatch-api-tls"].Data == nil {
		t.Error("the lost Secret was not made anew")
	}
}

func TestAuthorityWithoutKeyIsNotReplaced(t *testing.T) {
	client := fake.NewClientset()
	if err := secrets.Ensure(t.Context(), config(client)); err != nil {
		t.Fatal(err)
	}
	ca := read(t, client)["midwatch-ca"]
	delete(ca.Data, "tls.key")
	if _, err := client.CoreV1().Secrets(namespace).Update(t.Context(), &ca, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := secrets.Ensure(t.Context(), config(client)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func read(t *testing.T, client *fake.Clientset) map[string]corev1.Secret {
	t.Helper()
	list, err := client.CoreV1().Secrets(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]corev1.Secret{}
	for _, s := range list.Items {
		all[s.Name] = s
	}
	return all
}
