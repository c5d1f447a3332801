package temporal

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/server/schema/sqlite"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/types/known/durationpb"
)

// searchAttributes are the project's own, by which the UI's list can be filtered. Keyword allows ten.
func searchAttributes() map[string]enumspb.IndexedValueType {
	attributes := make(map[string]enumspb.IndexedValueType)
	for _, name := range []string{"MidwatchService", "MidwatchSeverity", "MidwatchTrigger", "MidwatchVerdict", "MidwatchPhase"} {
		attributes[name] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
	}
	return attributes
}

// prepare makes the file with its schema, and the namespaces, before the server starts. A file that is there is left alone.
func (s *Server) prepare() error {
	if err := os.MkdirAll(filepath.Dir(s.cfg.DB), 0o700); err != nil {
		return fmt.Errorf("make directory of the Temporal database: %w", err)
	}
	if _, err := os.Stat(s.cfg.DB); errors.Is(err, fs.ErrNotExist) {
		if err := s.create(); err != nil {
			return err
		}
	}
	main, err := namespace(s.cfg.Namespace, s.cfg.Retention)
	if err != nil {
		return err
	}
	watch, err := namespace(s.cfg.Namespace+watchSuffix, watchRetention)
	if err != nil {
		return err
	}
	if err := sqlite.CreateNamespaces(s.sql(), main, watch); err != nil {
		return fmt.Errorf("make Temporal's namespaces in %s: %w", s.cfg.DB, err)
	}
	return nil
}

// create makes the schema in a file beside and moves it into place: a start that is cut short leaves no half of a schema.
func (s *Server) create() error {
	fresh := s.sql()
	fresh.DatabaseName = s.cfg.DB + ".new"
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(fresh.DatabaseName + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("make Temporal's database: %w", err)
		}
	}
	fresh.ConnectAttributes["journal_mode"] = "delete"
	f, err := os.OpenFile(fresh.DatabaseName, os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("make Temporal's database: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("make Temporal's database: %w", err)
	}
	if err := sqlite.SetupSchema(fresh); err != nil {
		return fmt.Errorf("make Temporal's schema in %s: %w", fresh.DatabaseName, err)
	}
	if err := os.Rename(fresh.DatabaseName, s.cfg.DB); err != nil {
		return fmt.Errorf("make Temporal's database: %w", err)
	}
	return nil
}

func namespace(name string, retention time.Duration) (*sqlite.NamespaceConfig, error) {
	ns, err := sqlite.NewNamespaceConfig(clusterName, name, false, searchAttributes())
	if err != nil {
		return nil, fmt.Errorf("describe namespace %s: %w", name, err)
	}
	ns.Detail.Config.Retention = durationpb.New(retention)
	return ns, nil
}

// ensure waits until the frontend answers and adds the search attributes that an older file lacks.
func (s *Server) ensure(ctx context.Context) error {
	conn, err := s.dial()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	workflows, operator := workflowservice.NewWorkflowServiceClient(conn), operatorservice.NewOperatorServiceClient(conn)
	for _, ns := range []string{s.cfg.Namespace, s.cfg.Namespace + watchSuffix} {
		if err := await(ctx, func(ctx context.Context) error {
			_, err := workflows.DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: ns})
			return err
		}); err != nil {
			return fmt.Errorf("wait for namespace %s: %w", ns, err)
		}
		if err := addMissing(ctx, operator, ns); err != nil {
			return fmt.Errorf("add search attributes to namespace %s: %w", ns, err)
		}
	}
	return nil
}

func addMissing(ctx context.Context, operator operatorservice.OperatorServiceClient, ns string) error {
	have, err := operator.ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: ns})
	if err != nil {
		return err
	}
	missing := searchAttributes()
	for name := range have.GetCustomAttributes() {
		delete(missing, name)
	}
	if len(missing) == 0 {
		return nil
	}
	_, err = operator.AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{Namespace: ns, SearchAttributes: missing})
	return err
}

// await repeats f until it works, for at most half a minute.
func await(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := f(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-tick.C:
		}
	}
}

func (s *Server) dial() (*grpc.ClientConn, error) {
	cfg, err := s.clientTLS()
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient(dial(s.cfg.Listen), grpc.WithTransportCredentials(credentials.NewTLS(cfg)))
	if err != nil {
		return nil, fmt.Errorf("connect to Temporal at %s: %w", s.cfg.Listen, err)
	}
	return conn, nil
}

// clientTLS is the server's own identity, as a client.
func (s *Server) clientTLS() (*tls.Config, error) {
	load := func() (*tls.Certificate, error) { // for each handshake: it may have been renewed
		cert, err := tls.LoadX509KeyPair(s.cfg.cert(), s.cfg.key())
		return &cert, err
	}
	if _, err := load(); err != nil {
		return nil, fmt.Errorf("load certificate of %s: %w", partName, err)
	}
	ca, err := os.ReadFile(s.cfg.ca())
	if err != nil {
		return nil, fmt.Errorf("load certificate authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("load certificate authority: no certificate in %s", s.cfg.ca())
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, RootCAs: pool, ClientCAs: pool, ServerName: partName,
		GetCertificate:       func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return load() },
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return load() },
	}, nil
}
