package api

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"go.temporal.io/sdk/client"
	"golang.org/x/time/rate"

	"github.com/midwatch/midwatch/activities/starter"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/workflows"
)

const (
	headerTimeout = 10 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = time.Minute // live events move it on
	idleTimeout   = 2 * time.Minute
	stopTimeout   = 5 * time.Second
	maxHeader     = 32 << 10
)

// Workflows is what the api needs of Temporal; client.Client is one.
type Workflows interface {
	SignalWorkflow(ctx context.Context, workflowID, runID, signal string, arg any) error
	CancelWorkflow(ctx context.Context, workflowID, runID string) error
	starter.Executor
	starter.Signaller
}

var _ Workflows = client.Client(nil)

// Config is what the api serves and on what.
type Config struct {
	Listen      string      // host:port; port 0 chooses one, see Server.Addr
	TLS         *tls.Config // server side, without client certificates; required
	Hosts       []string    // names besides localhost and loopback addresses under which browsers may come
	Environment string      // the one this api looks at; required
	Version     string      // of this build, shown to signed-in callers

	Metadata *metadata.DB     // required
	Tools    *tools.Registry  // required
	Temporal Workflows        // required
	Onsets   Onsets           // for questions that name no time; nil: they are about the last minutes
	Policy   workflows.Policy // handed to the intake with triggers from here
	// ServiceLabels of posted alerts name the service, the first that an alert has; empty: hook.DefaultServiceLabels
	ServiceLabels []string
	ApprovalKey   ed25519.PrivateKey // signs approvals; required
	// Providers are the model providers that are configured. No key is read here, and nobody is asked from here.
	Providers []llm.ProviderConfig

	GitHubSecret string // of GitHub's webhook; "": there is none

	Web         fs.FS        // the built web UI with index.html at its root; nil: none
	Codec       http.Handler // opens Temporal payloads under /codec/; nil: none
	TemporalUI  *url.URL     // address of the Temporal UI, which is shown under /temporal/; nil: none
	TemporalTLS *tls.Config  // how to reach TemporalUI
	Ready       func()       // called once when serving; may be nil
	Log         *slog.Logger // nil: none
}

// Server is the api.
type Server struct {
	cfg     Config
	huma    huma.API
	handler http.Handler
	addr    chan net.Addr // holds the address once listening
	denials *rate.Limiter // audit entries for callers nobody knows
	posts   *rate.Limiter // messages of other alerting systems
	streams chan struct{} // a place per live event stream
	closing chan struct{} // closed when live events have to end

	deciding sync.Mutex // held while an AI policy is read and replaced
}

// New validates cfg and builds the routes.
func New(cfg Config) (*Server, error) {
	for name, missing := range map[string]bool{
		"Listen": cfg.Listen == "", "TLS": cfg.TLS == nil, "Environment": cfg.Environment == "", "Metadata": cfg.Metadata == nil,
		"Tools": cfg.Tools == nil, "Temporal": cfg.Temporal == nil, "ApprovalKey": len(cfg.ApprovalKey) != ed25519.PrivateKeySize,
	} {
		if missing {
			return nil, fmt.Errorf("configure api: %s is required", name)
		}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		cfg: cfg, addr: make(chan net.Addr, 1), closing: make(chan struct{}),
		denials: rate.NewLimiter(1, 20), posts: rate.NewLimiter(postsPerSecond, 10*postsPerSecond), streams: make(chan struct{}, maxStreams),
	}
	s.handler = s.routes()
	return s, nil
}

// Addr waits until the server listens and returns its address, or nil when ctx ends first.
func (s *Server) Addr(ctx context.Context) net.Addr {
	select {
	case a := <-s.addr:
		s.addr <- a
		return a
	case <-ctx.Done():
		return nil
	}
}

// OpenAPI returns the OpenAPI 3.1 document of the JSON API.
func (s *Server) OpenAPI() ([]byte, error) { return s.huma.OpenAPI().MarshalJSON() }

// Run serves until ctx ends, then lets requests under way finish for a few seconds. A clean stop returns nil. Once only.
func (s *Server) Run(ctx context.Context) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen for the api on %s: %w (is another Midwatch running?)", s.cfg.Listen, err)
	}
	s.addr <- l.Addr()
	srv := &http.Server{
		Handler: s.handler, TLSConfig: s.cfg.TLS.Clone(), MaxHeaderBytes: maxHeader, ReadHeaderTimeout: headerTimeout,
		ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		ErrorLog: slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug), // handshakes of strangers
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.ServeTLS(l, "", "") }()
	if s.cfg.Ready != nil {
		s.cfg.Ready()
	}
	select {
	case err := <-ended:
		return fmt.Errorf("serve the api: %w", err)
	case <-ctx.Done():
	}
	close(s.closing)
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := srv.Shutdown(stop); errors.Is(err, context.DeadlineExceeded) {
		_ = srv.Close() // whoever is still there was told to go
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the api: %w", err)
	}
	return nil
}
