package github

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/go-github/v60/github"

	"github.com/midwatch/midwatch/internal/code"
)

const (
	// jwtLife is under the ten minutes that GitHub allows; jwtSkew is how far our clock may be ahead of GitHub's.
	jwtLife = 9 * time.Minute
	jwtSkew = time.Minute
	// renew is how long before its end a token is not used any more: longer than any call takes.
	renew = 5 * time.Minute
)

// credential is what a session signs in with. forget drops what GitHub did not accept.
type credential interface {
	token(ctx context.Context) (string, error)
	forget()
}

// file is a token in a file, read for each request.
type file string

func (f file) token(context.Context) (string, error) { return readToken(string(f)) }
func (file) forget()                                 {}

// installation is an app's token for one repository, with the rights of one role. GitHub makes it anew each hour.
type installation struct {
	app   *app
	repo  code.Repository
	write bool
	// busy holds a value while somebody asks for a token; what follows belongs to whoever put it there.
	busy    chan struct{}
	id      int64 // of the installation
	current string
	expires time.Time
}

func (i *installation) token(ctx context.Context) (string, error) {
	select {
	case i.busy <- struct{}{}:
		defer func() { <-i.busy }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if i.current != "" && i.app.now().Add(renew).Before(i.expires) {
		return i.current, nil
	}
	if i.id == 0 {
		found, _, err := i.app.client.Apps.FindRepositoryInstallation(ctx, i.repo.Owner(), i.repo.Name())
		if err != nil {
			return "", fmt.Errorf("find the app's installation for %s: %w", i.repo, err)
		}
		i.id = found.GetID()
	}
	made, _, err := i.app.client.Apps.CreateInstallationToken(ctx, i.id, &github.InstallationTokenOptions{
		Repositories: []string{i.repo.Name()}, Permissions: permissions(i.write),
	})
	if err != nil {
		return "", fmt.Errorf("make the app's token for %s: %w", i.repo, err)
	}
	if made.GetToken() == "" {
		return "", fmt.Errorf("make the app's token for %s: %w: there is none in the answer", i.repo, code.ErrUnsafe)
	}
	i.current, i.expires = made.GetToken(), made.GetExpiresAt().Time
	return i.current, nil
}

func (i *installation) forget() {
	i.busy <- struct{}{}
	i.current = ""
	<-i.busy
}

// permissions are what a role asks for, whatever else the app was given.
func permissions(write bool) *github.InstallationPermissions {
	right := "read"
	if write {
		right = "write"
	}
	return &github.InstallationPermissions{
		Contents: github.String(right), PullRequests: github.String(right), Metadata: github.String("read"),
	}
}

// app signs in as the app itself, which can do nothing but ask for tokens.
type app struct {
	id     int64
	key    *rsa.PrivateKey
	now    func() time.Time
	client *github.Client
}

func (a *app) token(context.Context) (string, error) { return signJWT(a.id, a.key, a.now()) }
func (*app) forget()                                 {}

// signJWT makes the token that proves to be the app: RS256 over issuer, time and end (RFC 7519).
func signJWT(id int64, key *rsa.PrivateKey, now time.Time) (string, error) {
	claims, err := json.Marshal(map[string]any{
		"iss": strconv.FormatInt(id, 10), "iat": now.Add(-jwtSkew).Unix(), "exp": now.Add(jwtLife).Unix(),
	})
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode(claims)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign the app's token: %w", err)
	}
	return signed + "." + encode(signature), nil
}

// readKey reads an app's private key as GitHub gives it: PEM, PKCS #1 (or #8, as some convert it).
func readKey(path string) (*rsa.PrivateKey, error) {
	text, err := ReadSecret(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, fmt.Errorf("read the app's key %s: it is not PEM", path)
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read the app's key %s: %w", path, err)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("read the app's key: it is not an RSA key")
	}
	return key, nil
}
