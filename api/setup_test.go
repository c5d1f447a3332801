package api_test

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"go.temporal.io/api/serviceerror"
	temporal "go.temporal.io/sdk/client"

	"github.com/midwatch/midwatch/api"
	"github.com/midwatch/midwatch/api/client"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/metadata/metadatatest"
	"github.com/midwatch/midwatch/internal/seal/codec"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/workflows"
)

const environment = "dev"

// installation is a running api with all that is behind it.
type installation struct {
	t        *testing.T
	url      string
	trust    *tls.Config
	db       *metadata.DB
	temporal *signals
	public   ed25519.PublicKey
	http     *http.Client         // keeps no cookies
	tokens   map[auth.Role]string // made when first asked for
}

// start runs an api over real metadata, with what configure changes. Tests that do run in parallel: each waits a second for
// its HTTP/2 connections to say goodbye.
func start(t *testing.T, configure ...func(*api.Config)) *installation {
	t.Helper()
	t.Parallel()
	dir := t.TempDir()
	must(t, pki.Ensure(dir))
	trust := get(pki.Trust(dir, pki.API))(t)
	key := get(auth.LoadApprovalKey(filepath.Join(dir, "approval")))(t)
	in := &installation{t: t, trust: trust, db: metadatatest.Open(t), temporal: &signals{}, public: key.Public().(ed25519.PublicKey), tokens: map[auth.Role]string{"": ""}}
	transport := &http.Transport{TLSClientConfig: trust, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	in.http = &http.Client{Transport: transport}
	cfg := api.Config{
		Listen: "127.0.0.1:0", TLS: get(pki.Load(dir, pki.API))(t).Web(), Environment: environment, Version: "test",
		Metadata: in.db, Tools: tools.New(), Temporal: in.temporal, ApprovalKey: key,
		Codec: codec.Handler(metadatatest.Ring(t)),
		Web:   fstest.MapFS{"index.html": {Data: []byte("<!doctype html>")}, "assets/app.js": {Data: []byte("1")}},
	}
	for _, c := range configure {
		c(&cfg)
	}
	s := get(api.New(cfg))(t)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	in.url = "https://" + s.Addr(t.Context()).String()
	return in
}

// as returns a client with a token of a role, or with none for "".
func (in *installation) as(role auth.Role) *client.Client {
	in.t.Helper()
	return client.New(in.url, in.trust, in.token(role))
}

func (in *installation) token(role auth.Role) string {
	in.t.Helper()
	if text, ok := in.tokens[role]; ok {
		return text
	}
	in.tokens[role] = get(auth.CreateToken(in.t.Context(), in.db, string(role)+" person", role))(in.t)
	return in.tokens[role]
}

// audited tells whether the audit log has an entry.
func (in *installation) audited(subject, action, outcome string) bool {
	in.t.Helper()
	for _, e := range get(in.db.AuditLog(in.t.Context(), 1000))(in.t) {
		if e.Subject == subject && e.Action == action && e.Outcome == outcome {
			return true
		}
	}
	return false
}

// fix stores an incident with a fix that waits for approval.
func (in *installation) fix(change ...func(*investigation.Fix)) investigation.Fix {
	in.t.Helper()
	ctx := in.t.Context()
	must(in.t, in.db.PutIncident(ctx, investigation.Incident{ID: "inc-1", Environment: environment, Investigation: "inv-1", OpenedAt: time.Now()}))
	must(in.t, in.db.CreateInvestigation(ctx, investigation.Request{ID: "inv-1", Incident: "inc-1", Environment: environment}))
	f := investigation.Fix{
		ID: "fix-1", Incident: "inc-1", Investigation: "inv-1", Environment: environment, Action: "restart-cart", Kind: investigation.RestartAction,
		Content: "systemctl restart cart", Target: "service/cart", CreatedAt: time.Now().UTC().Truncate(time.Microsecond), Status: workflows.FixAwaiting,
	}
	f.Digest = f.ContentDigest()
	for _, c := range change {
		c(&f)
	}
	must(in.t, in.db.PutFix(ctx, f))
	return f
}

// signals is Temporal as far as the api uses it: it keeps what it is sent.
type signals struct {
	sync.Mutex
	sent []signal
	gone bool // no workflow of that id runs
	down bool // Temporal cannot be reached
}

type signal struct {
	workflow, name string
	arg            any
	started        string // workflow type, when it would start one
}

func (s *signals) SignalWorkflow(_ context.Context, workflow, _, name string, arg any) error {
	s.Lock()
	defer s.Unlock()
	if s.gone {
		return serviceerror.NewNotFound("workflow execution already completed")
	}
	s.sent = append(s.sent, signal{workflow: workflow, name: name, arg: arg})
	return nil
}

func (s *signals) CancelWorkflow(_ context.Context, workflow, _ string) error {
	s.Lock()
	defer s.Unlock()
	if s.gone {
		return serviceerror.NewNotFound("workflow execution already completed")
	}
	s.sent = append(s.sent, signal{workflow: workflow, name: "cancel"})
	return nil
}

func (s *signals) SignalWithStartWorkflow(_ context.Context, workflow, name string, arg any, _ temporal.StartWorkflowOptions, kind any, _ ...any) (temporal.WorkflowRun, error) {
	s.Lock()
	defer s.Unlock()
	if s.down {
		return nil, serviceerror.NewUnavailable("connection refused")
	}
	s.sent = append(s.sent, signal{workflow: workflow, name: name, arg: arg, started: kind.(string)})
	return nil, nil
}

func (s *signals) ExecuteWorkflow(_ context.Context, o temporal.StartWorkflowOptions, kind any, args ...any) (temporal.WorkflowRun, error) {
	s.Lock()
	defer s.Unlock()
	if s.down {
		return nil, serviceerror.NewUnavailable("connection refused")
	}
	s.sent = append(s.sent, signal{workflow: o.ID, arg: args[0], started: kind.(string)})
	return nil, nil
}

func (s *signals) all() []signal {
	s.Lock()
	defer s.Unlock()
	return append([]signal(nil), s.sent...)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// get passes a value on, or fails the test: get(db.Fix(ctx, id))(t).
func get[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		must(t, err)
		return v
	}
}
