package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// cart keeps what people want to buy, one Redis hash per user.
type cart struct {
	*server
	rdb  *redis.Client
	kept struct {
		sync.Mutex
		conns []*redis.Conn // never given back, see Switches.KeepConnections
	}
}

func newCart(s *server) (*cart, error) {
	cfg := s.cfg.Redis
	if cfg == nil {
		return nil, errors.New("configuration has no section redis")
	}
	return &cart{server: s, rdb: redis.NewClient(&redis.Options{
		Addr: cfg.Address, PoolSize: cfg.Connections, MaxActiveConns: cfg.Connections, PoolTimeout: cfg.Wait,
		MaxRetries: -1,
		// Redis 7.0 answers both with an error, which would be noise on each new connection.
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})}, nil
}

func (c *cart) close() { _ = c.rdb.Close() } // the process ends

func (c *cart) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /carts/{user}", c.handle(c.show))
	mux.HandleFunc("POST /carts/{user}/items", c.handle(c.add))
	mux.HandleFunc("DELETE /carts/{user}", c.handle(c.empty))
}

// commands is where a request's commands go: the pool, or a connection that the request keeps.
func (c *cart) commands() redis.Cmdable {
	if !c.switches.on().KeepConnections {
		return c.rdb
	}
	conn := c.rdb.Conn()
	c.kept.Lock()
	defer c.kept.Unlock()
	c.kept.conns = append(c.kept.conns, conn)
	return conn
}

func (c *cart) key(r *http.Request) string { return c.cfg.Redis.Prefix + ":" + r.PathValue("user") }

func (c *cart) show(r *http.Request) (any, error) {
	items, err := c.commands().HGetAll(r.Context(), c.key(r)).Result()
	if err != nil {
		return nil, c.broken("read cart", err)
	}
	return items, nil
}

func (c *cart) add(r *http.Request) (any, error) {
	var item struct {
		SKU      string `json:"sku"`
		Quantity int    `json:"quantity"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxBody)).Decode(&item); err != nil || item.SKU == "" {
		return nil, fail(http.StatusBadRequest, errBody)
	}
	if err := c.commands().HSet(r.Context(), c.key(r), item.SKU, item.Quantity).Err(); err != nil {
		return nil, c.broken("add to cart", err)
	}
	return item, nil
}

func (c *cart) empty(r *http.Request) (any, error) {
	n, err := c.commands().Del(r.Context(), c.key(r)).Result()
	if err != nil {
		return nil, c.broken("empty cart", err)
	}
	return map[string]int64{"removed": n}, nil
}

func (c *cart) broken(what string, err error) error {
	if errors.Is(err, context.Canceled) {
		return fail(499, fmt.Errorf("%s: the client is gone", what))
	}
	return fail(http.StatusInternalServerError, fmt.Errorf("%s: %w", what, err))
}
