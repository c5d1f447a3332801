package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net/url"
	"slices"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"github.com/midwatch/midwatch/activities/detect"
	"github.com/midwatch/midwatch/activities/remedy"
	"github.com/midwatch/midwatch/api"
	"github.com/midwatch/midwatch/api/web"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/code/github"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/gate"
	"github.com/midwatch/midwatch/internal/llm/provider"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/seal/codec"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/workers"
	"github.com/midwatch/midwatch/workflows"
)

// apiPart wires the HTTP API with the web UI.
func (in *installation) apiPart(ctx context.Context) (runner, error) {
	id, err := in.identity(pki.API)
	if err != nil {
		return nil, err
	}
	db, err := in.store(ctx, id)
	if err != nil {
		return nil, err
	}
	meta, err := in.metadata(ctx)
	if err != nil {
		return nil, err
	}
	ring, err := in.ring("temporal")
	if err != nil {
		return nil, err
	}
	// Lazy: the api serves what it can while Temporal is away.
	conf, err := in.temporalTLS(id)
	if err != nil {
		return nil, err
	}
	temporal, err := client.NewLazyClient(workers.Options(in.temporalAddress(), workflows.Namespace, conf, ring, in.log))
	if err != nil {
		return nil, err
	}
	key, err := auth.LoadApprovalKey(in.path("keys", "approval"))
	if err != nil {
		return nil, err
	}
	files, err := web.Files()
	if err != nil {
		return nil, err
	}
	onsets, err := in.detector(db)
	if err != nil {
		return nil, err
	}
	cfg := api.Config{
		Listen: in.settings.API.Listen, TLS: id.Web(), Hosts: in.settings.API.Hosts, Environment: in.settings.Environment, Version: version(),
		Metadata: meta, Tools: tools.All(db, in.kubernetesTools(db)...), Temporal: temporal, Policy: in.settings.Investigations.policy(), ApprovalKey: key, Providers: in.settings.AI.Providers,
		Onsets: onsets, ServiceLabels: in.settings.API.ServiceLabels, Web: files, Codec: codec.Handler(ring), Ready: func() { in.serves("https://" + in.settings.API.Listen) }, Log: in.log,
	}
	if file := in.settings.GitHub.WebhookSecretFile; file != "" {
		if cfg.GitHubSecret, err = github.ReadSecret(file); err != nil {
			return nil, err
		}
	}
	if ui := in.temporalUI(); ui != "" {
		cfg.TemporalUI = &url.URL{Scheme: "https", Host: ui}
		cfg.TemporalTLS = id.Client(pki.Temporal)
	}
	return api.New(cfg)
}

// detector looks at telemetry by the configured rules.
func (in *installation) detector(db detect.Store) (*detect.Detector, error) {
	d, err := detect.New(detect.Config{Store: db, Environment: in.settings.Environment, Rules: in.settings.Alerts.Rules, Alerts: in.settings.Alerts.Written, Log: in.log})
	if err != nil {
		return nil, fmt.Errorf("alerts: %w", err)
	}
	return d, nil
}

func (in *installation) temporalAddress() string {
	if in.settings.Temporal.Address != "" {
		return in.settings.Temporal.Address
	}
	return in.settings.Temporal.Listen
}

// temporalUI is where the web UI is that the api shows, "" for none.
func (in *installation) temporalUI() string {
	if in.settings.Temporal.Address != "" {
		return in.settings.Temporal.UIAddress
	}
	return cmp.Or(in.settings.Temporal.UIAddress, in.settings.Temporal.UIListen)
}

func (in *installation) temporalTLS(id *pki.Identity) (*tls.Config, error) {
	conf, err := in.settings.Temporal.TLS.client(id, pki.Temporal)
	if err != nil {
		return nil, fmt.Errorf("temporal.tls: %w", err)
	}
	return conf, nil
}

// partOf is whose certificate a worker of some roles has.
func partOf(roles []string) string {
	part := pki.Worker
	for _, name := range roles {
		switch workers.Role(name) {
		case workers.Sandbox:
			part = pki.Sandbox
		case workers.GitHub:
			part = pki.GitHub
		case workers.Model:
			part = pki.Model
		case workers.Apply:
			part = pki.Apply
		}
	}
	return part
}

// workerCommand serves the task queues of some roles; each role gets only what it needs.
func (in *installation) workerCommand() *cobra.Command {
	var roles []string
	cmd := partCommand(in, "worker", "Workflows and activities, by role", func(ctx context.Context) (runner, error) {
		return in.worker(ctx, roles)
	})
	cmd.Flags().StringSliceVar(&roles, "role", nil, "orchestrate, tools, sandbox, apply, notify, github, model; several with commas")
	_ = cmd.MarkFlagRequired("role")
	cmd.AddCommand(&cobra.Command{
		Use: "promote", Short: "Let workflows go on with this build, where several run side by side (worker.deployment)", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := in.worker(cmd.Context(), []string{string(workers.Orchestrate)})
			if err != nil {
				return err
			}
			if err := w.Promote(cmd.Context()); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "build %s of %s is current\n", version(), in.settings.Worker.Deployment)
			return err
		},
	})
	return cmd
}

