package store_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/midwatch/midwatch/deploy/clickhouse/clickhousetest"
	"github.com/midwatch/midwatch/internal/store"
)

// zooKeeper starts one, until the test ends, and returns its port.
func zooKeeper(t *testing.T) int {
	t.Helper()
	const jar = "/usr/share/java/zookeeper.jar"
	java, err := exec.LookPath("java")
	if _, missing := os.Stat(jar); err != nil || missing != nil {
		t.Skip("ZooKeeper is not installed: `deploy/deps.sh test` brings it")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once: a port that is free
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	dir := t.TempDir()
	config := filepath.Join(dir, "zoo.cfg")
	text := fmt.Sprintf("tickTime=500\ndataDir=%s\nclientPort=%d\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n", dir, port)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	server := exec.CommandContext(t.Context(), java, "-Xmx128m", "-cp", jar, "org.apache.zookeeper.server.quorum.QuorumPeerMain", config)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() })
	address := fmt.Sprintf("127.0.0.1:%d", port)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			c.Close()
			return port
		}
		if time.Now().After(deadline) {
			t.Fatal("ZooKeeper does not listen:", err)
		}
	}
}

// replicaConfig is of an engine that is one of two replicas of a shard, known to each other but for what replicas fetch parts by: the library has no such port.
const replicaConfig = `<clickhouse><tcp_port>%d</tcp_port><max_server_memory_usage>1073741824</max_server_memory_usage>
<zookeeper><node><host>127.0.0.1</host><port>%d</port></node></zookeeper>
<macros><shard>1</shard><replica>%s</replica></macros>
<remote_servers><main><shard><internal_replication>true</internal_replication>
<replica><host>127.0.0.1</host><port>9000</port></replica><replica><host>127.0.0.1</host><port>9001</port></replica></shard></main></remote_servers></clickhouse>`

// engines starts some of these configurations as the servers of cluster main.
func engines(t *testing.T, configs ...string) store.Config {
	t.Helper()
	cfg := store.Config{Cluster: "main", Database: "midwatch", MaxConns: 8}
	first := t.TempDir()
	for i, config := range configs {
		dir := first
		if i > 0 { // with the certificates of the first
			dir = t.TempDir()
			if err := os.CopyFS(filepath.Join(dir, "pki"), os.DirFS(filepath.Join(first, "pki"))); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(dir, "engine.xml")
		if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		s := clickhousetest.Start(t, dir, "-config", path)
		cfg.Addresses, cfg.TLS = append(cfg.Addresses, s.Address), s.TLS
	}
	return cfg
}

// The real engine makes the replicated schema with a real ZooKeeper, and the second replica's tables are those that the first noted there. Nothing can be stored in
// them, because the library's replicas cannot reach each other.
func TestReplicasOfAShard(t *testing.T) {
	keeper := zooKeeper(t)
	cfg := engines(t, fmt.Sprintf(replicaConfig, 9000, keeper, "a"), fmt.Sprintf(replicaConfig, 9001, keeper, "b"))
	if err := migrateAs(t, cfg); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	for range 2 { // servers in turns
		if n := count(t, db, "system.replicas WHERE database = 'midwatch' AND total_replicas = 2 AND zookeeper_path = '/clickhouse/tables/main/1/midwatch/' || replaceOne(table, '_local', '')"); n != 20 {
			t.Errorf("%d tables with two replicas, want 20", n)
		}
	}
	refused, ok := errors.AsType[*store.ServerError](insert(t, db, "logs", logLines(time.Now(), 1)))
	if !ok || proto.Error(refused.Code) != proto.ErrTooFewLiveReplicas {
		t.Errorf("an insert that no other replica gets: %v", refused)
	}
}
