// Package workers says which role serves which task queue, and with what. A process may have several roles; `midwatch up`
// gives sandbox and apply one each, because they need other rights than the rest.
package workers

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/midwatch/midwatch/activities"
	"github.com/midwatch/midwatch/activities/notify"
	"github.com/midwatch/midwatch/activities/starter"
	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm/gate"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/seal"
	"github.com/midwatch/midwatch/internal/seal/codec"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/sandbox"
	"github.com/midwatch/midwatch/workflows"
)

// Role is a task queue to serve.
type Role string

// Roles.
const (
	Orchestrate Role = "orchestrate" // workflows, and the watch schedule
	Tools       Role = "tools"       // needs Registry and Detector
	Sandbox     Role = "sandbox"     // needs Engine and Registry, of which it reads the schemas only
	Apply       Role = "apply"       // needs PublicKey
	Notify      Role = "notify"
	GitHub      Role = "github" // needs Host and Registry; the only one that reads a code host
	Model       Role = "model"  // needs Gate and PseudonymKey; the only one that may reach a model provider
)

const (
	retryEvery  = time.Second     // between attempts to reach Temporal
	stopTimeout = 5 * time.Second // for activities in flight when the worker stops
	// maxBackoff bounds the pauses of a broken connection: a Temporal that comes back is found within seconds.
	maxBackoff = 2 * time.Second
)

// Config is what a worker process needs. Which fields must be set depends on its roles.
type Config struct {
	Roles          []Role
	Address        string // Temporal frontend, host:port
	TLS            *tls.Config
	Namespace      string     // workflows.Namespace if empty
	WatchNamespace string     // workflows.WatchNamespace if empty
	Ring           *seal.Ring // seals payloads
	Environment    string
	Metadata       *metadata.DB
	Registry       *tools.Registry
	Detector       activities.Detector
	Host           code.Host // the github role's, as is Watcher
	Watcher        code.Watcher
	Publisher      code.Publisher      // the apply role's; nil: a fix that is a pull request is refused
	Cluster        activities.Remedier // likewise; nil: a fix that changes a cluster is refused
	Notifier       *notify.Notifier    // the notify role's; nil: people are told in the log only
	Engine         sandbox.Engine
	Models         *gate.Selector // which model may decide in place of the built-in analyst; nil: none ever
	Gate           *gate.Gate
	PseudonymKey   []byte   // what the names that leave in place of real ones follow from
	Hosts          []string // machine names that must not leave
	Actions        []investigation.Action
	Quorum         investigation.Quorum // how many people must approve a fix
	SameCulprit    time.Duration        // of fixes: activities.Prepare's
	PublicKey      ed25519.PublicKey    // of the api's approval key
	Policy         workflows.Policy
	ScanEvery      time.Duration // of the watch; 5 s if zero, never if negative
	Version        Version       // of the orchestrate role; zero: unversioned
	Ready          func()        // called once when all queues are served; may be nil
	Log            *slog.Logger
}

// Workers serves the task queues of some roles.
type Workers struct{ cfg Config }

// New checks that the roles have what they need. It starts nothing.
func New(cfg Config) (*Workers, error) {
	if len(cfg.Roles) == 0 || cfg.Address == "" || cfg.TLS == nil || cfg.Ring == nil || cfg.Environment == "" || cfg.Metadata == nil {
		return nil, errors.New("worker: roles, Temporal's address, TLS, a key ring, the environment and the metadata store are needed")
	}
	for _, r := range cfg.Roles {
		if err := cfg.complete(r); err != nil {
			return nil, fmt.Errorf("worker role %s: %w", r, err)
		}
	}
	if cfg.Namespace == "" {
		cfg.Namespace = workflows.Namespace
	}
	if cfg.WatchNamespace == "" {
		cfg.WatchNamespace = workflows.WatchNamespace
	}
	if cfg.ScanEvery == 0 {
		cfg.ScanEvery = 5 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Workers{cfg}, nil
}

func (c *Config) complete(r Role) error {
	switch {
	case r == Tools && (c.Registry == nil || c.Detector == nil):
		return errors.New("a tool registry and a detector are needed")
	case r == Sandbox && (c.Engine == nil || c.Registry == nil):
		return errors.New("a sandbox engine and a tool registry are needed")
	case r == GitHub && (c.Host == nil || c.Watcher == nil || c.Registry == nil || len(c.PseudonymKey) == 0):
		return errors.New("a code host, a tool registry and a key for pseudonyms are needed")
	case r == Model && (c.Gate == nil || len(c.PseudonymKey) == 0):
		return errors.New("a gate to the model providers and a key for pseudonyms are needed")
	case r == Notify && c.Notifier != nil && len(c.PseudonymKey) == 0:
		return errors.New("the key of the pseudonyms is needed")
	case r == Apply && len(c.PublicKey) != ed25519.PublicKeySize:
		return errors.New("the public key of approvals is needed")
	}
	switch r {
	case Orchestrate, Tools, Sandbox, Apply, Notify, GitHub, Model:
		return nil
	}
	return errors.New("unknown; roles are orchestrate, tools, sandbox, apply, notify, github and model")
}

// Run serves until ctx ends. When Temporal is not there, or goes away, it waits and connects again.
func (w *Workers) Run(ctx context.Context) error {
	ready := w.cfg.Ready
	for {
		err := w.serve(ctx, &ready)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // what the end of ctx broke is a clean stop
		}
		w.cfg.Log.WarnContext(ctx, "Temporal is not to be had, trying again", "address", w.cfg.Address, "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(retryEvery):
		}
	}
}

