package storetest

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/midwatch/midwatch/deploy/clickhouse/clickhousetest"
	"github.com/midwatch/midwatch/internal/store"
)

// clusterEnvironment makes every test of a store one of a cluster of so many shards.
const clusterEnvironment = "MIDWATCH_TEST_SHARDS"

// engineConfig tells the engine of clusters whose shards are all itself: port 9000 is the one that it takes for its own, though nobody listens there.
const engineConfig = `<clickhouse><tcp_port>9000</tcp_port><max_server_memory_usage>1073741824</max_server_memory_usage>
<remote_servers><one>%[1]s</one><two>%[1]s%[1]s</two></remote_servers></clickhouse>`

const shardConfig = `<shard><replica><host>127.0.0.1</host><port>9000</port></replica></shard>`

//go:embed testdata/cluster.sql
var clusterSchema string

var distributed = regexp.MustCompile(`ENGINE = Distributed\('main', 'midwatch', '(\w+)', (.*)\)`)

// divide makes each of two shards see another half of the rows of a table that both have: those that the Distributed table would send to it.
func divide() string {
	var filters []string
	for _, m := range distributed.FindAllStringSubmatch(clusterSchema, -1) {
		filters = append(filters, fmt.Sprintf("'%s': 'shardNum() = 0 OR %s %% 2 = shardNum() - 1'", m[1], m[2]))
	}
	return "SET additional_table_filters = {" + strings.Join(filters, ", ") + "}"
}

// clusters are the engines of this test binary that are a cluster of one shard and of two.
var clusters = [2]func() (*clickhousetest.Server, error){
	sync.OnceValues(func() (*clickhousetest.Server, error) { return startCluster() }),
	sync.OnceValues(func() (*clickhousetest.Server, error) { return startCluster("-first", divide()) }),
}

func startCluster(flags ...string) (*clickhousetest.Server, error) {
	dir, err := os.MkdirTemp("", "storetest-")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "engine.xml")
	if err := os.WriteFile(path, fmt.Appendf(nil, engineConfig, shardConfig), 0o600); err != nil {
		return nil, err
	}
	s, err := clickhousetest.Lasting(append(flags, "-config", path)...)
	return s, errors.Join(err, os.RemoveAll(dir)) // it has read the file
}

// Cluster is Config for a cluster of one or two shards without replicas, all of which are in one engine: it plans and merges queries as for shards elsewhere.
// What divides the rows among two is a setting, so a query that sets additional_table_filters itself sees all of them twice.
func Cluster(t testing.TB, shards int) store.Config {
	t.Helper()
	return fresh(t, clusterAt(t, shards))
}

func clusterAt(t testing.TB, shards int) store.Config {
	t.Helper()
	if _, err := clickhousetest.Library(); err != nil {
		t.Skip(err)
	}
	s, err := clusters[shards-1]()
	if err != nil {
		t.Fatalf("start ClickHouse: %v", err)
	}
	cfg := store.Config{TLS: s.TLS, MaxConns: 8, Cluster: []string{"one", "two"}[shards-1], Unreplicated: true}
	for range shards {
		cfg.Addresses = append(cfg.Addresses, s.Address)
	}
	return cfg
}
