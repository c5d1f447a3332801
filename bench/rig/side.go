package rig

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"gopkg.in/yaml.v3"

	"github.com/midwatch/midwatch/bench/load"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/store"
)

// Programs are the paths of what is run.
type Programs struct {
	Midwatch  string
	Collector string // bench/peer
}

// Flags lets a person say where they are.
func (p *Programs) Flags(f *flag.FlagSet) {
	f.StringVar(&p.Midwatch, "midwatch", "bin/midwatch", "the program to measure")
	f.StringVar(&p.Collector, "collector", "bin/otelcol-peer", "the program to compare it with (make bench-peer)")
}

// Find makes the paths those of any directory.
func (p *Programs) Find() (err error) {
	for _, path := range []*string{&p.Midwatch, &p.Collector} {
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	return nil
}

// Side is one way from OTLP to tables: a receiver and a store of its own, which nobody else writes to.
type Side struct {
	Name     string
	Receiver *Process
	Store    *Process
	DB       *store.DB
	Address  string                   // of the receiver's OTLP/gRPC
	Sender   *tls.Config              // of who sends to it
	Tables   map[load.Signal][]string // the first has the rows, the others what is derived from them for their sake

	dir   string
	store string // host:port
}

// open starts the store of a directory, which is made if missing.
func open(ctx context.Context, p Programs, name, dir, database string) (s *Side, err error) {
	s = &Side{Name: name, dir: dir}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	certs := filepath.Join(dir, "data", "pki")
	if err := os.MkdirAll(certs, 0o700); err != nil {
		return s, err
	}
	if err := pki.Ensure(certs); err != nil {
		return s, err
	}
	var listens [3]string
	for i := range listens {
		if listens[i], err = free(ctx); err != nil {
			return s, err
		}
	}
	s.store, s.Address = listens[0], listens[1]
	err = s.write("midwatch.yaml", map[string]any{
		"environment": load.Environment,
		"clickhouse":  map[string]any{"listen": s.store},
		"ingester":    map[string]any{"grpc": s.Address, "http": listens[2]},
	})
	if err != nil {
		return s, err
	}
	s.Store = s.midwatch(p, "clickhouse", s.store)
	if err := s.Store.Start(ctx); err != nil {
		return s, err
	}
	id, err := pki.Load(certs, pki.CLI)
	if err != nil {
		return s, err
	}
	s.Sender = id.Client(pki.Ingester)
	s.DB, err = store.Open(ctx, store.Config{Addresses: []string{s.store}, Database: database, TLS: id.Client(pki.ClickHouse)})
	return s, err
}

// midwatch is one of our parts.
func (s *Side) midwatch(p Programs, part, listens string) *Process {
	return &Process{
		name: part, program: p.Midwatch, listens: listens, log: filepath.Join(s.dir, part+".log"),
		args: []string{part, "--data", filepath.Join(s.dir, "data"), "--config", filepath.Join(s.dir, "midwatch.yaml"), "--log-level", "warn", "--wait", startWithin.String()},
	}
}

// write writes a file of YAML into the side's directory.
func (s *Side) write(name string, content any) error {
	b, err := yaml.Marshal(content)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.dir, name), b, 0o600)
}

// free is an address nobody listens at.
func free(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// Count is how many rows of a signal are stored.
func (s *Side) Count(ctx context.Context, signal load.Signal) (n uint64, err error) {
	err = s.DB.QueryRow(ctx, "SELECT count() FROM "+s.Tables[signal][0]).Scan(&n)
	return n, err
}

// Close stops receiver and store. The directory stays.
func (s *Side) Close() error {
	if s.DB != nil {
		_ = s.DB.Close()
	}
	err := s.Receiver.Stop()
	if err != nil {
		err = fmt.Errorf("stop the receiver of %s: %w", s.Name, err)
	}
	s.Store.Kill() // what it acknowledged is synced
	return err
}
