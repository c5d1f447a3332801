package github_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/code/github"
	"github.com/midwatch/midwatch/internal/code/github/githubtest"
)

// appOf makes a key, trusts it, and returns the configuration of the app.
func appOf(t *testing.T, server *githubtest.Server, pkcs8 bool) github.App {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	server.Trust(&key.PublicKey)
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	if pkcs8 {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		block = &pem.Block{Type: "PRIVATE KEY", Bytes: der}
	}
	return github.App{ID: githubtest.AppID, PrivateKeyFile: secretFile(t, string(pem.EncodeToMemory(block)))}
}

func asApp(app github.App) func(*github.Config) {
	return func(cfg *github.Config) { cfg.App, cfg.TokenFile, cfg.WriteTokenFile = app, "", "" }
}

func TestAppSignsInOncePerRepository(t *testing.T) {
	server := githubtest.Start(t)
	r := newShop(server)
	c := client(t, server.URL, asApp(appOf(t, server, false)))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := c.Commit(t.Context(), repo, r.one); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := server.Count("access_tokens"); n != 1 {
		t.Errorf("%d tokens were made, want 1", n)
	}
	if n := server.Count("/installation"); n != 2 { // looked up, and named in the token's address
		t.Errorf("the installation was asked for %d times", n-1)
	}
}

func TestAppRenewsItsTokenBeforeTheEnd(t *testing.T) {
	server := githubtest.Start(t)
	r := newShop(server)
	server.TokenLife(4 * time.Minute) // less than what is kept in hand
	c := client(t, server.URL, asApp(appOf(t, server, true)))
	for range 2 {
		if _, err := c.Commit(t.Context(), repo, r.one); err != nil {
			t.Fatal(err)
		}
	}
	if n := server.Count("access_tokens"); n != 2 {
		t.Errorf("%d tokens were made, want one for each call", n)
	}
}

func TestAppForgetsARevokedToken(t *testing.T) {
	server := githubtest.Start(t)
	r := newShop(server)
	c := client(t, server.URL, asApp(appOf(t, server, false)))
	revoked := false
	server.Before(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/git/commits/") && !revoked {
			revoked = true
			http.Error(w, `{"message":"Bad credentials"}`, http.StatusUnauthorized)
			return true
		}
		return false
	})
	if _, err := c.Commit(t.Context(), repo, r.one); err == nil || !strings.Contains(err.Error(), "does not accept") {
		t.Errorf("%v", err)
	}
	if _, err := c.Commit(t.Context(), repo, r.one); err != nil || server.Count("access_tokens") != 2 {
		t.Errorf("%v, %d tokens", err, server.Count("access_tokens"))
	}
}

func TestReadingRoleCannotWrite(t *testing.T) {
	server := githubtest.Start(t)
	newShop(server)
	c := client(t, server.URL, asApp(appOf(t, server, false)))
	if _, err := c.Publish(t.Context(), proposal("")); err == nil {
		t.Error("the reading role published")
	}
	if n := len(server.Requests()); n > 0 {
		t.Errorf("%d requests", n)
	}
}

func TestSecretsOthersCanRead(t *testing.T) {
	for mode, fine := range map[os.FileMode]bool{0o600: true, 0o400: true, 0o440: true, 0o644: false, 0o660: false, 0o604: false} {
		path := secretFile(t, "x")
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := github.ReadSecret(path); (err == nil) != fine {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	for _, content := range []string{"", " \n", "two words", strings.Repeat("x", 1<<17)} {
		_, err := github.New(github.Config{TokenFile: secretFile(t, content), Repositories: code.Allowed{"a/b"}})
		if err == nil {
			t.Errorf("a token of %d bytes was taken", len(content))
		}
	}
}

func TestConfig(t *testing.T) {
	good := github.Config{TokenFile: "t", Repositories: code.Allowed{"acme/*"}}
	for name, change := range map[string]func(*github.Config){
		"plain http":        func(c *github.Config) { c.URL = "http://ghe.example.org/api/v3" },
		"password in URL":   func(c *github.Config) { c.URL = "https://a:b@ghe.example.org/" },
		"nothing allowed":   func(c *github.Config) { c.Repositories = nil },
		"everything":        func(c *github.Config) { c.Repositories = code.Allowed{"*"} },
		"two ways":          func(c *github.Config) { c.App = github.App{ID: 1, PrivateKeyFile: "k"} },
		"no way":            func(c *github.Config) { c.TokenFile = "" },
		"app without a key": func(c *github.Config) { c.TokenFile, c.App = "", github.App{ID: 1} },
		"branch":            func(c *github.Config) { c.Base = "../x" },
		"service":           func(c *github.Config) { c.Services = []code.Service{{Service: "a", Repository: "acme"}} },
		"path":              func(c *github.Config) { c.Services = []code.Service{{Service: "a", Repository: "a/b", Path: "../x"}} },
	} {
		c := good
		change(&c)
		if c.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := good.Validate(); err != nil || good.Host() != "github.com" || (github.Config{}).On() {
		t.Errorf("%v, host %s", err, good.Host())
	}
	good.URL = "https://ghe.example.org/api/v3"
	if err := good.Validate(); err != nil || good.Host() != "ghe.example.org" {
		t.Errorf("%v, host %s", err, good.Host())
	}
}
