package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/midwatch/midwatch/api"
	"github.com/midwatch/midwatch/api/web"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/seal"
)

const environment = "demo"

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to serve on; port 0 chooses one")
	pages := flag.String("web", "", "serve the web UI from this directory instead of the one built in")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *listen, *pages); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, listen, pages string) error {
	dir, err := os.MkdirTemp("", "midwatch-webtest-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	db, err := openMetadata(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	server, err := newServer(db, dir, listen, pages)
	if err != nil {
		return err
	}
	if err := seed(ctx, db); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	ended := make(chan error, 1)
	go func() {
		err := server.Run(ctx)
		cancel(err) // whoever waits for the address waits in vain
		ended <- err
	}()
	if a := server.Addr(ctx); a != nil {
		fmt.Printf("MIDWATCH_URL=https://%s\n", a)
	}
	for _, role := range []auth.Role{auth.Admin, auth.Viewer} {
		token, err := auth.CreateToken(ctx, db, "mara", role)
		if err != nil {
			return err
		}
		name := map[auth.Role]string{auth.Admin: "TOKEN", auth.Viewer: "VIEWER_TOKEN"}[role]
		fmt.Printf("MIDWATCH_%s=%s\n", strings.ToUpper(name), token)
	}
	return <-ended
}

func openMetadata(ctx context.Context, dir string) (*metadata.DB, error) {
	ring, err := seal.LoadRing(filepath.Join(dir, "metadata.key"))
	if err != nil {
		return nil, err
	}
	return metadata.Open(ctx, metadata.Config{DSN: "sqlite:" + filepath.Join(dir, "metadata.db"), Ring: ring})
}

func newServer(db *metadata.DB, dir, listen, pages string) (*api.Server, error) {
	if err := pki.Ensure(dir); err != nil {
		return nil, err
	}
	identity, err := pki.Load(dir, pki.API)
	if err != nil {
		return nil, err
	}
	key, err := auth.LoadApprovalKey(filepath.Join(dir, "approval"))
	if err != nil {
		return nil, err
	}
	ui, err := web.Files()
	if err != nil {
		return nil, err
	}
	if pages != "" {
		ui = os.DirFS(pages)
	}
	return api.New(api.Config{
		Listen: listen, TLS: identity.Web(), Environment: environment, Version: "webtest", Metadata: db, Tools: cannedTools(),
		Temporal: &engine{db: db}, ApprovalKey: key, Providers: providers(), Web: ui, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
}
