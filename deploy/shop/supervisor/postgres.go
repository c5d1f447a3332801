package supervisor

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"

	"github.com/midwatch/midwatch/deploy/shop/backstage"
)

//go:embed schema.sql
var schemaSQL string

//go:embed rights.sql
var rightsSQL string

// settings suit a shop that is thrown away: nothing is synced, and one query uses one core.
const settings = `
listen_addresses = '127.0.0.1'
unix_socket_directories = '.'
max_connections = 60
shared_buffers = 48MB
fsync = off
full_page_writes = off
synchronous_commit = off
max_parallel_workers_per_gather = 0
jit = off
autovacuum_naptime = 5min
log_timezone = UTC
timezone = UTC
`

const access = `
local all all trust
host all all 127.0.0.1/32 scram-sha-256
`

// postgresBinaries finds the directory of initdb and postgres.
func postgresBinaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		if path, err := exec.LookPath("initdb"); err == nil {
			return filepath.Dir(path), nil
		}
		return "", errors.New("PostgreSQL is not installed: run apt-get install postgresql")
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return major(a) - major(b) })
	return filepath.Dir(newest), nil
}

func major(path string) int {
	n, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	if err != nil {
		return 0
	}
	return n
}

// postgres is the program that serves the data directory data.
func (s *Supervisor) postgres(data string, extra ...string) program {
	return program{
		name: "postgres", path: filepath.Join(s.binaries, "postgres"), dir: data, log: s.dir.Log("postgres"), as: s.dba, stop: syscall.SIGINT,
		args: append([]string{"-D", data, "-p", strconv.Itoa(s.plan.Postgres.Port)}, extra...),
	}
}

// preparePostgres puts a fresh data directory in place: a copy of the template, which is made once.
func (s *Supervisor) preparePostgres(ctx context.Context) error {
	sum := sha256.Sum256([]byte(s.binaries + s.dba.name + schemaSQL + settings + access))
	template := filepath.Join(s.dir.Cache(), "postgres-"+hex.EncodeToString(sum[:6]))
	if !exists(filepath.Join(template, "ready")) {
		s.cfg.Log.Info("filling the shop's database, once", "directory", template)
		if err := s.makeTemplate(ctx, template); err != nil {
			return fmt.Errorf("prepare database: %w", err)
		}
	}
	if err := os.RemoveAll(s.dir.Postgres()); err != nil {
		return fmt.Errorf("prepare database: %w", err)
	}
	if err := s.dba.mkdir(s.dir.Postgres(), 0o700); err != nil {
		return fmt.Errorf("prepare database: %w", err)
	}
	return s.asDBA(ctx, "cp", "-a", "--reflink=auto", template+"/.", s.dir.Postgres())
}

func (s *Supervisor) makeTemplate(ctx context.Context, template string) (err error) {
	if err := os.RemoveAll(template); err != nil {
		return err
	}
	if err := s.dba.mkdir(template, 0o700); err != nil {
		return err
	}
	if err := s.asDBA(ctx, filepath.Join(s.binaries, "initdb"), "-D", template, "-U", backstage.Superuser, "-A", "trust",
		"-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions", "--wal-segsize=4"); err != nil {
		return err
	}
	if err := appendTo(filepath.Join(template, "postgresql.conf"), settings); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(template, "pg_hba.conf"), []byte(access), 0o600); err != nil {
		return err
	}
	server, err := s.postgresOnSocket(ctx, template)
	if err != nil {
		return err
	}
	err = s.fill(ctx, template)
	server.end()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(template, "ready"), nil, 0o644)
}

// postgresOnSocket serves a data directory on its Unix socket alone.
func (s *Supervisor) postgresOnSocket(ctx context.Context, data string) (*instance, error) {
	p := s.postgres(data, "-c", "listen_addresses=")
	p.await = func(ctx context.Context) error { return s.superuser(ctx, data) }
	return p.start(ctx, s.spawner)
}

// superuser returns once the server of a data directory lets the superuser in.
func (s *Supervisor) superuser(ctx context.Context, data string) error {
	return poll(ctx, func() error {
		conn, err := backstage.Postgres(ctx, data, s.plan.Postgres.Port, "postgres")
		if err != nil {
			return err
		}
		return conn.Close(ctx)
	})
}

func (s *Supervisor) fill(ctx context.Context, data string) error {
	conn, err := backstage.Postgres(ctx, data, s.plan.Postgres.Port, "postgres")
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE DATABASE shop")
	if err := errors.Join(err, conn.Close(ctx)); err != nil {
		return err
	}
	if conn, err = backstage.Postgres(ctx, data, s.plan.Postgres.Port, "shop"); err != nil {
		return err
	}
	for _, sql := range []string{schemaSQL, "VACUUM (ANALYZE, FREEZE)", "CHECKPOINT"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return errors.Join(err, conn.Close(ctx))
		}
	}
	return conn.Close(ctx)
}

// grant renames what this run names differently and gives each service its own user.
func (s *Supervisor) grant(ctx context.Context) error {
	if name := s.plan.Postgres.Database; name != "shop" {
		conn, err := backstage.Postgres(ctx, s.dir.Postgres(), s.plan.Postgres.Port, "postgres")
		if err != nil {
			return fmt.Errorf("name the database: %w", err)
		}
		_, err = conn.Exec(ctx, "ALTER DATABASE shop RENAME TO "+pgx.Identifier{name}.Sanitize())
		if err := errors.Join(err, conn.Close(ctx)); err != nil {
			return fmt.Errorf("name the database: %w", err)
		}
	}
	conn, err := backstage.Shop(ctx, s.dir, s.plan)
	if err != nil {
		return fmt.Errorf("name the tables: %w", err)
	}
	for _, sql := range append(s.renames(), s.rights()) {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return errors.Join(fmt.Errorf("name the tables: %w", err), conn.Close(ctx))
		}
	}
	return conn.Close(ctx)
}

func (s *Supervisor) asDBA(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = "/", []string{"PATH=/usr/bin:/bin", "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.dba.credential()}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(name), err, strings.TrimSpace(string(out)))
	}
	return nil
}

func appendTo(file, text string) error {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
