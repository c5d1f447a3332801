package service

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/midwatch/midwatch/deploy/shop/plan"
)

// gateway is the shop's front door. It passes requests on and logs each of them.
type gateway struct {
	*server
	client *client
}

func newGateway(s *server) (*gateway, error) {
	c, err := newClient(s.cfg, plan.Catalog, plan.Cart, plan.Checkout)
	return &gateway{s, c}, err
}

func (g *gateway) close() { g.client.close() }

func (g *gateway) routes(mux *http.ServeMux) {
	g.pass(mux, "GET /products", plan.Catalog, func(r *http.Request) string {
		return "/products?" + url.Values{"category": {r.URL.Query().Get("category")}}.Encode()
	})
	g.pass(mux, "GET /products/{sku}", plan.Catalog, func(r *http.Request) string {
		return "/products/" + url.PathEscape(r.PathValue("sku"))
	})
	g.pass(mux, "GET /products/{sku}/stock", plan.Catalog, func(r *http.Request) string {
		return "/products/" + url.PathEscape(r.PathValue("sku")) + "/stock"
	})
	g.pass(mux, "GET /carts/{user}", plan.Cart, func(r *http.Request) string {
		return "/carts/" + url.PathEscape(r.PathValue("user"))
	})
	g.pass(mux, "POST /carts/{user}/items", plan.Cart, func(r *http.Request) string {
		return "/carts/" + url.PathEscape(r.PathValue("user")) + "/items"
	})
	g.pass(mux, "POST /orders", plan.Checkout, func(*http.Request) string { return "/orders" })
}

func (g *gateway) pass(mux *http.ServeMux, pattern string, to plan.Role, path func(*http.Request) string) {
	mux.HandleFunc(pattern, g.handle(func(r *http.Request) (any, error) {
		begin := time.Now()
		var in any
		if r.Method == http.MethodPost {
			b, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
			if err != nil || !json.Valid(b) {
				return nil, fail(http.StatusBadRequest, errBody)
			}
			in = json.RawMessage(b)
		}
		var out json.RawMessage
		if err := g.client.call(r.Context(), to, r.Method, path(r), in, &out); err != nil {
			return nil, err
		}
		g.log.Info("request", "method", r.Method, "path", r.URL.Path, "status", http.StatusOK,
			"duration_ms", time.Since(begin).Milliseconds())
		return out, nil
	}))
}
