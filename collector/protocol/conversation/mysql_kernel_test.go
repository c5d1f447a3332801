package conversation_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
)

// mysqlClient inserts n rows, reads each by a prepared statement, counts them n times as text, and asks n times for a table that is not there.
func mysqlClient(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	ctx := context.Background()
	db, err := sql.Open("mysql", "root@tcp("+args[0]+")/shop")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(2)
	if _, err := db.ExecContext(ctx, "CREATE TABLE carts (id INT PRIMARY KEY, name TEXT)"); err != nil {
		return err
	}
	byID, err := db.PrepareContext(ctx, "SELECT name FROM carts WHERE id = ?")
	if err != nil {
		return err
	}
	for i := range n {
		var name string
		var count int
		if _, err := db.ExecContext(ctx, fmt.Sprintf("INSERT INTO carts VALUES (%d, \"secret\")", i)); err != nil {
			return err
		}
		if err := byID.QueryRowContext(ctx, i).Scan(&name); err != nil || name != "secret" {
			return fmt.Errorf("read %q: %w", name, err)
		}
		if err := db.QueryRowContext(ctx, "SELECT count(*) FROM carts").Scan(&count); err != nil {
			return err
		}
		if err := db.QueryRowContext(ctx, "SELECT * FROM nowhere").Scan(&name); err == nil {
			return errors.New("a table that is not there was read")
		}
	}
	return nil
}

func TestKernelMySQL(t *testing.T) {
	server, err := exec.LookPath("mariadbd")
	if err != nil {
		t.Skip("mariadbd is not installed")
	}
	data := filepath.Join(t.TempDir(), "data")
	run(t, exec.Command("mariadb-install-db", "--no-defaults", "--user=root", "--auth-root-authentication-method=normal", "--skip-test-db", "--datadir="+data))
	r := watch(t)
	port := freePort(t)
	start(t, exec.Command(server, "--no-defaults", "--user=root", "--datadir="+data, "--bind-address=127.0.0.1", "--port="+strconv.Itoa(port), "--socket="+filepath.Join(data, "s"), "--innodb-buffer-pool-size=16M"))
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	until(t, func() bool {
		db, err := sql.Open("mysql", "root@tcp("+addr+")/")
		if err != nil {
			return false
		}
		defer func() { _ = db.Close() }()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = db.ExecContext(ctx, "CREATE DATABASE IF NOT EXISTS shop")
		return err == nil
	}, func() string { return "mariadbd does not listen" })

	const n = 200
	run(t, helper("mysql-client", addr, strconv.Itoa(n)))
	for query, want := range map[string]string{"INSERT INTO carts VALUES (?)": "", "SELECT name FROM carts WHERE id = ?": "", "SELECT count(*) FROM carts": "", "SELECT * FROM nowhere": "1146"} {
		for end, calls := range r.both(t, uint16(port), n, func(c seen) bool { return c.Query == query }) {
			for _, c := range calls {
				if c.ErrorType != want || c.Duration <= 0 || c.Duration > time.Second || c.Namespace != "shop" {
					t.Errorf("%s at the %s: of %q, error %q after %v, want %q", query, end, c.Namespace, c.ErrorType, c.Duration, want)
				}
			}
		}
	}
}
