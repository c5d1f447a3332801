package conversation_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/midwatch/midwatch/collector/probe"
)

// mysqlClient inserts n rows, reads each by a prepared statement, counts them n times as text, and asks n times for a table that is not there.
func mysqlClient(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	ctx := context.Background()
	tls := "false"
	if args[2] != "" {
		tls = "skip-verify"
	}
	db, err := sql.Open("mysql", "root@tcp("+args[0]+")/shop?tls="+tls)
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
	return mysqlLong(ctx, args[0], tls)
}

// long is how often mysqlLong does what takes many packets, or few that are compressed.
const long = 3

// mysqlLong sends files of more packets than have numbers of their own and statements of more than one packet, and reads results of which not all is copied,
// several at once, and compressed ones.
func mysqlLong(ctx context.Context, addr, tls string) error {
	mysql.RegisterReaderHandler("rows", func() io.Reader { return strings.NewReader(strings.Repeat("1\tsecret\n", 600_000)) })
	db, err := sql.Open("mysql", "root@tcp("+addr+")/shop?multiStatements=true&maxAllowedPacket=0&tls="+tls)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	packed, err := sql.Open("mysql", "root@tcp("+addr+")/shop?compress=true&tls="+tls)
	if err != nil {
		return err
	}
	defer func() { _ = packed.Close() }()
	if _, err := db.ExecContext(ctx, "CREATE TABLE loaded (id INT, name TEXT); CREATE TABLE blobs (data LONGBLOB)"); err != nil {
		return err
	}
	for range long {
		if _, err := db.ExecContext(ctx, "LOAD DATA LOCAL INFILE 'Reader::rows' INTO TABLE loaded"); err != nil {
			return err
		}
		if err := readAll(ctx, db, "SELECT id, name FROM loaded"); err != nil {
			return err
		}
		if _, err := db.ExecContext(ctx, "INSERT INTO blobs VALUES ('"+strings.Repeat("secret", 3<<20)+"')"); err != nil {
			return err
		}
		if err := readAll(ctx, db, "SELECT 1; SELECT 2; SELECT * FROM nowhere"); err == nil {
			return errors.New("a table that is not there was read")
		}
		if err := readAll(ctx, packed, "SELECT id FROM loaded LIMIT 2000"); err != nil {
			return err
		}
		if err := readAll(ctx, packed, "SELECT id FROM nowhere"); err == nil {
			return errors.New("a table that is not there was read")
		}
	}
	return nil
}

// readAll reads all rows of all results.
func readAll(ctx context.Context, db *sql.DB, query string) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for next := true; next; next = rows.NextResultSet() {
		for rows.Next() { //nolint:revive // what they say does not matter
		}
	}
	return rows.Err()
}

func TestKernelMySQL(t *testing.T) {
	server, err := exec.LookPath("mariadbd")
	if err != nil {
		t.Skip("mariadbd is not installed")
	}
	plainAndSecure(t, func(t *testing.T, r *recorder, cert, key string) {
		data := filepath.Join(t.TempDir(), "data")
		run(t, exec.Command("mariadb-install-db", "--no-defaults", "--user=root", "--auth-root-authentication-method=normal", "--skip-test-db", "--datadir="+data))
		port := freePort(t)
		args := []string{"--no-defaults", "--user=root", "--datadir=" + data, "--bind-address=127.0.0.1", "--port=" + strconv.Itoa(port), "--socket=" + filepath.Join(data, "s"), "--innodb-buffer-pool-size=16M", "--max-allowed-packet=64M"}
		clientTLS := "--skip-ssl"
		if cert != "" {
			args, clientTLS = append(args, "--ssl-cert="+cert, "--ssl-key="+key), "--ssl"
		}
		start(t, exec.Command(server, args...))
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
		run(t, helper("mysql-client", addr, strconv.Itoa(n), cert))
		for range long { // another client
			out, _ := exec.CommandContext(t.Context(), "mariadb", "--no-defaults", clientTLS, "--host=127.0.0.1", "--port="+strconv.Itoa(port), "--user=root", "--execute=SELECT name FROM carts LIMIT 10; SELECT name FROM gone", "shop").CombinedOutput()
			if !strings.Contains(string(out), "secret") {
				t.Fatalf("the client said: %s", out)
			}
		}
		for query, want := range map[string]struct {
			n     int
			error string
			took  time.Duration // at most
		}{
			"INSERT INTO carts VALUES (?)":               {n, "", time.Second},
			"SELECT name FROM carts WHERE id = ?":        {n, "", time.Second},
			"SELECT count(*) FROM carts":                 {n, "", time.Second},
			"SELECT * FROM nowhere":                      {n, "1146", time.Second},
			"LOAD DATA LOCAL INFILE ? INTO TABLE loaded": {long, "", time.Minute},
			"SELECT id, name FROM loaded":                {long, "", time.Minute},
			"INSERT INTO blobs VALUES (?":                {long, "", time.Minute}, // its end was not copied
			"SELECT ?; SELECT ?; SELECT * FROM nowhere":  {long, "1146", time.Second},
			"SELECT id FROM loaded LIMIT ?":              {long, "", time.Second},
			"SELECT id FROM nowhere":                     {long, "1146", time.Second},
			"SELECT name FROM gone":                      {long, "1146", time.Second},
			"SELECT name FROM carts LIMIT ?":             {long, "", time.Second},
		} {
			for end, calls := range r.both(t, uint16(port), want.n, func(c seen) bool { return c.Query == query }) {
				for _, c := range calls {
					if c.ErrorType != want.error || c.Duration <= 0 || c.Duration > want.took || c.Namespace != "shop" {
						t.Errorf("%s at the %s: of %q, error %q after %v, want %q", query, end, c.Namespace, c.ErrorType, c.Duration, want.error)
					}
				}
			}
		}
		for _, c := range r.at(probe.RoleServer, uint16(port)) {
			if strings.Contains(c.Query+c.Error+c.Summary, "secret") {
				t.Errorf("a value got out: %q, %q", c.Query, c.Error)
			}
		}
	})
}