func (in *installation) worker(ctx context.Context, roles []string) (*workers.Workers, error) {
	ring, err := in.ring("temporal")
	if err != nil {
		return nil, err
	}
	id, err := in.identity(partOf(roles))
	if err != nil {
		return nil, err
	}
	meta, err := in.metadata(ctx)
	if err != nil {
		return nil, err
	}
	if err := in.settings.Investigations.Validate(); err != nil {
		return nil, err
	}
	cfg := workers.Config{
		Address: in.temporalAddress(), Ring: ring, Environment: in.settings.Environment, Metadata: meta, Registry: in.investigationTools(nil, nil),
		Actions: in.settings.actions(false), Policy: in.settings.Investigations.policy(), Quorum: in.settings.Investigations.Quorum, SameCulprit: in.settings.Investigations.SameCulprit, ScanEvery: in.settings.Alerts.Every,
		Version: workers.Version{Deployment: in.settings.Worker.Deployment, Build: version()},
		Ready:   func() { in.serves("") }, Log: in.log,
	}
	for _, name := range roles {
		role := workers.Role(name)
		cfg.Roles = append(cfg.Roles, role)
		switch role {
		case workers.Sandbox:
			if cfg.Engine, err = in.settings.Worker.engine(); err != nil {
				return nil, err
			}
			cfg.Models = &gate.Selector{Policies: meta, Accounts: in.settings.AI.Providers}
		case workers.GitHub:
			if err := in.codeHost(&cfg); err != nil {
				return nil, err
			}
		case workers.Model:
			if err := in.models(&cfg, meta); err != nil {
				return nil, err
			}
		case workers.Notify:
			if err := in.notifier(&cfg); err != nil {
				return nil, err
			}
		case workers.Apply:
			cfg.Actions = in.settings.actions(true)
			if err := in.remedies(&cfg); err != nil {
				return nil, err
			}
			if err := in.codePublisher(&cfg); err != nil {
				return nil, err
			}
			if cfg.PublicKey, err = auth.LoadApprovalPublicKey(in.path("keys", "approval.pub")); err != nil {
				return nil, err
			}
		}
	}
	if cfg.TLS, err = in.temporalTLS(id); err != nil {
		return nil, err
	}
	for _, r := range cfg.Roles {
		if r != workers.Tools {
			continue
		}
		db, err := in.store(ctx, id)
		if err != nil {
			return nil, err
		}
		cfg.Registry = in.investigationTools(db, cfg.Host)
		if cfg.Detector, err = in.detector(db); err != nil {
			return nil, err
		}
	}
	return workers.New(cfg)
}

// remedies gives the apply role the cluster, if anything may be changed there.
func (in *installation) remedies(cfg *workers.Config) error {
	if len(in.settings.Remedies.Kinds) == 0 {
		return nil
	}
	cluster, err := remedy.Open(in.settings.Remedies.Kubeconfig)
	if err != nil {
		return fmt.Errorf("remedies: %w", err)
	}
	cfg.Cluster = cluster
	return nil
}

// models gives the model role its providers, with their keys, and what takes secrets and names out of a request.
func (in *installation) models(cfg *workers.Config, meta *metadata.DB) error {
	var err error
	if cfg.Gate, err = in.gate(meta, ""); err != nil {
		return err
	}
	names, err := in.ring("pseudonyms")
	if err != nil {
		return err
	}
	cfg.PseudonymKey, cfg.Hosts = names.Newest(), []string{hostName()}
	return nil
}

// gate is the door to the configured providers. It knows them all, also where one alone may be asked: whose keys an environment begins
// with follows from the whole list. It reads the keys of those that it may ask: one by name, or all for "".
func (in *installation) gate(meta *metadata.DB, only string) (*gate.Gate, error) {
	entries := in.settings.AI.Providers
	asked := slices.DeleteFunc(slices.Clone(entries), func(p llm.ProviderConfig) bool { return only != "" && p.Name != only })
	providers, err := provider.All(asked)
	if err != nil {
		return nil, err
	}
	var accounts []gate.Account
	for _, p := range entries {
		accounts = append(accounts, gate.Account{ProviderConfig: p, Provider: providers[p.Name]})
	}
	return gate.New(gate.Config{Policies: meta, Ledger: meta, Accounts: accounts, Log: in.log})
}
