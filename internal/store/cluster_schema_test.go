package store

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the cluster's schema in testdata anew")

// schemaOfCluster is all that a new server of a cluster gets.
func schemaOfCluster(t *testing.T) []string {
	t.Helper()
	steps, err := newLayout(Config{Cluster: "main", Database: "midwatch"}).migrations(all(t), 0)
	if err != nil || len(steps) != 1 || steps[0].version != all(t)[len(all(t))-1].version {
		t.Fatalf("%d steps, %v", len(steps), err)
	}
	return steps[0].statements
}

func TestClusterSchema(t *testing.T) {
	const golden = "storetest/testdata/cluster.sql"
	got := regexp.MustCompile(` +\n`).ReplaceAllString(strings.Join(schemaOfCluster(t), ";\n\n")+";\n", "\n")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("go test ./internal/store -run TestClusterSchema -update writes it anew (-want +got):\n%s", diff)
	}
}

// A server that has the schema of when clusters came needs each later migration as it is.
func TestLaterMigrationsAreKnownInClusters(t *testing.T) {
	const first = 10
	steps, err := newLayout(Config{Cluster: "main", Database: "midwatch"}).migrations(all(t), first)
	if err != nil || steps[first-1].statements != nil {
		t.Errorf("%v; %v", steps[first-1], err)
	}
}

func TestStatementsOfClusters(t *testing.T) {
	l := newLayout(Config{Cluster: "it's", Database: "d"})
	for statement, want := range map[string][]string{
		"CREATE TABLE IF NOT EXISTS t (\n    a UInt8,\n    batch_id UInt64\n) ENGINE = MergeTree PARTITION BY toDate(a) ORDER BY (f(a), a)\nSETTINGS x = 1": {
			"CREATE TABLE IF NOT EXISTS t_local (\n    a UInt8,\n    batch_id UInt64\n) ENGINE = ReplicatedMergeTree('/clickhouse/tables/it\\'s/{shard}/d/t', '{replica}') PARTITION BY toDate(a) ORDER BY (f(a), a)\nSETTINGS x = 1",
			"CREATE TABLE IF NOT EXISTS t AS t_local ENGINE = Distributed('it\\'s', 'd', 't_local', cityHash64(batch_id))",
		},
		"CREATE TABLE IF NOT EXISTS t AS u\nENGINE = ReplacingMergeTree(v) ORDER BY (a, b)": {
			"CREATE TABLE IF NOT EXISTS t_local AS u_local\nENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/it\\'s/{shard}/d/t', '{replica}', v) ORDER BY (a, b)",
			"CREATE TABLE IF NOT EXISTS t AS t_local ENGINE = Distributed('it\\'s', 'd', 't_local', cityHash64(a, b))",
		},
		"CREATE MATERIALIZED VIEW IF NOT EXISTS v TO t AS\nSELECT a FROM u WHERE a": {
			"CREATE MATERIALIZED VIEW IF NOT EXISTS v_local TO t_local AS\nSELECT a FROM u_local WHERE a",
			"CREATE OR REPLACE VIEW v AS\nSELECT a FROM u WHERE a",
		},
		"ALTER TABLE t ADD COLUMN IF NOT EXISTS b UInt8 AFTER a": {
			"ALTER TABLE t_local ADD COLUMN IF NOT EXISTS b UInt8 AFTER a", "ALTER TABLE t ADD COLUMN IF NOT EXISTS b UInt8 AFTER a",
		},
		"ALTER TABLE t MODIFY SETTING a = 1": {"ALTER TABLE t_local MODIFY SETTING a = 1"},
		"DROP TABLE IF EXISTS t":             {"DROP TABLE IF EXISTS t SYNC", "DROP TABLE IF EXISTS t_local SYNC"},
		"CREATE MATERIALIZED VIEW IF NOT EXISTS v TO t AS SELECT a FROM (SELECT a FROM u)": {
			"CREATE MATERIALIZED VIEW IF NOT EXISTS v_local TO t_local AS\nSELECT a FROM (SELECT a FROM u_local)",
			"CREATE OR REPLACE VIEW v AS\nSELECT a FROM (SELECT a FROM u)",
		},
		"CREATE MATERIALIZED VIEW IF NOT EXISTS v TO t AS SELECT a FROM u, (SELECT a FROM w)": nil,
		"CREATE TABLE IF NOT EXISTS t (a UInt8) ENGINE = Log":                                 nil,
		"TRUNCATE TABLE t": {"TRUNCATE TABLE t_local"},
		"INSERT INTO t (a)\nSELECT a FROM u AS v GROUP BY a":            {"INSERT INTO t_local (a)\nSELECT a FROM u_local AS v GROUP BY a"},
		"INSERT INTO t (a) SELECT a FROM t_1":                           nil,
		"INSERT INTO t (a) SELECT a FROM t JOIN (SELECT a FROM u) AS b": nil,
		"RENAME TABLE IF EXISTS t TO t_1":                               nil,
	} {
		got, err := l.statements(statement)
		if diff := cmp.Diff(want, got); diff != "" || (err == nil) != (want != nil) {
			t.Errorf("%s: %v (-want +got):\n%s", statement, err, diff)
		}
	}
}

func TestFoldRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, s := range []string{
		"ALTER TABLE t MODIFY COLUMN a UInt8", "ALTER TABLE t MODIFY SETTING a = 1", "ALTER TABLE t ADD COLUMN IF NOT EXISTS b UInt8 AFTER nobody", "OPTIMIZE TABLE t",
	} {
		_, err := fold([]migration{{1, "0001_x.sql", []string{"CREATE TABLE IF NOT EXISTS t (\n    a UInt8\n) ENGINE = MergeTree ORDER BY a", s}}})
		if err == nil || !strings.Contains(err.Error(), "0001_x.sql, statement 2") {
			t.Errorf("%s: %v", s, err)
		}
	}
}

func TestLiveKnowsWhoMayStore(t *testing.T) {
	a, b, c := &DB{}, &DB{}, &DB{}
	for name, of := range map[string]struct {
		replicas []*replica
		good     bool
	}{
		"all answer":                     {[]*replica{{a, "1", 2, 2, 2}, {b, "1", 2, 2, 2}, {c, "2", 1, 1, 2}}, true},
		"one of three is dead":           {[]*replica{{a, "1", 3, 2, 1}, {b, "1", 3, 2, 1}}, true},
		"one of two is dead":             {[]*replica{{b, "1", 2, 1, 2}, {c, "2", 1, 1, 2}}, false},
		"one that lives does not answer": {[]*replica{{a, "1", 3, 3, 1}, {b, "1", 3, 3, 1}}, false},
		"a shard is away":                {[]*replica{{a, "1", 2, 2, 2}, {b, "1", 2, 2, 2}}, false},
		"nobody answers":                 {nil, false},
	} {
		if hosts, err := answering("logs", of.replicas); (err == nil) != of.good || of.good && len(hosts) != len(of.replicas) {
			t.Errorf("%s: %d servers, %v", name, len(hosts), err)
		}
	}
}
