package temporal

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/csrf"
	"github.com/temporalio/ui-server/v2/server/route"
	"github.com/temporalio/ui-server/v2/ui"
)

// runUI serves the web UI until ctx ends, and says when it is there. The UI's routes are put on a server of our own,
// because the UI's own one can neither ask for a client's certificate nor return an error.
func (s *Server) runUI(ctx context.Context) error {
	handler, err := s.uiHandler()
	if err != nil {
		return err
	}
	identity, err := s.uiTLS()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", s.cfg.UIListen)
	if err != nil {
		return fmt.Errorf("listen on %s for Temporal's web UI: %w", s.cfg.UIListen, err)
	}
	if len(s.cfg.UIClients) == 0 { // a browser has no part's certificate
		handler = onlyLocalNames(handler)
	}
	web := &http.Server{
		Handler: handler, TLSConfig: identity, ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() { ended <- web.ServeTLS(listener, "", "") }()
	s.ready()
	select {
	case <-ctx.Done():
		err = web.Close()
		<-ended
		return err
	case err := <-ended:
		return fmt.Errorf("serve Temporal's web UI: %w", err)
	}
}

// uiHandler is the UI with write actions off: the UI's server refuses them, not only its pages.
func (s *Server) uiHandler() (http.Handler, error) {
	provider, err := uiconfig.NewConfigProviderWithRefresh(s.uiConfig())
	if err != nil {
		return nil, fmt.Errorf("configure Temporal's web UI: %w", err)
	}
	assets, err := uiAssets()
	if err != nil {
		return nil, err
	}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Use(middleware.Recover(), middleware.Gzip(), middleware.Secure())
	e.Use(csrf.EnsureTokenCookie(true), middleware.CSRFWithConfig(csrf.MiddlewareConfig(provider, true)))
	e.Pre(route.PublicPath(s.cfg.UIPath))
	route.SetHealthRoute(e)
	route.SetRenderRoute(e, "/")
	if err := route.SetAPIRoutes(e, provider, nil); err != nil {
		return nil, fmt.Errorf("connect Temporal's web UI: %w", err)
	}
	if err := route.SetUIRoutes(e, s.cfg.UIPath, assets, provider); err != nil {
		return nil, fmt.Errorf("serve the pages of Temporal's web UI: %w", err)
	}
	return e, nil
}

func uiAssets() (fs.FS, error) {
	assets, err := ui.Assets()
	if err == nil {
		assets, err = fs.Sub(assets, "local")
	}
	if err != nil {
		return nil, fmt.Errorf("read the pages of Temporal's web UI: %w", err)
	}
	return assets, nil
}

func (s *Server) uiConfig() *uiconfig.Config {
	return &uiconfig.Config{
		TemporalGRPCAddress: dial(s.cfg.Listen), PublicPath: s.cfg.UIPath, EnableUI: true, DefaultNamespace: s.cfg.Namespace,
		DisableNewsFetch: true, HideLogs: true, DisableWriteActions: true,
		TLS: uiconfig.TLS{
			CaFile: s.cfg.ca(), CertFile: s.cfg.cert(), KeyFile: s.cfg.key(), EnableHostVerification: true, ServerName: partName,
		},
		Codec: uiconfig.Codec{Endpoint: s.cfg.CodecEndpoint, IncludeCredentials: true},
	}
}

// uiTLS lets browsers in or, when parts are named, only those, by their certificate.
func (s *Server) uiTLS() (*tls.Config, error) {
	identity, err := s.clientTLS()
	if err != nil {
		return nil, err
	}
	identity.MinVersion = tls.VersionTLS12
	if len(s.cfg.UIClients) == 0 {
		return identity, nil
	}
	identity.ClientAuth = tls.RequireAndVerifyClientCert
	identity.VerifyConnection = func(c tls.ConnectionState) error {
		if peer := c.PeerCertificates[0].Subject.CommonName; !slices.Contains(s.cfg.UIClients, peer) {
			return errors.New(peer + " may not use Temporal's web UI")
		}
		return nil
	}
	return identity, nil
}

// onlyLocalNames refuses a page that made the browser believe that its own name is this machine (DNS rebinding).
func onlyLocalNames(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if ip := net.ParseIP(host); host != "localhost" && host != partName && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "use a loopback address", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
