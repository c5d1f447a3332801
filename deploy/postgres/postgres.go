// Package postgres runs Debian's PostgreSQL as the metadata store of a cluster that has none: it makes the database in an empty
// directory, lets in the parts that keep something there, each by its certificate and without any password, and has certificates that were
// renewed read again.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/midwatch/midwatch/internal/auth/pki"
)

// Database is the database, and the user that the parts are mapped to.
const Database = "midwatch"

const (
	askEvery  = 200 * time.Millisecond // while it is not ready
	lookEvery = 10 * time.Second       // at the certificate
	stopAfter = 30 * time.Second       // SIGQUIT comes then: the next start recovers
)

// Config says what runs where.
type Config struct {
	Bin    string // directory of postgres, initdb and pg_isready
	Dir    string // of the data; made and filled when missing
	Listen string // address:port
	PKI    string // directory with ca.pem, postgres.pem and postgres-key.pem
	Socket string // directory of the Unix socket, which answers this package alone; "" is the temporary directory
	// Credential runs the programs as another user: PostgreSQL refuses to run as root. nil: as this one.
	Credential *syscall.Credential
	Ready      func() // called once, when connections are taken; may be nil
	Log        *slog.Logger
}

// Server is one PostgreSQL. Make it with New, start it with Run.
type Server struct {
	cfg        Config
	host, port string
}

// New validates the configuration and starts nothing.
func New(cfg Config) (*Server, error) {
	if cfg.Bin == "" || cfg.Dir == "" || cfg.PKI == "" {
		return nil, errors.New("postgres: Bin, Dir and PKI are needed")
	}
	host, port, err := net.SplitHostPort(cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("postgres: listen address %q: %w", cfg.Listen, err)
	}
	if cfg.Socket == "" {
		cfg.Socket = os.TempDir()
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{cfg: cfg, host: host, port: port}, nil
}

// Run makes the database if there is none and serves it until ctx ends. A clean stop returns nil.
func (s *Server) Run(ctx context.Context) error {
	if err := s.prepare(ctx); err != nil {
		return fmt.Errorf("make PostgreSQL's database in %s: %w", s.cfg.Dir, err)
	}
	if err := s.writeAccess(); err != nil {
		return fmt.Errorf("configure PostgreSQL: %w", err)
	}
	cmd := s.command(context.WithoutCancel(ctx), "postgres", s.arguments()...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return s.attend(ctx, cmd.Process, ended)
}

// attend looks after a server that runs until it ends, and stops it when ctx ends.
func (s *Server) attend(ctx context.Context, server *os.Process, ended <-chan error) error {
	ready := s.cfg.Ready
	ask, look := time.NewTicker(askEvery), time.NewTicker(lookEvery)
	defer ask.Stop()
	defer look.Stop()
	certificate := s.certificate()
	for {
		select {
		case err := <-ended:
			return fmt.Errorf("PostgreSQL ended: %w", cmpError(err))
		case <-ask.C:
			if s.command(ctx, "pg_isready", "-q", "-h", s.cfg.Socket, "-p", s.port).Run() == nil {
				ask.Stop()
				if ready != nil {
					ready()
				}
			}
		case <-look.C:
			if now := s.certificate(); now != certificate {
				certificate = now
				s.cfg.Log.InfoContext(ctx, "the certificate changed: PostgreSQL reads it again")
				_ = server.Signal(syscall.SIGHUP)
			}
		case <-ctx.Done():
			return s.stop(server, ended)
		}
	}
}

// cmpError names an end that is none of a failing program.
func cmpError(err error) error {
	if err == nil {
		return errors.New("without being asked to")
	}
	return err
}

// stop ends the sessions and the server. The signal for that is SIGINT: SIGTERM would wait for clients to leave.
func (s *Server) stop(server *os.Process, ended <-chan error) error {
	_ = server.Signal(syscall.SIGINT)
	select {
	case err := <-ended:
		return err
	case <-time.After(stopAfter):
		_ = server.Signal(syscall.SIGQUIT)
		<-ended //nolint:errcheck // it was ended, whatever it says
		return fmt.Errorf("PostgreSQL did not stop within %s and was ended", stopAfter)
	}
}

// certificate tells one state of the certificate's files from another.
func (s *Server) certificate() string {
	var b strings.Builder
	for _, name := range []string{pki.Postgres + ".pem", pki.Postgres + "-key.pem", "ca.pem"} {
		if info, err := os.Stat(filepath.Join(s.cfg.PKI, name)); err == nil {
			fmt.Fprintln(&b, name, info.ModTime(), info.Size())
		}
	}
	return b.String()
}

func (s *Server) arguments() []string {
	file := func(name string) string { return filepath.Join(s.cfg.PKI, name) }
	args := []string{"-D", s.cfg.Dir, "-p", s.port}
	for _, set := range [][2]string{
		{"listen_addresses", s.host},
		{"unix_socket_directories", s.cfg.Socket},
		{"hba_file", filepath.Join(s.cfg.Dir, accessFile)},
		{"ident_file", filepath.Join(s.cfg.Dir, namesFile)},
		{"ssl", "on"},
		{"ssl_min_protocol_version", "TLSv1.3"},
		{"ssl_cert_file", file(pki.Postgres + ".pem")},
		{"ssl_key_file", file(pki.Postgres + "-key.pem")},
		{"ssl_ca_file", file("ca.pem")},
	} {
		args = append(args, "-c", set[0]+"="+set[1])
	}
	return args
}

func (s *Server) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(s.cfg.Bin, program), args...)
	cmd.Dir = filepath.Dir(s.cfg.Dir)
	// Its own process group, so that Ctrl-C reaches this program alone.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.cfg.Credential, Setpgid: true}
	return cmd
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
