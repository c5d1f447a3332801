package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// prepare makes the database, in a directory beside that then gets its name: a start that is cut short leaves no half of one.
func (s *Server) prepare(ctx context.Context) error {
	if exists(filepath.Join(s.cfg.Dir, "PG_VERSION")) {
		return os.Chmod(s.cfg.Dir, 0o700) // a volume's file-system group may have opened it
	}
	fresh := s.cfg.Dir + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	if out, err := s.command(ctx, "initdb", "-D", fresh, "-U", Database, "-A", "reject", "-E", "UTF8", "--locale=C").CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	single := s.command(ctx, "postgres", "--single", "-D", fresh, "template1")
	single.Stdin = strings.NewReader("CREATE DATABASE " + Database + ";\n")
	if out, err := single.CombinedOutput(); err != nil {
		return fmt.Errorf("make database %s: %w: %s", Database, err, out)
	}
	return os.Rename(fresh, s.cfg.Dir)
}

const (
	accessFile = "midwatch_hba.conf"
	namesFile  = "midwatch_ident.conf"
)

// access lets in whoever has a certificate of the installation that names a part which keeps something here. pg_isready, over the
// socket, asks before anybody is let in.
const (
	access = "hostssl " + Database + " " + Database + " all cert map=parts\n"
	names  = "parts /^(api|ingester|worker|worker-[a-z]+|cli)$ " + Database + "\n"
)

func (s *Server) writeAccess() error {
	var errs []error
	for name, text := range map[string]string{accessFile: access, namesFile: names} {
		path := filepath.Join(s.cfg.Dir, name)
		errs = append(errs, os.WriteFile(path, []byte(text), 0o600))
		if c := s.cfg.Credential; c != nil {
			errs = append(errs, os.Chown(path, int(c.Uid), int(c.Gid)))
		}
	}
	return errors.Join(errs...)
}
