package github

import (
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/google/go-github/v60/github"

	"github.com/midwatch/midwatch/internal/code"
)

// maxSessions bounds how many repositories are signed in to at once.
const maxSessions = 256

// Client is GitHub. It is safe for concurrent use.
type Client struct {
	cfg     Config
	api     *url.URL
	allowed code.Allowed
	app     *app // nil: a token file
	now     func() time.Time
	cache   *cache

	sessions struct {
		sync.Mutex
		open map[code.Repository]*github.Client // :: repository → signed in for it alone
	}
}

var (
	_ code.Host      = (*Client)(nil)
	_ code.Publisher = (*Client)(nil)
	_ code.Watcher   = (*Client)(nil)
)

// New checks the configuration and reads the app's key. It connects to nothing.
func New(cfg Config) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	api, err := cfg.api()
	if err != nil {
		return nil, err
	}
	c := &Client{cfg: cfg, api: api, allowed: cfg.Allowed(), now: time.Now, cache: newCache(maxCached)}
	c.sessions.open = map[code.Repository]*github.Client{}
	if cfg.App != (App{}) {
		key, err := readKey(cfg.App.PrivateKeyFile)
		if err != nil {
			return nil, err
		}
		c.app = &app{id: cfg.App.ID, key: key, now: func() time.Time { return c.now() }}
		c.app.client = c.signIn(c.app)
		return c, nil
	}
	_, err = readToken(c.tokenFile())
	return c, err
}

func (c *Client) tokenFile() string {
	if c.cfg.Write {
		return c.cfg.WriteTokenFile
	}
	return c.cfg.TokenFile
}

func (c *Client) signIn(with credential) *github.Client {
	return c.over(httpClient(c.api, with))
}

func (c *Client) over(h *http.Client) *github.Client {
	g := github.NewClient(h)
	g.BaseURL, g.UploadURL, g.UserAgent = c.api, c.api, "midwatch"
	return g
}

// session is a client that may read, or write, one repository. Every path to GitHub leads through here.
func (c *Client) session(repo code.Repository) (*github.Client, error) {
	if _, err := code.ParseRepository(string(repo)); err != nil {
		return nil, fmt.Errorf("%w: %w", code.ErrNotAllowed, err)
	}
	if !c.allowed.Allows(repo) {
		return nil, fmt.Errorf("%w: %s", code.ErrNotAllowed, repo)
	}
	c.sessions.Lock()
	defer c.sessions.Unlock()
	if s, ok := c.sessions.open[repo]; ok {
		return s, nil
	}
	if len(c.sessions.open) >= maxSessions {
		clear(c.sessions.open)
	}
	var with credential = file(c.tokenFile())
	if c.app != nil {
		with = &installation{app: c.app, repo: repo, write: c.cfg.Write, busy: make(chan struct{}, 1), id: c.cfg.App.Installation}
	}
	s := c.signIn(with)
	c.sessions.open[repo] = s
	return s, nil
}
