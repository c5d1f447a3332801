package kube

import (
	"errors"

	"github.com/midwatch/midwatch/collector/kube/api"
)

// Kinds are what is watched in every cluster that serves it. Where a resource is served in several versions the first that is served counts.
func Kinds() [][]api.Resource {
	one := func(group, version, name, kind string) []api.Resource {
		return []api.Resource{{Group: group, Version: version, Name: name, Kind: kind}}
	}
	const gateway = "gateway.networking.k8s.io"
	either := func(name, kind string, versions ...string) (out []api.Resource) {
		for _, v := range versions {
			out = append(out, api.Resource{Group: gateway, Version: v, Name: name, Kind: kind})
		}
		return out
	}
	return [][]api.Resource{
		one("", "v1", "namespaces", "Namespace"),
		one("", "v1", "nodes", "Node"),
		one("apps", "v1", "deployments", "Deployment"),
		one("apps", "v1", "replicasets", "ReplicaSet"),
		one("apps", "v1", "statefulsets", "StatefulSet"),
		one("apps", "v1", "daemonsets", "DaemonSet"),
		one("batch", "v1", "jobs", "Job"),
		one("batch", "v1", "cronjobs", "CronJob"),
		one("", "v1", "pods", "Pod"),
		one("", "v1", "services", "Service"),
		one("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"),
		one("networking.k8s.io", "v1", "ingresses", "Ingress"),
		one("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy"),
		either("gateways", "Gateway", "v1", "v1beta1"),
		either("httproutes", "HTTPRoute", "v1", "v1beta1"),
		either("grpcroutes", "GRPCRoute", "v1", "v1alpha2"),
		either("tlsroutes", "TLSRoute", "v1", "v1alpha3", "v1alpha2"),
		either("tcproutes", "TCPRoute", "v1", "v1alpha2"),
		one("", "v1", "configmaps", "ConfigMap"),
		one("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler"),
		one("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget"),
		one("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim"),
		one("", "v1", "persistentvolumes", "PersistentVolume"),
		one("", "v1", "resourcequotas", "ResourceQuota"),
		one("midwatch.dev", "v1alpha1", "alertrules", "AlertRule"),
		one("midwatch.dev", "v1alpha1", "droprules", "DropRule"),
		one("midwatch.dev", "v1alpha1", "redactionrules", "RedactionRule"),
		events,
	}
}

// events are watched like objects but kept like lines of a log: nothing is remembered of one.
var events = []api.Resource{{Version: "v1", Name: "events", Kind: "Event"}}

// indexed are the kinds that the index needs; a replica that does not lead watches these alone.
var indexed = map[string]bool{
	"Pod": true, "Node": true, "Service": true, "EndpointSlice": true, "ReplicaSet": true, "Job": true,
}

// chained are those of them of which the owner is enough.
var chained = map[string]bool{"ReplicaSet": true, "Job": true}

// CustomResource is a resource that the configuration names.
type CustomResource struct {
	Group    string `yaml:"group"`    // argoproj.io
	Version  string `yaml:"version"`  // v1alpha1
	Resource string `yaml:"resource"` // rollouts
	Kind     string `yaml:"kind"`     // Rollout
	Metadata bool   `yaml:"metadata"` // labels, annotations and owners are enough
}

// Validate says what is wrong with it. Secrets are refused.
func (c CustomResource) Validate() error {
	if c.Group == "" || c.Kind == "" {
		return errors.New("group, version, resource and kind are needed")
	}
	return c.resource().Validate()
}

func (c CustomResource) resource() api.Resource {
	return api.Resource{Group: c.Group, Version: c.Version, Name: c.Resource, Kind: c.Kind, Metadata: c.Metadata}
}
