package conversation_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// postgresServer starts a server in a fresh directory and returns the URL of its database "shop".
func postgresServer(t *testing.T, cert, key string) (port int, url string) {
	t.Helper()
	bin, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(bin) == 0 {
		t.Skip("PostgreSQL is not installed")
	}
	cred := credential(t)
	dir, err := os.MkdirTemp("", "midwatch-pg-") // t.TempDir is not open to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chown(dir, int(cred.Uid), int(cred.Gid)); err != nil {
		t.Fatal(err)
	}
	command := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(bin[0], name), args...)
		cmd.Dir = dir
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: cred}
		return cmd
	}
	data := filepath.Join(dir, "data")
	if out, err := command("initdb", "-D", data, "-U", "shop", "-A", "trust", "--no-sync").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	port = freePort(t)
	args, mode := []string{"-D", data, "-p", strconv.Itoa(port), "-h", "127.0.0.1", "-k", dir, "-F"}, "prefer"
	if cert != "" {
		for from, to := range map[string]string{cert: "server.crt", key: "server.key"} {
			b, err := os.ReadFile(from)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(data, to)
			if err := errors.Join(os.WriteFile(file, b, 0o600), os.Chown(file, int(cred.Uid), int(cred.Gid))); err != nil {
				t.Fatal(err)
			}
		}
		args, mode = append(args, "-l"), "require"
	}
	start(t, command("postgres", args...))
	url = fmt.Sprintf("postgres://shop@127.0.0.1:%d/postgres?sslmode=%s", port, mode)
	until(t, func() bool {
		c, err := pgx.Connect(context.Background(), url)
		if err == nil {
			_ = c.Close(context.Background())
		}
		return err == nil
	}, func() string { return "postgres does not listen" })
	return port, url
}

func credential(t *testing.T) *syscall.Credential {
	t.Helper()
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Skip("there is no user postgres to run the server as")
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

const pause = 20 * time.Millisecond

// postgresClient runs n queries of each kind over a small pool.
func postgresClient(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, args[0]+"&pool_max_conns=3")
	if err != nil {
		return err
	}
	defer pool.Close()
	if _, err := pool.Exec(ctx, "CREATE TABLE products (id int PRIMARY KEY, name text)"); err != nil {
		return err
	}
	for i := range n {
		if _, err := pool.Exec(ctx, "INSERT INTO products VALUES ($1, $2)", i, fmt.Sprintf("name %d", i)); err != nil {
			return err
		}
	}
	for range n {
		if err := postgresRound(ctx, pool); err != nil {
			return err
		}
	}
	return nil
}

func postgresRound(ctx context.Context, pool *pgxpool.Pool) error {
	rows, err := pool.Query(ctx, "SELECT id, name, repeat('x', 90) FROM products WHERE id >= $1", 0) // more than is copied
	if err != nil {
		return err
	}
	rows.Close()
	if rows.Err() != nil {
		return rows.Err()
	}
	simple := "SELECT name FROM products WHERE name = 'secret'"
	if _, err := pool.Exec(ctx, simple, pgx.QueryExecModeSimpleProtocol); err != nil {
		return err
	}
	var pg *pgconn.PgError
	if _, err := pool.Exec(ctx, "INSERT INTO products VALUES ($1, '')", 1); !errors.As(err, &pg) {
		return fmt.Errorf("a duplicate key was taken: %w", err)
	}
	if _, err := pool.Exec(ctx, "SELECT * FROM nothing", pgx.QueryExecModeSimpleProtocol); !errors.As(err, &pg) {
		return fmt.Errorf("a missing table was found: %w", err)
	}
	if _, err := pool.Exec(ctx, "SELECT pg_sleep($1)", pause.Seconds()); err != nil {
		return err
	}
	batch := &pgx.Batch{}
	for range 3 {
		batch.Queue("UPDATE products SET name = $1 WHERE id = $2", "b", 2)
	}
	return pool.SendBatch(ctx, batch).Close()
}

func TestKernelPostgreSQL(t *testing.T) {
	plainAndSecure(t, func(t *testing.T, r *recorder, cert, key string) {
		port, url := postgresServer(t, cert, key)
		const n = 100
		run(t, helper("postgres-client", url, strconv.Itoa(n)))

		for _, want := range []struct {
			query, summary, status string
			count                  int
		}{
			{"INSERT INTO products VALUES ($1, $2)", "INSERT products", "", n},
			{"SELECT id, name, repeat(?) FROM products WHERE id >= $1", "SELECT products", "", n},
			{"SELECT name FROM products WHERE name = ?", "SELECT products", "", n},
			{"INSERT INTO products VALUES ($1, ?)", "INSERT products", "23505", n},
			{"SELECT * FROM nothing", "SELECT nothing", "42P01", n},
			{"SELECT pg_sleep($1)", "SELECT", "", n},
			{"UPDATE products SET name = $1 WHERE id = $2", "UPDATE products", "", 3 * n},
		} {
			for end, calls := range r.both(t, uint16(port), want.count, func(c seen) bool { return c.Query == want.query }) {
				for _, c := range calls {
					if c.Summary != want.summary || c.Status != want.status || c.Failed != (want.status != "") || c.Namespace != "postgres" {
						t.Errorf("%s at the %s: %+v", want.query, end, c.Call)
					}
					sleeps := want.query == "SELECT pg_sleep($1)"
					if c.Duration <= 0 || c.Duration > 10*time.Second || sleeps && c.Duration < pause {
						t.Errorf("%s at the %s took %v", want.query, end, c.Duration)
					}
				}
			}
		}
	})
}
