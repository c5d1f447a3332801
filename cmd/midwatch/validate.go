package main

import (
	"fmt"

	"github.com/midwatch/midwatch/activities/notify"
	"github.com/midwatch/midwatch/activities/remedy"
	"github.com/midwatch/midwatch/collector/exporter/filter"
	"github.com/midwatch/midwatch/collector/kube"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/wire"
	"github.com/midwatch/midwatch/internal/rules"
)

// validate says what a value is wrong with before any part starts. What only one part understands, that part says.
func (s settings) validate() error {
	if s.Nice < -20 || s.Nice > 19 {
		return fmt.Errorf("nice: %d is no scheduling priority; it goes from -20 to 19", s.Nice)
	}
	if s.Store.Cluster != "" && len(s.Store.Addresses) == 0 {
		return fmt.Errorf("store.cluster: %s: store.addresses has to name all of its servers", s.Store.Cluster)
	}
	if err := s.Store.Retention.Validate(); err != nil {
		return err
	}
	if n := s.Ingester.MaxSeries; n < 0 {
		return fmt.Errorf("ingester.max_series: %d is less than nothing; 0 means 1,048,576", n)
	}
	if s.Alerts.Every < 0 {
		return fmt.Errorf("alerts.every: %s is negative; want a duration such as 5s", s.Alerts.Every)
	}
	if r := s.Alerts.ErrorRatio; r <= 0 || r >= 1 {
		return fmt.Errorf("alerts.error_ratio: %v is no share of requests; it is between 0 and 1, such as 0.05", r)
	}
	if err := rules.ValidateAlerts(s.Alerts.Written); err != nil {
		return fmt.Errorf("alerts.rules: %w", err)
	}
	if _, err := filter.New(s.Exporter.Drop, s.Exporter.Redact); err != nil {
		return fmt.Errorf("exporter: %w", err)
	}
	if err := s.Investigations.Validate(); err != nil {
		return err
	}
	if err := s.Remedies.Validate(); err != nil {
		return fmt.Errorf("remedies: %w", err)
	}
	if err := s.Exporter.Kubernetes.validate(); err != nil {
		return err
	}
	names := map[string]bool{}
	for _, a := range s.Remedies.Actions() {
		names[a.Name] = true
	}
	for i, a := range s.Actions {
		if err := a.Validate(); err != nil {
			return fmt.Errorf("actions: action %d (%s): %w", i+1, a.Name, err)
		}
		if names[a.Name] {
			return fmt.Errorf("actions: two actions are named %s", a.Name)
		}
		names[a.Name] = true
	}
	for _, p := range s.AI.Providers {
		if err := p.Validate(); err != nil {
			return err
		}
	}
	return nil
}

// checkFiles reads what the configuration points at, as the parts will: keys, tokens, addresses, ways to a cluster.
func (s settings) checkFiles() error {
	if s.GitHub.On() {
		if err := s.GitHub.Validate(); err != nil {
			return err
		}
	}
	for _, p := range s.AI.Providers {
		if p.KeyFile == "" || p.Kind == llm.KindBedrock { // whose file is the AWS SDK's to read
			continue
		}
		if _, err := wire.Key(p.KeyFile); err != nil {
			return fmt.Errorf("ai: provider %s: %w", p.Name, err)
		}
	}
	if file := s.Exporter.Kubeconfig; file != "" && file != kube.InCluster {
		if _, err := kube.Connect(file); err != nil {
			return fmt.Errorf("exporter: %w", err)
		}
	}
	if file := s.Remedies.Kubeconfig; file != "" && len(s.Remedies.Kinds) > 0 {
		if _, err := remedy.Open(file); err != nil {
			return fmt.Errorf("remedies: %w", err)
		}
	}
	_, err := notify.New(s.Notify)
	return err
}
