// Package plan names everything one run of the demo shop uses: executables, versions, ports, database, tables, keys.
// The shop reads all names from here, so that a run can differ from the run before in every one of them.
package plan

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"regexp"

	"gopkg.in/yaml.v3"
)

// Role is what a service does in the shop, whatever its name is in this run.
type Role string

// The roles, one process each. Load drives the others; Batch runs only while something starts it.
const (
	Gateway  Role = "gateway"
	Catalog  Role = "catalog"
	Cart     Role = "cart"
	Checkout Role = "checkout"
	Payment  Role = "payment"
	Load     Role = "load"
	Batch    Role = "batch"
)

// Services lists the roles that serve HTTP, those that others depend on first: the order of starting.
func Services() []Role { return []Role{Payment, Cart, Catalog, Checkout, Gateway} }

// ErrPlan means a plan is incomplete or contradicts itself.
var ErrPlan = errors.New("shop plan")

// Plan is one run's names. Zero is not valid; start from Default or Random.
type Plan struct {
	Seed     uint64           `yaml:"seed"` // 0: the default names
	Programs map[Role]Program `yaml:"programs"`
	Rate     int              `yaml:"rate"` // requests per second at the gateway
	Postgres Postgres         `yaml:"postgres"`
	Redis    Redis            `yaml:"redis"`
}

// Program is one executable of the shop.
type Program struct {
	Name    string `yaml:"name"`           // base name of the executable
	Port    int    `yaml:"port,omitempty"` // on 127.0.0.1; 0 for programs that serve nothing
	Version string `yaml:"version"`
	Next    string `yaml:"next"` // the version a deployment brings
}

// Postgres names what the shop keeps in PostgreSQL, which runs under its own executable's name.
type Postgres struct {
	Port     int    `yaml:"port"`
	Database string `yaml:"database"`
	Products string `yaml:"products"` // table of products
	SKU      string `yaml:"sku"`      // its key column
	Category string `yaml:"category"` // its indexed column that listings filter by
	Stock    string `yaml:"stock"`    // table of stock levels
	Orders   string `yaml:"orders"`
	Charges  string `yaml:"charges"`
}

// DSN is how a database user reaches the shop's database.
func (p Postgres) DSN(user, password string) string {
	return fmt.Sprintf("postgres://%s:%s@127.0.0.1:%d/%s?sslmode=disable", user, password, p.Port, p.Database)
}

// Redis names what the shop keeps in Redis.
type Redis struct {
	Name   string `yaml:"name"` // base name of the executable
	Port   int    `yaml:"port"`
	Prefix string `yaml:"prefix"` // of every key
	Limit  string `yaml:"limit"`  // the reviewed maxmemory, as Redis writes sizes
}

// Default is the plan with the plain names.
func Default() Plan {
	return Plan{
		Programs: map[Role]Program{
			Gateway:  {Name: "gateway", Port: 17080, Version: "2.14.0", Next: "2.14.1"},
			Catalog:  {Name: "catalog", Port: 17081, Version: "1.31.2", Next: "1.32.0"},
			Cart:     {Name: "cart", Port: 17082, Version: "3.2.0", Next: "3.2.1"},
			Checkout: {Name: "checkout", Port: 17083, Version: "5.0.4", Next: "5.1.0"},
			Payment:  {Name: "payment", Port: 17084, Version: "1.8.3", Next: "1.9.0"},
			Load:     {Name: "shoppers", Version: "1.0.0", Next: "1.0.1"},
			Batch:    {Name: "nightly-report", Version: "1.0.0", Next: "1.0.1"},
		},
		Rate: 80,
		Postgres: Postgres{
			Port: 17432, Database: "shop", Products: "products", SKU: "sku", Category: "category",
			Stock: "stock", Orders: "orders", Charges: "charges",
		},
		Redis: Redis{Name: "redis-server", Port: 17379, Prefix: "cart", Limit: "64mb"},
	}
}

// Read reads a plan that Save wrote, or that a person did. Unknown keys are errors.
func Read(file string) (Plan, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return Plan{}, fmt.Errorf("%w: %w", ErrPlan, err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	var p Plan
	if err := dec.Decode(&p); err != nil {
		return Plan{}, fmt.Errorf("%w: %s: %w", ErrPlan, file, err)
	}
	if err := p.Validate(); err != nil {
		return Plan{}, fmt.Errorf("%s: %w", file, err)
	}
	return p, nil
}

// Save writes p to file.
func (p Plan) Save(file string) error {
	b, err := p.YAML()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrPlan, err)
	}
	return os.WriteFile(file, b, 0o644)
}

// YAML is p as a file.
func (p Plan) YAML() ([]byte, error) { return yaml.Marshal(p) }

var (
	programName = regexp.MustCompile(`^[a-z][a-z0-9-]{1,40}$`)
	identifier  = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,40}$`)
)

// Validate checks that every name is present, well formed and used once. It wraps ErrPlan.
func (p Plan) Validate() error {
	names, ports := map[string]bool{}, map[int]bool{}
	once := func(what, name string, port int) error {
		switch {
		case !programName.MatchString(name):
			return fmt.Errorf("%w: %s: %q is no program name", ErrPlan, what, name)
		case names[name]:
			return fmt.Errorf("%w: %s: the name %q is taken", ErrPlan, what, name)
		case port != 0 && ports[port]:
			return fmt.Errorf("%w: %s: port %d is taken", ErrPlan, what, port)
		}
		names[name], ports[port] = true, true
		return nil
	}
	for _, role := range append(Services(), Load, Batch) {
		if err := once(string(role), p.Programs[role].Name, p.Programs[role].Port); err != nil {
			return err
		}
	}
	if err := once("redis", p.Redis.Name, p.Redis.Port); err != nil {
		return err
	}
	if err := once("postgres", "postgres", p.Postgres.Port); err != nil {
		return err
	}
	for _, role := range Services() {
		if p.Programs[role].Port == 0 {
			return fmt.Errorf("%w: %s: a service needs a port", ErrPlan, role)
		}
	}
	if p.Rate <= 0 || p.Postgres.Port == 0 || p.Redis.Port == 0 {
		return fmt.Errorf("%w: rate, postgres.port and redis.port must be positive", ErrPlan)
	}
	db := p.Postgres
	for _, id := range []string{db.Database, db.Products, db.SKU, db.Category, db.Stock, db.Orders, db.Charges, p.Redis.Prefix} {
		if !identifier.MatchString(id) {
			return fmt.Errorf("%w: %q is no SQL identifier", ErrPlan, id)
		}
	}
	return nil
}

// ByName finds the program with this executable name.
func (p Plan) ByName(name string) (Role, bool) {
	for role, program := range p.Programs {
		if program.Name == name {
			return role, true
		}
	}
	return "", false
}

// Names maps the plain names, as faults.yaml uses them in braces, to this run's.
func (p Plan) Names() map[string]string {
	out := map[string]string{
		"database": p.Postgres.Database, "products": p.Postgres.Products, "stock": p.Postgres.Stock,
		"category": p.Postgres.Category, "redis": p.Redis.Name, "postgres": "postgres",
	}
	for role, program := range p.Programs {
		out[string(role)] = program.Name
	}
	return out
}
