package store

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/clickhouse-go/v2"
	"golang.org/x/sync/errgroup"
)

// In a cluster the addresses are all of its servers. What has rows is x_local on each, replicated within its shard; x is all of them together
// (cluster_schema.go). Who reads needs to know nothing of that. An insert goes into x_local of one server, so that it stays one part that is stored whole or not at
// all; what has to be done where rows are (schema, deleting, dropping, waiting for inserts) is done by each server for itself.

// quorumTimeout is how long an insert waits for most of the replicas to have it. It ends before the one who asked for it gives up.
const quorumTimeout = insertAnswer - 10*time.Second

// clusterSettings hold for all statements in a cluster. Answers to inserts come when the rows are on most replicas of the shard, or of all shards
// when they went into a Distributed table; a retry of the server's own must not store what was looked up since. Subqueries are of all shards' rows.
func clusterSettings() clickhouse.Settings {
	return clickhouse.Settings{
		"insert_quorum": "auto", "insert_quorum_timeout": quorumTimeout.Milliseconds(), "insert_keeper_max_retries": 0,
		"insert_deduplicate": 0, "distributed_foreground_insert": 1, "parallel_distributed_insert_select": 0,
		"distributed_product_mode": "global", "alter_sync": 2, "lightweight_deletes_sync": 1,
	}
}

// settings are those of every statement.
func (c Config) settings() clickhouse.Settings {
	if c.Cluster == "" {
		return nil
	}
	return clusterSettings()
}

// insertSettings are those of Insert.
func (c Config) insertSettings(mark string) []ch.Setting {
	return append(insertSettings(mark), chSettings(c.settings())...)
}

// chSettings are settings as the library of Insert and Read has them.
func chSettings(of map[string]any) (all []ch.Setting) {
	for name, value := range of {
		all = append(all, ch.Setting{Key: name, Value: fmt.Sprint(value), Important: true})
	}
	return all
}

// strategy is how connections spread over the addresses.
func (c Config) strategy() clickhouse.ConnOpenStrategy {
	if c.Cluster == "" {
		return clickhouse.ConnOpenInOrder
	}
	return clickhouse.ConnOpenRoundRobin
}

// order is in which order the nth connection for inserts tries the addresses: a cluster's servers get inserts in turns.
func (c Config) order(n int) []string {
	if c.Cluster == "" {
		return c.Addresses
	}
	first := n % len(c.Addresses)
	return slices.Concat(c.Addresses[first:], c.Addresses[:first])
}

// openHosts makes a pool for each server of the cluster; they connect when they are needed.
func (db *DB) openHosts() error {
	all, err := migrations(files)
	if err != nil {
		return err
	}
	final, err := fold(all)
	if err != nil {
		return err
	}
	db.replacing = replacing(final)
	for _, address := range db.cfg.Addresses {
		cfg := db.cfg
		cfg.Addresses = []string{address}
		conn, err := clickhouse.Open(cfg.options(cfg.Database))
		if err != nil {
			return err
		}
		db.hosts = append(db.hosts, newDB(conn, cfg))
	}
	return nil
}

// target is the table that an insert into a table goes to. Rows that replace each other have to be on the shard of their key, others may be on any.
func (db *DB) target(table string) string {
	if len(db.hosts) == 0 || db.replacing[table] {
		return table
	}
	return table + localSuffix
}

var deletion = regexp.MustCompile(`^DELETE FROM (\w+) `)

// Exec runs a statement that returns nothing. In a cluster rows are deleted where they are.
func (db *DB) Exec(ctx context.Context, query string, args ...any) error {
	m := deletion.FindStringSubmatch(query)
	if len(db.hosts) == 0 || m == nil {
		return db.Conn.Exec(ctx, query, args...)
	}
	live, err := db.live(ctx, m[1])
	if err != nil {
		return err
	}
	query = "DELETE FROM " + m[1] + localSuffix + strings.TrimPrefix(query, "DELETE FROM "+m[1])
	return each(ctx, live, func(ctx context.Context, host *DB) error { return host.Conn.Exec(ctx, query, args...) })
}

// each does something on all of the servers at a time.
func each(ctx context.Context, hosts []*DB, do func(context.Context, *DB) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, host := range hosts {
		group.Go(func() error {
			return host.at(do(ctx, host))
		})
	}
	return group.Wait()
}

// at says where in a cluster an error happened.
func (db *DB) at(err error) error {
	if err != nil && db.cfg.Cluster != "" {
		err = fmt.Errorf("%s: %w", db.cfg.Addresses[0], err)
	}
	return err
}

// onEach is what something finds on each server; one that fails does not keep the others.
func onEach[T any](db *DB, do func(*DB) ([]T, error)) (found []T, err error) {
	if len(db.hosts) == 0 {
		return do(db)
	}
	for _, host := range db.hosts {
		some, failed := do(host)
		found = append(found, some...)
		err = errors.Join(err, host.at(failed))
	}
	return found, err
}

// quietHosts is Quiet of a cluster. The error is also that of a server that cannot be asked though its inserts may still be stored. Afterwards every replica
// has what the others of its shard have.
func (db *DB) quietHosts(ctx context.Context, table string) error {
	live, err := db.live(ctx, table)
	if err != nil {
		return err
	}
	others := db.inserters.others()
	err = each(ctx, live, func(ctx context.Context, host *DB) error { return host.quiet(ctx, db.target(table), others) })
	if err != nil || db.cfg.Unreplicated {
		return err
	}
	return each(ctx, live, func(ctx context.Context, host *DB) error {
		return host.Exec(ctx, "SYSTEM SYNC REPLICA "+table+localSuffix+" LIGHTWEIGHT")
	})
}
