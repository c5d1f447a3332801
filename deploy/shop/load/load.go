// Package load is the shop's customers: a steady stream of requests at the gateway over connections that stay open.
package load

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	// inFlight bounds open requests: a slow shop gets fewer customers, not more.
	inFlight = 48
	// users and categories bound what Redis holds and what PostgreSQL is asked for.
	users, categories, products = 2000, 20000, 300000
	// every is how often a summary is logged.
	every = 5 * time.Second
)

// Config is where the customers go and how many requests they send per second.
type Config struct {
	Gateway string // http://host:port
	Rate    int
	Log     *slog.Logger
	Ready   func() // called once, may be nil
}

// Run sends requests until ctx ends.
func Run(ctx context.Context, cfg Config) error {
	g := &generator{cfg: cfg, http: &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: inFlight, MaxConnsPerHost: inFlight},
	}}
	defer g.http.CloseIdleConnections()
	if cfg.Ready != nil {
		cfg.Ready()
	}
	tick := time.NewTicker(time.Second / time.Duration(cfg.Rate))
	defer tick.Stop()
	report := time.NewTicker(every)
	defer report.Stop()
	slots := make(chan struct{}, inFlight)
	var open sync.WaitGroup
	defer open.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-report.C:
			g.summarize()
		case <-tick.C:
			select {
			case slots <- struct{}{}:
				open.Go(func() { g.visit(ctx); <-slots })
			default:
				g.count(0, errBusy)
			}
		}
	}
}

type generator struct {
	cfg  Config
	http *http.Client
	seen struct {
		sync.Mutex
		took                 []time.Duration
		requests, bad, waits int
	}
}

var errBusy = fmt.Errorf("all %d connections are waiting for the shop", inFlight)

// visit sends one request of the mix.
func (g *generator) visit(ctx context.Context) {
	req, err := g.next(ctx)
	if err != nil {
		g.count(0, err)
		return
	}
	begin := time.Now()
	resp, err := g.http.Do(req)
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close() // read to its end
		if resp.StatusCode >= 500 {
			err = fmt.Errorf("%s answered %d", req.URL.Path, resp.StatusCode)
		}
	}
	if ctx.Err() == nil {
		g.count(time.Since(begin), err)
	}
}

// next draws a request. Listings are the dearest, so they are rare: without their index the shop crawls and stands.
func (g *generator) next(ctx context.Context) (*http.Request, error) {
	user := rand.IntN(users)
	sku := fmt.Sprintf("sku-%06d", 1+rand.IntN(products))
	var path, body string
	method := http.MethodGet
	switch n := rand.IntN(100); {
	case n < 8:
		path = fmt.Sprintf("/products?category=cat-%05d", rand.IntN(categories))
	case n < 42:
		path = "/products/" + sku
	case n < 52:
		path = "/products/" + sku + "/stock"
	case n < 70:
		path = fmt.Sprintf("/carts/u%04d", user)
	case n < 86:
		method, path = http.MethodPost, fmt.Sprintf("/carts/u%04d/items", user)
		body = fmt.Sprintf(`{"sku":%q,"quantity":%d}`, sku, 1+rand.IntN(3))
	default:
		method, path = http.MethodPost, "/orders"
		body = fmt.Sprintf(`{"user":"u%04d"}`, user)
	}
	return http.NewRequestWithContext(ctx, method, g.cfg.Gateway+path, bytes.NewReader([]byte(body)))
}

func (g *generator) count(took time.Duration, err error) {
	g.seen.Lock()
	defer g.seen.Unlock()
	switch {
	case err == errBusy: //nolint:errorlint // never wrapped
		g.seen.waits++
		return
	case err != nil:
		g.seen.bad++
	}
	g.seen.requests++
	g.seen.took = append(g.seen.took, took)
}

// summarize logs one line about the time since the line before.
func (g *generator) summarize() {
	g.seen.Lock()
	took, requests, bad, waits := g.seen.took, g.seen.requests, g.seen.bad, g.seen.waits
	g.seen.took, g.seen.requests, g.seen.bad, g.seen.waits = nil, 0, 0, 0
	g.seen.Unlock()
	slices.Sort(took)
	at := func(q float64) int64 {
		if len(took) == 0 {
			return 0
		}
		return took[int(q*float64(len(took)-1))].Milliseconds()
	}
	g.cfg.Log.Info("visits", "requests", requests, "failed", bad, "turned_away", waits, "p50_ms", at(.5), "p95_ms", at(.95), "max_ms", at(1))
}
