package metadata

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"golang.org/x/sys/unix"
	_ "modernc.org/sqlite" // database/sql driver "sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// maxConnections bounds what one process opens: SQLite has one writer anyway, and PostgreSQL's default allows 100 in all.
const maxConnections = 8

// Open connects and brings the schema up to date. Several processes may open the same store at once: one migrates, the
// others wait for it.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	if cfg.Ring == nil {
		return nil, errors.New("open metadata store: a key ring is required")
	}
	switch scheme, rest, _ := strings.Cut(cfg.DSN, ":"); scheme {
	case "sqlite":
		return openSQLite(ctx, rest, cfg)
	case "postgres", "postgresql":
		return openPostgres(ctx, cfg)
	}
	return nil, fmt.Errorf("open metadata store: the DSN must begin with sqlite: or postgres://")
}

func openSQLite(ctx context.Context, path string, cfg Config) (*DB, error) {
	unlock, err := prepareFile(path)
	if err != nil {
		return nil, fmt.Errorf("open metadata store: %w", err)
	}
	defer unlock()
	// Immediate transactions: two that read first and write later would otherwise end in "database is locked" at once.
	dsn := (&url.URL{Scheme: "file", Opaque: url.PathEscape(path), RawQuery: "_txlock=immediate" +
		"&_pragma=busy_timeout(15000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)"}).String()
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open metadata store: %w", err)
	}
	return prepare(ctx, db, goose.DialectSQLite3, cfg)
}

// prepareFile makes the database file for its owner alone and locks a file beside it until unlock is called, since
// neither the switch to WAL nor goose is safe when two processes start on a new file.
func prepareFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	l, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(l.Fd()), unix.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s.lock: %w", path, err), l.Close())
	}
	return func() { _ = l.Close() }, nil // closing releases the lock
}

func openPostgres(ctx context.Context, cfg Config) (*DB, error) {
	c, err := postgres(cfg)
	if err != nil {
		return nil, fmt.Errorf("open metadata store: %w", err)
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, fmt.Errorf("open metadata store: %w", err)
	}
	return prepare(ctx, stdlib.OpenDB(*c), goose.DialectPostgres, cfg, goose.WithSessionLocker(locker))
}

// postgres reads the DSN. It holds a password and stays out of errors.
func postgres(cfg Config) (*pgx.ConnConfig, error) {
	c, err := pgx.ParseConfig(cfg.DSN)
	if err != nil {
		return nil, errors.New("the DSN is not a PostgreSQL URL")
	}
	if cfg.TLS != nil {
		c.TLSConfig = cfg.TLS
		for _, other := range c.Fallbacks { // the other hosts, and for each host the ways without TLS
			other.TLSConfig = cfg.TLS
		}
	}
	return c, verified(c)
}

// verified refuses a server on another machine whose certificate would not be checked: by default the driver falls back to
// plain text.
func verified(c *pgx.ConnConfig) error {
	ways := []*pgconn.FallbackConfig{{Host: c.Host, TLSConfig: c.TLSConfig}}
	for _, way := range append(ways, c.Fallbacks...) {
		if !local(way.Host) && (way.TLSConfig == nil || way.TLSConfig.InsecureSkipVerify) {
			return fmt.Errorf("PostgreSQL on %s: add sslmode=verify-full to the DSN", way.Host)
		}
	}
	return nil
}

// local tells whether a host is this machine: a Unix socket or loopback.
func local(host string) bool {
	ip := net.ParseIP(host)
	return strings.HasPrefix(host, "/") || host == "localhost" || ip != nil && ip.IsLoopback()
}

// prepare brings the schema up to date, or closes db.
func prepare(ctx context.Context, db *sql.DB, dialect goose.Dialect, cfg Config, opts ...goose.ProviderOption) (*DB, error) {
	db.SetMaxOpenConns(maxConnections)
	db.SetMaxIdleConns(maxConnections)
	if err := migrate(ctx, db, dialect, opts); err != nil {
		return nil, errors.Join(fmt.Errorf("open metadata store: %w", err), db.Close())
	}
	return &DB{sql: db, ring: cfg.Ring, postgres: dialect == goose.DialectPostgres}, nil
}

func migrate(ctx context.Context, db *sql.DB, dialect goose.Dialect, opts []goose.ProviderOption) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(dialect, db, dir, append(opts, goose.WithDisableGlobalRegistry(true))...)
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}
