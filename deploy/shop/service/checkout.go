package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"

	"github.com/midwatch/midwatch/deploy/shop/plan"
)

// checkout turns a cart into an order: read the cart, charge it, write the order, empty the cart.
type checkout struct {
	*server
	client *client
	db     *database
	insert string
	kept   struct {
		sync.Mutex
		pages [][]byte // see Switches.KeepBytes
	}
}

func newCheckout(ctx context.Context, s *server) (*checkout, error) {
	c, err := newClient(s.cfg, plan.Cart, plan.Payment)
	if err != nil {
		return nil, err
	}
	db, err := openDatabase(ctx, s.cfg.Postgres)
	if err != nil {
		return nil, err
	}
	return &checkout{
		server: s, client: c, db: db,
		insert: db.sql("INSERT INTO {orders} (buyer, items, amount) VALUES ($1, $2, $3) RETURNING id"),
	}, nil
}

func (c *checkout) close() { c.client.close(); c.db.close() }

func (c *checkout) routes(mux *http.ServeMux) { mux.HandleFunc("POST /orders", c.handle(c.order)) }

func (c *checkout) order(r *http.Request) (any, error) {
	c.keep(c.switches.on().KeepBytes)
	var buyer struct {
		User string `json:"user"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxBody)).Decode(&buyer); err != nil || buyer.User == "" {
		return nil, fail(http.StatusBadRequest, errBody)
	}
	path := "/carts/" + url.PathEscape(buyer.User)
	var items map[string]string
	if err := c.client.call(r.Context(), plan.Cart, http.MethodGet, path, nil, &items); err != nil {
		return nil, wrap("read cart", err)
	}
	amount := 990 + 1250*len(items)
	charge := map[string]any{"user": buyer.User, "amount": amount}
	if err := c.client.call(r.Context(), plan.Payment, http.MethodPost, "/charges", charge, nil); err != nil {
		return nil, wrap("charge", err)
	}
	var id int64
	if err := c.db.pool.QueryRow(r.Context(), c.insert, buyer.User, len(items), amount).Scan(&id); err != nil {
		return nil, broken("write order", err)
	}
	if err := c.client.call(r.Context(), plan.Cart, http.MethodDelete, path, nil, nil); err != nil {
		return nil, wrap("empty cart", err)
	}
	c.log.Info("order placed", "order", id, "items", len(items), "amount", amount)
	return map[string]any{"order": id, "amount": amount}, nil
}

// keep touches every page, so that the memory is really taken.
func (c *checkout) keep(bytes int) {
	if bytes == 0 {
		return
	}
	page := make([]byte, bytes)
	for i := 0; i < bytes; i += 4096 {
		page[i] = 1
	}
	c.kept.Lock()
	defer c.kept.Unlock()
	c.kept.pages = append(c.kept.pages, page)
}

// wrap adds what was tried and keeps the status.
func wrap(what string, err error) error {
	var f *failure
	if errors.As(err, &f) {
		return fail(f.status, fmt.Errorf("%s: %w", what, f.err))
	}
	return fmt.Errorf("%s: %w", what, err)
}
