package github

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/midwatch/midwatch/internal/code"
)

// Config is the section "github" of the configuration. Without it nothing here is used.
type Config struct {
	// URL is that of the REST API; empty: https://api.github.com. GitHub Enterprise Server: https://HOST/api/v3.
	URL string `yaml:"url"`
	// App is how Midwatch signs in, unless TokenFile does.
	App App `yaml:"app"`
	// TokenFile holds a token that may read contents and pull requests. Read anew for each request, so it may be replaced.
	TokenFile string `yaml:"token_file"`
	// WriteTokenFile holds a token that may also write them. Only the apply role opens it.
	WriteTokenFile string `yaml:"write_token_file"`
	// WebhookSecretFile holds the webhook's secret. Only the api opens it; empty: no webhook, and Midwatch asks now and then.
	WebhookSecretFile string `yaml:"webhook_secret_file"`
	// Repositories may be read, besides those of Services: owner/name, or owner/* for all of an owner. What images and
	// executables say about their source counts only within this list.
	Repositories code.Allowed `yaml:"repositories"`
	// Services says where the code of a service is, when its image or executable does not.
	Services []code.Service `yaml:"services"`
	// Base is the branch that pull requests are to be merged into; empty: the repository's default branch.
	Base string `yaml:"base"`

	Write bool `yaml:"-"` // the apply role's: it may make branches and pull requests
}

// App is a GitHub app that is installed where the repositories are.
type App struct {
	ID             int64  `yaml:"id"`
	Installation   int64  `yaml:"installation"` // 0: found by repository
	PrivateKeyFile string `yaml:"private_key_file"`
}

// On tells whether the section is there.
func (c Config) On() bool {
	return c.TokenFile != "" || c.WriteTokenFile != "" || c.App != (App{}) || len(c.Repositories) > 0 || len(c.Services) > 0
}

// Host is the name under which people and images know the code host: github.com, or the Enterprise Server's.
func (c Config) Host() string {
	u, err := c.api()
	if err != nil || u.Hostname() == "api.github.com" {
		return "github.com"
	}
	return u.Hostname()
}

// Allowed is Repositories and those of Services.
func (c Config) Allowed() code.Allowed {
	all := append(code.Allowed{}, c.Repositories...)
	for _, s := range c.Services {
		all = append(all, s.Repository)
	}
	return all
}

// Validate checks what can be checked without files and network.
func (c Config) Validate() error {
	if _, err := c.api(); err != nil {
		return err
	}
	switch {
	case c.App != (App{}) && (c.App.ID <= 0 || c.App.PrivateKeyFile == ""):
		return errors.New("github.app: id and private_key_file are both needed")
	case c.App != (App{}) && (c.TokenFile != "" || c.WriteTokenFile != ""):
		return errors.New("github: either app or token files, not both")
	case c.App == (App{}) && c.TokenFile == "":
		return errors.New("github: app or token_file is needed")
	case len(c.Allowed()) == 0:
		return errors.New("github: repositories or services are needed: nothing else is read")
	case c.Base != "" && !code.IsVersion(c.Base):
		return fmt.Errorf("github.base: %q is not the name of a branch", c.Base)
	}
	if err := c.Allowed().Validate(); err != nil {
		return fmt.Errorf("github.repositories: %w", err)
	}
	for _, s := range c.Services {
		if err := s.Validate(); err != nil {
			return fmt.Errorf("github.services: %w", err)
		}
	}
	return nil
}

// MayWrite tells whether pull requests are possible at all.
func (c Config) MayWrite() bool { return c.App != (App{}) || c.WriteTokenFile != "" }

// api is the REST API's address, with a slash at its end. Plain http is for loopback, which is for tests.
func (c Config) api() (*url.URL, error) {
	given := c.URL
	if given == "" {
		given = "https://api.github.com"
	}
	u, err := url.Parse(strings.TrimSuffix(given, "/") + "/")
	if err != nil {
		return nil, fmt.Errorf("github.url: %w", err)
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme != "https" && (u.Scheme != "http" || ip == nil || !ip.IsLoopback()) || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return nil, fmt.Errorf("github.url: %q is not the https address of an API", given)
	}
	return u, nil
}
