package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// replica is what a server says of a table's replica that it has.
type replica struct {
	host   *DB
	shard  string // where in Keeper
	total  uint64 // how many replicas the shard has
	active uint64 // how many of them are connected with Keeper
	shards uint64 // how many there are
}

// live returns the servers that answer. It is an error if one does not that may still store rows, because Keeper sees it, or if they are not most replicas of
// each shard: what fewer have may be taken back.
func (db *DB) live(ctx context.Context, table string) ([]*DB, error) {
	replicas, err := db.replicas(ctx, table)
	if err != nil {
		return nil, err
	}
	return answering(table, replicas)
}

// replicas are those of the servers that answer.
func (db *DB) replicas(ctx context.Context, table string) ([]*replica, error) {
	if db.cfg.Unreplicated {
		return db.unreplicated(), nil
	}
	all := make([]*replica, len(db.hosts))
	err := each(ctx, db.hosts, func(ctx context.Context, host *DB) error {
		r := replica{host: host}
		err := host.QueryRow(ctx, `SELECT zookeeper_path, toUInt64(total_replicas), toUInt64(active_replicas), (SELECT uniqExact(shard_num) FROM system.clusters WHERE cluster = ?)
			FROM system.replicas WHERE database = currentDatabase() AND table = ?`, db.cfg.Cluster, table+localSuffix).Scan(&r.shard, &r.total, &r.active, &r.shards)
		if _, answered := errors.AsType[*clickhouse.Exception](err); err == nil {
			all[slices.Index(db.hosts, host)] = &r
		} else if answered || ctx.Err() != nil || errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("ask for the replica of %s: %w", table, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(r *replica) bool { return r == nil }), nil
}

// unreplicated are servers each of which is a shard; that one cannot be reached is found when it is asked.
func (db *DB) unreplicated() (all []*replica) {
	for i, host := range db.hosts {
		all = append(all, &replica{host: host, shard: strconv.Itoa(i), total: 1, active: 1, shards: uint64(len(db.hosts))})
	}
	return all
}

// answering are the servers of replicas, if they are all that may store rows.
func answering(table string, replicas []*replica) ([]*DB, error) {
	reached, needed := map[string]uint64{}, map[string]uint64{}
	var hosts []*DB
	for _, r := range replicas {
		hosts = append(hosts, r.host)
		reached[r.shard]++
		needed[r.shard] = max(needed[r.shard], r.active, r.total/2+1)
	}
	for shard, n := range needed {
		if reached[shard] < n {
			return nil, fmt.Errorf("%d replicas of %s can be reached, and %d are needed: those that live, and most of all", reached[shard], shard, n)
		}
	}
	return hosts, allShards(table, replicas)
}

// allShards is an error if none of a shard's replicas answers.
func allShards(table string, replicas []*replica) error {
	reached, shards := map[string]bool{}, uint64(1)
	for _, r := range replicas {
		reached[r.shard] = true
		shards = max(shards, r.shards)
	}
	if n := uint64(len(reached)); n < shards {
		return fmt.Errorf("%d of %d shards of %s cannot be reached", shards-n, shards, table)
	}
	return nil
}
