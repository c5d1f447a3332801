package service

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

var errBody = errors.New("request body is no JSON of the expected form")

// database is a small pool with statements written for this run's names.
type database struct {
	pool  *pgxpool.Pool
	names *strings.Replacer // {table} and {column} → the name in this run
}

// openDatabase connects lazily. Statements are sent with their text each time, as behind a pooler that shares
// connections between transactions; connections are renewed each minute.
func openDatabase(ctx context.Context, cfg *Postgres) (*database, error) {
	if cfg == nil {
		return nil, errors.New("configuration has no section postgres")
	}
	pc, err := pgxpool.ParseConfig(cfg.DSN)
	if err != nil {
		return nil, fmt.Errorf("postgres.dsn: %w", err)
	}
	pc.MaxConns, pc.MinConns = cfg.Connections, 1
	pc.MaxConnLifetime = time.Minute
	pc.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	var pairs []string
	for _, m := range []map[string]string{cfg.Tables, cfg.Columns} {
		for plain, name := range m {
			pairs = append(pairs, "{"+plain+"}", pgx.Identifier{name}.Sanitize())
		}
	}
	return &database{pool, strings.NewReplacer(unquoted(pairs)...)}, nil
}

// unquoted drops the quotes from plain lower-case identifiers, which is how people write statements.
func unquoted(pairs []string) []string {
	for i := 1; i < len(pairs); i += 2 {
		pairs[i] = strings.Trim(pairs[i], `"`)
	}
	return pairs
}

func (d *database) close() { d.pool.Close() }

// sql is a statement with this run's names.
func (d *database) sql(statement string) string { return d.names.Replace(statement) }

// broken turns an error of the database into the answer of a service.
func broken(what string, err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return fail(http.StatusNotFound, fmt.Errorf("%s: not found", what))
	}
	return fail(http.StatusInternalServerError, fmt.Errorf("%s: %w", what, err))
}
