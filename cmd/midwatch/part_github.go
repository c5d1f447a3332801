package main

import (
	"slices"

	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/code/github"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/workers"
)

// investigationTools are all tools of an investigation: those over the store, the sandbox's, with a cluster to watch those over its history,
// and with the section "github" those that read code. host is the github role's, db the tools role's; the others know names and schemas only.
func (in *installation) investigationTools(db tools.Store, host code.Host) *tools.Registry {
	return tools.All(db, slices.Concat(in.kubernetesTools(db), in.codeTools(db, host), []tools.Tool{tools.RunProgram()})...)
}

// kubernetesTools are those over the history of a cluster, if there is one that is watched.
func (in *installation) kubernetesTools(db tools.Store) []tools.Tool {
	if !in.settings.watchesCluster() {
		return nil
	}
	return tools.Kubernetes(db)
}

func (in *installation) codeTools(db tools.Store, host code.Host) []tools.Tool {
	cfg := in.settings.GitHub
	if !cfg.On() {
		return nil
	}
	sources := code.Sources{Services: cfg.Services, Allowed: cfg.Allowed(), Host: cfg.Host()}
	return append([]tools.Tool{tools.DeployedCode(db, sources)}, tools.Code(host)...)
}

// codeHost gives the github role its client, which reads.
func (in *installation) codeHost(cfg *workers.Config) error {
	client, err := github.New(in.settings.GitHub)
	if err != nil {
		return err
	}
	names, err := in.ring("pseudonyms")
	if err != nil {
		return err
	}
	cfg.PseudonymKey, cfg.Hosts, cfg.Watcher = names.Newest(), []string{hostName()}, client
	cfg.Host, cfg.Registry = client, in.investigationTools(nil, client)
	return nil
}

// codePublisher gives the apply role its client, which writes, if the configuration has one.
func (in *installation) codePublisher(cfg *workers.Config) error {
	settings := in.settings.GitHub
	if !settings.On() || !settings.MayWrite() {
		return nil
	}
	settings.Write = true
	client, err := github.New(settings)
	if err != nil {
		return err
	}
	cfg.Publisher = client
	return nil
}
