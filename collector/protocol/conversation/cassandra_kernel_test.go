package conversation_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
	"github.com/apache/cassandra-gocql-driver/v2/lz4"

	"github.com/midwatch/midwatch/collector/protocol/cassandra/cassandratest"
)

// cassandraServer answers until it is killed.
func cassandraServer([]string) error {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return (&cassandratest.Server{}).Serve(l)
}

// cassandraClient sends n statements that were prepared, n more from five goroutines on one connection (of a writev, eight buffers are seen), n whose answers are large, and n that fail.
func cassandraClient(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	cluster := gocql.NewCluster(args[0])
	if cluster.ProtoVersion, err = strconv.Atoi(args[2]); err != nil {
		return err
	}
	cluster.NumConns, cluster.Keyspace, cluster.DisableInitialHostLookup = 1, "shop", true
	cluster.Metadata.CacheMode = gocql.Disabled
	if args[3] == "lz4" {
		cluster.Compressor = lz4.LZ4Compressor{}
	}
	s, err := cluster.CreateSession()
	if err != nil {
		return err
	}
	defer s.Close()
	for i := range n {
		if err := s.Query("INSERT INTO items (id, name) VALUES (?, ?)", strconv.Itoa(i), strings.Repeat("secret", 1000)).Exec(); err != nil {
			return err
		}
	}
	if err := cassandraCrowd(s, n); err != nil {
		return err
	}
	for range n {
		var name string
		if err := s.Query("SELECT name FROM large WHERE id = ?", "1").Scan(&name); err != nil || len(name) != cassandratest.Large {
			return fmt.Errorf("%d bytes: %w", len(name), err)
		}
		if s.Query("SELECT name FROM missing").Exec() == nil {
			return errors.New("a table that is missing was found")
		}
	}
	return nil
}

func cassandraCrowd(s *gocql.Session, n int) error {
	const crowd = 5
	failed := make([]error, crowd)
	var wg sync.WaitGroup
	for i := range crowd {
		wg.Go(func() {
			for range n / crowd {
				var name string
				if err := s.Query("SELECT name FROM items WHERE id = ?", "1").Scan(&name); err != nil {
					failed[i] = err
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(failed...)
}

func TestKernelCassandra(t *testing.T) {
	for _, c := range [][2]string{{"3", ""}, {"4", "lz4"}, {"5", ""}, {"5", "lz4"}} {
		t.Run(strings.Join(c[:], " "), func(t *testing.T) {
			r := watch(t)
			addr := serve(t, helper("cassandra-server"))
			const n = 200
			run(t, helper("cassandra-client", addr.String(), strconv.Itoa(n), c[0], c[1]))
			for table, want := range map[string]string{"INSERT items": "", "SELECT items": "", "SELECT large": "", "SELECT missing": "INVALID"} {
				for end, calls := range r.both(t, addr.Port(), n, func(c seen) bool { return c.Summary == table }) {
					for _, c := range calls {
						if c.ErrorType != want || c.Namespace != "shop" || c.Duration <= 0 || c.Duration > time.Second {
							t.Errorf("%s at the %s: error %q in %q after %v, want %q", table, end, c.ErrorType, c.Namespace, c.Duration, want)
						}
					}
				}
			}
		})
	}
}
