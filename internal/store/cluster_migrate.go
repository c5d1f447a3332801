package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
)

// migrateHosts brings every server's schema up to date. One that has none yet gets the latest at once.
func (db *DB) migrateHosts(ctx context.Context, all []migration) error {
	if err := db.checkCluster(ctx); err != nil {
		return fmt.Errorf("migrate the store: %w", err)
	}
	type host struct {
		*DB
		version uint32
	}
	var hosts []host
	for _, h := range db.hosts {
		err := makeDatabase(ctx, h.cfg)
		if err == nil {
			err = h.Exec(ctx, versions)
		}
		var version uint32
		if err == nil {
			err = h.QueryRow(ctx, "SELECT max(version) FROM schema_versions").Scan(&version)
		}
		if err != nil {
			return fmt.Errorf("migrate the store at %s: %w", h.cfg.Addresses[0], err)
		}
		hosts = append(hosts, host{h, version})
	}
	// A replica is made as the others of its shard are by then.
	slices.SortStableFunc(hosts, func(a, b host) int { return cmp.Compare(b.version, a.version) })
	for _, h := range hosts {
		steps, err := newLayout(db.cfg).migrations(all, h.version)
		if err == nil {
			err = migrate(ctx, h.DB, steps)
		}
		if err != nil {
			return h.at(err)
		}
	}
	return nil
}

// checkKind refuses the tables of a cluster for a single server, and the other way round: what is inserted would not be stored as it has to be.
func (db *DB) checkKind(ctx context.Context) error {
	var tables, ofCluster uint64
	err := db.QueryRow(ctx, "SELECT count(), countIf(engine = 'Distributed') FROM system.tables WHERE database = currentDatabase() AND name = 'logs'").Scan(&tables, &ofCluster)
	if err == nil && tables > 0 && (ofCluster > 0) != (db.cfg.Cluster != "") {
		err = fmt.Errorf("store.cluster is %q, and database %s was made otherwise; put it right, or give another store.database", db.cfg.Cluster, db.cfg.Database)
	}
	return err
}

// migrations are those that a server of a version needs.
func (l layout) migrations(all []migration, version uint32) ([]migration, error) {
	latest := all[len(all)-1]
	if version == 0 {
		final, err := fold(all)
		if err != nil {
			return nil, err
		}
		all = []migration{{latest.version, latest.name, final}}
	}
	var out []migration
	for _, m := range all {
		translated := migration{version: m.version, name: m.name}
		for i, s := range m.statements {
			if m.version <= version {
				break
			}
			some, err := l.statements(s)
			if err != nil {
				return nil, fmt.Errorf("migration %s, statement %d: %w", m.name, i+1, err)
			}
			translated.statements = append(translated.statements, some...)
		}
		out = append(out, translated)
	}
	return out, nil
}

// member is what a server knows of its cluster.
type member struct {
	servers, shards uint64 // that it has
	twice           uint64 // servers whose Distributed tables would write to each replica, which replicate besides
	shard, replica  string // its own names
}

func (db *DB) member(ctx context.Context) (m member, err error) {
	server, err := connect(ctx, db.cfg, "default")
	if err != nil {
		return m, err
	}
	defer server.Close()
	err = server.QueryRow(ctx, "SELECT count(), uniqExact(shard_num), countIf(NOT internal_replication) FROM system.clusters WHERE cluster = ?", db.cfg.Cluster).
		Scan(&m.servers, &m.shards, &m.twice)
	if err == nil && !db.cfg.Unreplicated {
		err = server.QueryRow(ctx, "SELECT getMacro('shard'), getMacro('replica')").Scan(&m.shard, &m.replica)
	}
	return m, err
}

// checkCluster says what is wrong with the cluster, as its servers know it, before anything is made.
func (db *DB) checkCluster(ctx context.Context) error {
	shards, replicas := map[string]bool{}, map[[2]string]bool{}
	var m member
	for _, host := range db.hosts {
		var err error
		if m, err = host.member(ctx); err == nil {
			err = m.check(host.cfg, uint64(len(db.hosts)))
		}
		if err != nil {
			return fmt.Errorf("cluster %s, of which all servers are needed: %w", db.cfg.Cluster, host.at(err))
		}
		shards[m.shard], replicas[[2]string{m.shard, m.replica}] = true, true
	}
	if !db.cfg.Unreplicated && (uint64(len(shards)) != m.shards || len(replicas) != len(db.hosts)) {
		return fmt.Errorf("cluster %s: the macros shard and replica name %d shards and %d servers; there are %d and %d", db.cfg.Cluster, len(shards), len(replicas), m.shards, m.servers)
	}
	return nil
}

func (m member) check(cfg Config, addresses uint64) error {
	switch {
	case m.servers == 0:
		return errors.New("it knows no such cluster")
	case m.servers != addresses:
		return fmt.Errorf("it has %d servers, and store.addresses %d; name each once", m.servers, addresses)
	case cfg.Unreplicated && m.servers != m.shards:
		return errors.New("store.unreplicated, but its shards have replicas")
	case !cfg.Unreplicated && m.twice > 0:
		return errors.New("its shards need <internal_replication>true</internal_replication>")
	}
	return nil
}