// serve connects, starts the workers and waits for the end of ctx or of a worker.
func (w *Workers) serve(ctx context.Context, ready *func()) error {
	incidents, err := w.dial(ctx, w.cfg.Namespace)
	if err != nil {
		return err
	}
	defer incidents.Close()
	watch, err := client.NewClientFromExistingWithContext(ctx, incidents, w.options(w.cfg.WatchNamespace))
	if err != nil {
		return fmt.Errorf("connect to namespace %s: %w", w.cfg.WatchNamespace, err)
	}
	defer watch.Close()

	fatal := make(chan error, 1)
	for _, made := range w.workers(incidents, watch, fatal) {
		if err := made.Start(); err != nil {
			return fmt.Errorf("start worker: %w", err)
		}
		defer made.Stop()
	}
	if slices.Contains(w.cfg.Roles, Orchestrate) {
		for _, c := range []client.Client{incidents, watch} {
			if err := w.cfg.Version.join(ctx, c); err != nil {
				return err
			}
		}
	}
	if err := w.watch(ctx, watch); err != nil {
		return err
	}
	if *ready != nil {
		(*ready)()
		*ready = nil
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-fatal:
		return err
	}
}

func (w *Workers) dial(ctx context.Context, namespace string) (client.Client, error) {
	c, err := client.DialContext(ctx, w.options(namespace))
	if err != nil {
		return nil, fmt.Errorf("connect to Temporal at %s: %w", w.cfg.Address, err)
	}
	return c, nil
}

func (w *Workers) options(namespace string) client.Options {
	return Options(w.cfg.Address, namespace, w.cfg.TLS, w.cfg.Ring, w.cfg.Log)
}

// Options are those of a client that reads and writes sealed payloads and finds a Temporal that comes back.
func Options(address, namespace string, identity *tls.Config, ring *seal.Ring, log *slog.Logger) client.Options {
	reconnect := backoff.DefaultConfig
	reconnect.MaxDelay = maxBackoff
	return client.Options{
		HostPort: address, Namespace: namespace, Logger: sdklog.NewStructuredLogger(log),
		DataConverter: codec.DataConverter(ring), FailureConverter: codec.FailureConverter(ring),
		ConnectionOptions: client.ConnectionOptions{
			TLS:         identity,
			DialOptions: []grpc.DialOption{grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnect, MinConnectTimeout: 5 * time.Second})},
		},
	}
}

// watch keeps the schedule, if this process has the role.
func (w *Workers) watch(ctx context.Context, c client.Client) error {
	if !slices.Contains(w.cfg.Roles, Orchestrate) || w.cfg.ScanEvery <= 0 {
		return nil
	}
	return starter.Watch(ctx, c, w.cfg.Environment, w.cfg.ScanEvery, w.cfg.Policy)
}

// workers makes one worker for each role and namespace that it is active in.
func (w *Workers) workers(incidents, watch client.Client, fatal chan<- error) []worker.Worker {
	options := worker.Options{
		WorkerStopTimeout: stopTimeout,
		OnFatalError: func(err error) {
			select {
			case fatal <- err:
			default: // one is enough
			}
		},
	}
	var all []worker.Worker
	for _, r := range w.cfg.Roles {
		limited := options
		limited.MaxConcurrentActivityExecutionSize = r.parallel()
		limited.DisableWorkflowWorker = r != Orchestrate
		if r == Orchestrate {
			limited.DeploymentOptions = w.cfg.Version.options()
		}
		made := worker.New(incidents, string(r), limited)
		w.register(made, r)
		all = append(all, made)
		if r == Orchestrate || r == Tools {
			scans := worker.New(watch, string(r), limited)
			w.registerScans(scans, r, incidents)
			all = append(all, scans)
		}
	}
	return all
}

// parallel bounds what a role does at once.
func (r Role) parallel() int {
	switch r {
	case Sandbox:
		return 4 // each a process with memory of its own
	case Apply:
		return 1 // one change at a time
	default:
		return 16
	}
}
