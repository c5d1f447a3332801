package service

import (
	"context"
	"net/http"

	"github.com/jackc/pgx/v5"
)

// catalog reads products and stock levels from PostgreSQL.
type catalog struct {
	*server
	db                *database
	list, one, levels string
}

func newCatalog(ctx context.Context, s *server) (*catalog, error) {
	db, err := openDatabase(ctx, s.cfg.Postgres)
	if err != nil {
		return nil, err
	}
	return &catalog{
		server: s,
		db:     db,
		list:   db.sql("SELECT {sku}, name, price FROM {products} WHERE {category} = $1 LIMIT 50"),
		one:    db.sql("SELECT {sku}, name, price FROM {products} WHERE {sku} = $1"),
		levels: db.sql("SELECT {sku}, quantity FROM {stock} WHERE {sku} = $1"),
	}, nil
}

func (c *catalog) close() { c.db.close() }

func (c *catalog) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /products", c.handle(c.listing))
	mux.HandleFunc("GET /products/{sku}", c.handle(c.product))
	mux.HandleFunc("GET /products/{sku}/stock", c.handle(c.stock))
}

type product struct {
	SKU   string `json:"sku"`
	Name  string `json:"name"`
	Price int    `json:"price"` // cents
}

func (c *catalog) listing(r *http.Request) (any, error) {
	rows, err := c.db.pool.Query(r.Context(), c.list, r.URL.Query().Get("category"))
	if err != nil {
		return nil, broken("list products", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[product])
	if err != nil {
		return nil, broken("list products", err)
	}
	return found, nil
}

func (c *catalog) product(r *http.Request) (any, error) {
	var p product
	err := c.db.pool.QueryRow(r.Context(), c.one, r.PathValue("sku")).Scan(&p.SKU, &p.Name, &p.Price)
	if err != nil {
		return nil, broken("read product", err)
	}
	return p, nil
}

func (c *catalog) stock(r *http.Request) (any, error) {
	var level struct {
		SKU      string `json:"sku"`
		Quantity int    `json:"quantity"`
	}
	err := c.db.pool.QueryRow(r.Context(), c.levels, r.PathValue("sku")).Scan(&level.SKU, &level.Quantity)
	if err != nil {
		return nil, broken("read stock level", err)
	}
	return level, nil
}
