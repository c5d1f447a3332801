package main

import (
	"crypto/tls"
	"fmt"
	"os"
	"strings"

	"k8s.io/klog/v2"

	"github.com/midwatch/midwatch/collector/exporter"
	"github.com/midwatch/midwatch/collector/exporter/filter"
	"github.com/midwatch/midwatch/collector/kube"
	"github.com/midwatch/midwatch/collector/kube/index"
	"github.com/midwatch/midwatch/collector/kube/rulewatch"
	"github.com/midwatch/midwatch/internal/auth/pki"
)

// kubernetesSettings is what the exporter watches beside the kinds that it always does.
type kubernetesSettings struct {
	PodLabels []string              `yaml:"pod_labels"` // of pods, that telemetry carries
	Resources []kube.CustomResource `yaml:"resources"`  // custom resources to watch
	// Rules is whether DropRules and RedactionRules apply and the status of rules is written; then nothing leaves before they were read
	Rules bool `yaml:"rules"`
	// Lease decides which of several exporters publishes: namespace/name; empty: in a pod midwatch-exporter in its namespace, elsewhere none
	Lease string `yaml:"lease"`
}

const (
	// podNamespace is where every pod with a service account finds its namespace.
	podNamespace = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"
	leaseName    = "midwatch-exporter"
)

func (k kubernetesSettings) validate() error {
	if namespace, name, ok := strings.Cut(k.Lease, "/"); k.Lease != "" && (!ok || namespace == "" || name == "") {
		return fmt.Errorf("exporter.kubernetes.lease: %q; want namespace/name", k.Lease)
	}
	for i, r := range k.Resources {
		if err := r.Validate(); err != nil {
			return fmt.Errorf("exporter.kubernetes.resources: resource %d: %w", i+1, err)
		}
	}
	return nil
}

// election is nil where one exporter is all there is.
func (k kubernetesSettings) election() *kube.Election {
	lease := k.Lease
	if lease == "" {
		b, err := os.ReadFile(podNamespace)
		if err != nil {
			return nil
		}
		lease = strings.TrimSpace(string(b)) + "/" + leaseName
	}
	namespace, name, _ := strings.Cut(lease, "/")
	return &kube.Election{Namespace: namespace, Name: name, Identity: fmt.Sprintf("%s_%d", hostName(), os.Getpid())}
}

// watcher adds the cluster to an exporter's configuration.
func (in *installation) watcher(id *pki.Identity, cfg *exporter.Config) (*kube.Watcher, error) {
	s := in.settings.Exporter
	cluster, err := kube.Connect(s.Kubeconfig)
	if err != nil {
		return nil, err
	}
	klog.SetSlogLogger(in.log) // what client-go has to say
	conf, err := in.jetStreamTLS(id)
	if err != nil {
		return nil, err
	}
	cfg.Index = index.New(index.Config{PodLabels: s.Kubernetes.PodLabels})
	w, err := kube.New(kube.Config{
		Cluster: cluster, JetStreamURL: in.jetStreamURL(), JetStreamTLS: conf, Environment: in.settings.Environment, Custom: s.Kubernetes.Resources,
		Election: s.Kubernetes.election(), Index: cfg.Index, Log: in.log,
	})
	if err != nil {
		return nil, err
	}
	cfg.Metrics = w.AppendMetrics
	return w, nil
}

// rules watches the rules that people wrote as objects of the cluster.
func (in *installation) rules(leader *kube.Watcher, filters *filter.Live, ingester string, conf *tls.Config) (*rulewatch.Watcher, error) {
	cluster, err := kube.Connect(in.settings.Exporter.Kubeconfig)
	if err != nil {
		return nil, err
	}
	states, err := rulewatch.DialStates(ingester, conf)
	if err != nil {
		return nil, err
	}
	return rulewatch.New(rulewatch.Config{
		Cluster: cluster, Filters: filters, Leading: func() bool { return leader.Stats().Leading }, States: states.Ask, Log: in.log,
	})
}

var _ runner = (*kube.Watcher)(nil)
