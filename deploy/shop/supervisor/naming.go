package supervisor

import (
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/midwatch/midwatch/deploy/shop/home"
	"github.com/midwatch/midwatch/deploy/shop/plan"
	"github.com/midwatch/midwatch/deploy/shop/service"
)

// IndexName is the name the category index is born with. One that somebody else made may be called anything.
func IndexName(p plan.Plan) string { return p.Postgres.Products + "_" + p.Postgres.Category }

// renames are the statements that give the tables this run's names.
func (s *Supervisor) renames() []string {
	db := s.plan.Postgres
	var out []string
	rename := func(kind, was, name string) {
		if was != name {
			out = append(out, fmt.Sprintf("ALTER %s %s RENAME TO %s", kind, was, pgx.Identifier{name}.Sanitize()))
		}
	}
	column := func(table, was, name string) {
		if was != name {
			out = append(out, fmt.Sprintf("ALTER TABLE %s RENAME COLUMN %s TO %s", table, was, pgx.Identifier{name}.Sanitize()))
		}
	}
	column("products", "sku", db.SKU)
	column("products", "category", db.Category)
	column("stock", "sku", db.SKU)
	rename("INDEX", "products_category", IndexName(s.plan))
	rename("TABLE", "products", db.Products)
	rename("TABLE", "stock", db.Stock)
	rename("TABLE", "orders", db.Orders)
	rename("TABLE", "charges", db.Charges)
	return out
}

// rights is rights.sql with this run's names.
func (s *Supervisor) rights() string {
	db := s.plan.Postgres
	var pairs []string
	for plain, name := range map[string]string{
		"products": db.Products, "stock": db.Stock, "orders": db.Orders, "charges": db.Charges,
		"catalog": s.name(plan.Catalog), "checkout": s.name(plan.Checkout), "payment": s.name(plan.Payment),
	} {
		pairs = append(pairs, "{"+plain+"}", pgx.Identifier{name}.Sanitize())
	}
	for role, password := range s.passwords {
		pairs = append(pairs, "{'"+role+"-password'}", "'"+password+"'") // letters and digits
	}
	return strings.NewReplacer(pairs...).Replace(rightsSQL)
}

// passwords makes one password for each database user. The index builder's stays from run to run, because whoever
// operates the shop holds it; the others are new.
func passwords(dir home.Dir) (map[string]string, error) {
	builder, err := dir.Secret("index-builder")
	return map[string]string{"builder": builder, "catalog": rand.Text(), "checkout": rand.Text(), "payment": rand.Text()}, err
}

func (s *Supervisor) name(role plan.Role) string { return s.plan.Programs[role].Name }

// config is the reviewed configuration of one program.
func (s *Supervisor) config(role plan.Role) service.Config {
	p, db := s.plan, s.plan.Postgres
	at := func(role plan.Role) string { return fmt.Sprintf("http://127.0.0.1:%d", p.Programs[role].Port) }
	tables := func(role plan.Role, names map[string]string, connections int32) *service.Postgres {
		return &service.Postgres{
			DSN: db.DSN(s.name(role), s.passwords[string(role)]), Connections: connections, Tables: names,
			Columns: map[string]string{"sku": db.SKU, "category": db.Category},
		}
	}
	c := service.Config{Switches: s.dir.Switches(s.name(role))}
	if port := p.Programs[role].Port; port != 0 {
		c.Listen = fmt.Sprintf("127.0.0.1:%d", port)
	}
	switch role {
	case plan.Gateway:
		c.Upstreams = map[plan.Role]string{plan.Catalog: at(plan.Catalog), plan.Cart: at(plan.Cart), plan.Checkout: at(plan.Checkout)}
	case plan.Catalog:
		c.Postgres = tables(role, map[string]string{"products": db.Products, "stock": db.Stock}, 4)
	case plan.Cart:
		c.Redis = &service.Redis{Address: fmt.Sprintf("127.0.0.1:%d", p.Redis.Port), Connections: 6, Wait: poolWait, Prefix: p.Redis.Prefix}
	case plan.Checkout:
		c.Upstreams = map[plan.Role]string{plan.Cart: at(plan.Cart), plan.Payment: at(plan.Payment)}
		c.Postgres = tables(role, map[string]string{"orders": db.Orders}, 4)
	case plan.Payment:
		c.Postgres = tables(role, map[string]string{"charges": db.Charges}, 4)
	case plan.Load:
		c.Upstreams, c.Rate, c.Switches = map[plan.Role]string{plan.Gateway: at(plan.Gateway)}, p.Rate, ""
	}
	return c
}
