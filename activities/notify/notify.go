package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/midwatch/midwatch/workflows"
)

// ErrRefused means a target will not take a message, however often it is sent.
var ErrRefused = errors.New("refused")

const (
	timeout   = 5 * time.Second // of one message to one target, the answer included
	maxAnswer = 4 << 10
)

// Notifier sends messages.
type Notifier struct {
	page    string
	targets []target
}

type target struct {
	Target
	address string
	key     []byte
	http    *http.Client
}

// New reads the files of every target and checks them. It sends nothing.
func New(cfg Config) (*Notifier, error) {
	n := &Notifier{page: strings.TrimSuffix(cfg.Page, "/")}
	if u, err := url.Parse(cfg.Page); cfg.Page != "" && (err != nil || u.Host == "" || u.Scheme != "https" || strings.ContainsAny(cfg.Page, "<>|\" ")) {
		return nil, errors.New("notify: page is the https address of the web UI")
	}
	for _, t := range cfg.Targets {
		address, key, roots, err := t.check()
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(n.targets, func(o target) bool { return o.Name == t.Name }) {
			return nil, fmt.Errorf("notify: two targets are named %s", t.Name)
		}
		n.targets = append(n.targets, target{Target: t, address: address, key: key, http: &http.Client{
			Timeout:       timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // an answer like any other but 2xx
			Transport: &http.Transport{ // no proxy: the address is where it says
				TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
				MaxIdleConns: 2, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 16 << 10,
			},
		}})
	}
	return n, nil
}

// Wanting lists the names of the targets that are told of an event.
func (n *Notifier) Wanting(e workflows.Event) []string {
	var names []string
	for _, t := range n.targets {
		if t.wants(e) {
			names = append(names, t.Name)
		}
	}
	return names
}

// Page is the address of an investigation's page, "" when there is none.
func (n *Notifier) Page(investigation string) string {
	if n.page == "" {
		return ""
	}
	return n.page + "/investigations/" + url.PathEscape(investigation)
}

// Send posts one message to the target of a name. It returns ErrRefused when trying again would end the same way. Errors
// do not hold the address: it can be a secret.
func (n *Notifier) Send(ctx context.Context, name string, m Message) error {
	i := slices.IndexFunc(n.targets, func(t target) bool { return t.Name == name })
	if i < 0 {
		return fmt.Errorf("notify %s: %w: there is no such target", name, ErrRefused)
	}
	if err := n.targets[i].send(ctx, m); err != nil {
		return fmt.Errorf("notify %s: %w", name, err)
	}
	return nil
}

func (t *target) send(ctx context.Context, m Message) error {
	encode := func(m Message) ([]byte, error) { return json.Marshal(m) }
	if t.Kind == KindSlack {
		encode = slack
	}
	body, err := encode(m)
	if err != nil {
		return fmt.Errorf("%w: encode: %w", ErrRefused, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.address, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: its address is none", ErrRefused)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Midwatch")
	if t.Kind == KindWebhook {
		now := time.Now()
		req.Header.Set(DeliveryHeader, m.ID)
		req.Header.Set(TimestampHeader, strconv.FormatInt(now.Unix(), 10))
		req.Header.Set(SignatureHeader, Sign(t.key, now, body))
	}
	res, err := t.http.Do(req)
	if err != nil {
		return withoutAddress(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxAnswer)) // so that the connection can be used again
	return verdict(res.StatusCode)
}

// verdict is what an answer's status means.
func verdict(status int) error {
	switch {
	case status/100 == 2:
		return nil
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status >= 500:
		return fmt.Errorf("it answers %d", status)
	case status/100 == 3:
		return fmt.Errorf("%w: it redirects (%d), which is not followed; configure the final address", ErrRefused, status)
	default:
		return fmt.Errorf("%w: it answers %d", ErrRefused, status)
	}
}

// withoutAddress is what went wrong, without the URL that net/http puts before it.
func withoutAddress(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
