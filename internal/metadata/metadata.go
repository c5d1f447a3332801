package metadata

import (
	"context"
	"crypto/tls"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/midwatch/midwatch/internal/seal"
)

var (
	// ErrNotFound means nothing of that id is stored.
	ErrNotFound = errors.New("not found")
	// ErrSpent means an approval's nonce was used before.
	ErrSpent = errors.New("nonce already spent")
	// ErrChanged means something is stored under that id already and differs where it may not.
	ErrChanged = errors.New("already stored with different content")
)

// Config says where the metadata is kept.
type Config struct {
	// DSN is "sqlite:<path>" or a "postgres://" URL. A missing SQLite file is made with mode 0600.
	DSN string
	// TLS, if not nil, is how a PostgreSQL is reached, instead of what the DSN says.
	TLS *tls.Config
	// Ring seals and opens the sealed columns. Required.
	Ring *seal.Ring
}

// DB is an open metadata store.
type DB struct {
	sql      *sql.DB
	ring     *seal.Ring
	postgres bool
	// known caches what KnownNames read.
	known struct {
		sync.Mutex
		of map[string]*knownNames // by environment
	}
}

// Close closes the store. Calls under way end with an error.
func (d *DB) Close() error { return d.sql.Close() }

// querier is what *sql.DB and *sql.Tx share.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// bind turns "?" into PostgreSQL's "$1", "$2", …; no statement here has a "?" in a literal.
func (d *DB) bind(query string) string {
	if !d.postgres {
		return query
	}
	var b strings.Builder
	n := 0
	for part := range strings.SplitSeq(query, "?") {
		if n > 0 {
			b.WriteString("$" + strconv.Itoa(n))
		}
		b.WriteString(part)
		n++
	}
	return b.String()
}

// locking ends a SELECT inside a transaction that will write what it read. SQLite needs nothing: its transactions here
// take the write lock when they begin.
func (d *DB) locking() string {
	if d.postgres {
		return " FOR UPDATE"
	}
	return ""
}

func (d *DB) exec(ctx context.Context, q querier, query string, args ...any) (rows int64, err error) {
	res, err := q.ExecContext(ctx, d.bind(query), args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// row scans one row, or returns ErrNotFound.
func (d *DB) row(ctx context.Context, q querier, query string, args []any, into ...any) error {
	return notFound(q.QueryRowContext(ctx, d.bind(query), args...).Scan(into...))
}

func notFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

// rows calls each with the scanner of every row in turn.
func (d *DB) rows(ctx context.Context, q querier, query string, args []any, each func(scan func(...any) error) error) error {
	rows, err := q.QueryContext(ctx, d.bind(query), args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err says what went wrong
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// inTx runs f in a transaction and commits it unless f fails.
func (d *DB) inTx(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := d.sql.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func (d *DB) seal(purpose string, v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", purpose, err)
	}
	return d.ring.Seal(purpose, b), nil
}

func (d *DB) open(purpose string, sealed []byte, into any) error {
	b, err := d.ring.Open(purpose, sealed)
	if err != nil {
		return fmt.Errorf("open %s: %w", purpose, err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("decode %s: %w", purpose, err)
	}
	return nil
}

// micros and fromMicros keep times as Unix microseconds, 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
