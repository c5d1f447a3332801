// Package store is Midwatch's own schema in ClickHouse: opening it, migrating it and keeping it from growing for ever.
// Rows are written by the ingester and read by tools and the api, through clickhouse-go.
package store

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Config says where the store is. Any ClickHouse will do: the embedded one, a server, a cluster.
type Config struct {
	Addresses []string `yaml:"addresses"` // host:port of the native protocol, tried in order; of a cluster: all of its servers
	Cluster   string   `yaml:"cluster"`   // name of the cluster, as its servers know it; empty: one server
	// Unreplicated says that each shard of the cluster is one server, and needs no Keeper.
	Unreplicated bool   `yaml:"unreplicated"`
	Database     string `yaml:"database"`  // made if missing; empty means "midwatch"
	User         string `yaml:"user"`      // empty means "default"
	MaxConns     int    `yaml:"max_conns"` // most connections at a time; 0 means 16
	Password     string `yaml:"-"`

	Retention Retention `yaml:"retention"`

	TLS *tls.Config `yaml:"-"` // nil connects in clear, which the embedded server does not offer
}

// Default is the configuration that `midwatch up` starts from.
func Default() Config {
	return Config{Addresses: []string{"127.0.0.1:19000"}, Database: "midwatch", User: "default", MaxConns: 16, Retention: Retention{DiskShare: defaultDiskShare}}
}

const (
	dialTimeout  = 5 * time.Second
	connLifetime = time.Hour // so that a pool follows a cluster that changes
)

// DB is a pool of connections to the store. Safe for concurrent use.
type DB struct {
	driver.Conn
	cfg       Config
	inserters *inserters
	readers   *inserters    // connections for Read
	reading   chan struct{} // takes one for each Read under way

	// Of a cluster: each of its servers by itself, and which tables keep one row of each key.
	hosts     []*DB
	replacing map[string]bool
}

// Database is the name of the database that unqualified table names mean.
func (db *DB) Database() string { return db.cfg.Database }

// Open connects, and makes the database if the server does not know it. It waits for one answer of the server, so that
// an error says at once what is wrong. The schema is Migrate's business.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	cfg = cfg.normal()
	if len(cfg.Addresses) == 0 {
		return nil, errors.New("store: addresses: give at least one host:port")
	}
	if err := cfg.Retention.Validate(); err != nil {
		return nil, err
	}
	conn, err := connect(ctx, cfg, cfg.Database)
	if hasCode(err, unknownDatabase) {
		if err := makeDatabase(ctx, cfg); err != nil {
			return nil, err
		}
		conn, err = connect(ctx, cfg, cfg.Database)
	}
	if err != nil {
		return nil, fmt.Errorf("open the store at %v: %w", cfg.Addresses, err)
	}
	db := newDB(conn, cfg)
	if cfg.Cluster != "" {
		if err := db.openHosts(); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	return db, nil
}

func newDB(conn driver.Conn, cfg Config) *DB {
	return &DB{Conn: conn, cfg: cfg, inserters: newInserters(cfg), readers: newInserters(cfg), reading: make(chan struct{}, cfg.MaxConns)}
}

// Close ends all connections.
func (db *DB) Close() error {
	all := errors.Join(db.Conn.Close(), db.inserters.close(), db.readers.close())
	for _, host := range db.hosts {
		all = errors.Join(all, host.Close())
	}
	return all
}

func (c Config) normal() Config {
	d := Default()
	if c.Database == "" {
		c.Database = d.Database
	}
	if c.User == "" {
		c.User = d.User
	}
	if c.MaxConns == 0 {
		c.MaxConns = d.MaxConns
	}
	if c.Retention.DiskShare == 0 {
		c.Retention.DiskShare = defaultDiskShare
	}
	return c
}

func (c Config) options(database string) *clickhouse.Options {
	return &clickhouse.Options{
		Addr: c.Addresses, ConnOpenStrategy: c.strategy(), TLS: c.TLS, Settings: c.settings(),
		Auth:        clickhouse.Auth{Database: database, Username: c.User, Password: c.Password},
		Compression: &clickhouse.Compression{Method: clickhouse.CompressionLZ4},
		DialTimeout: dialTimeout, MaxOpenConns: c.MaxConns, MaxIdleConns: c.MaxConns, ConnMaxLifetime: connLifetime,
	}
}

func connect(ctx context.Context, cfg Config, database string) (driver.Conn, error) {
	conn, err := clickhouse.Open(cfg.options(database))
	if err != nil {
		return nil, err
	}
	if err := conn.Ping(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

func makeDatabase(ctx context.Context, cfg Config) error {
	conn, err := connect(ctx, cfg, "default")
	if err != nil {
		return fmt.Errorf("open the store at %v: %w", cfg.Addresses, err)
	}
	defer conn.Close()
	if err := conn.Exec(ctx, "CREATE DATABASE IF NOT EXISTS {name:Identifier}", clickhouse.Named("name", cfg.Database)); err != nil {
		return fmt.Errorf("make database %s: %w", cfg.Database, err)
	}
	return nil
}

// Codes of ClickHouse's exceptions that this package tells apart.
const (
	tableExists     = 57
	unknownTable    = 60
	unknownDatabase = 81
)

func hasCode(err error, code int32) bool {
	var e *clickhouse.Exception
	return errors.As(err, &e) && e.Code == code
}
