package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
)

// brake locks the metadata store from the outside, as a slow writer would: everybody can read, and nobody's write commits until it
// is released.
type brake struct {
	db   *sql.DB
	conn *sql.Conn
}

func newBrake(path string) (*brake, error) {
	dsn := url.URL{Scheme: "file", Opaque: url.PathEscape(path), RawQuery: "_pragma=busy_timeout(30000)"}
	db, err := sql.Open("sqlite", dsn.String()) // the driver of internal/metadata
	return &brake{db: db}, err
}

// hold returns when no write can commit any more.
func (b *brake) hold(ctx context.Context) error {
	conn, err := b.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("lock the metadata store: %w", err)
	}
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		_ = conn.Close()
		return fmt.Errorf("lock the metadata store: %w", err)
	}
	b.conn = conn
	return nil
}

// release lets writes commit. It may be called again.
func (b *brake) release() {
	if b.conn == nil {
		return
	}
	_, _ = b.conn.ExecContext(context.Background(), "ROLLBACK") // closing it would do
	_ = b.conn.Close()
	b.conn = nil
}
