package result

import "time"

// Changes is the result of recent_changes, each list oldest first.
type Changes struct {
	Deployments []Deployment `json:"deployments"`
	Starts      []Lifecycle  `json:"starts"`
	Exits       []Lifecycle  `json:"exits"`
	OOMKills    []Lifecycle  `json:"oom_kills"`
	// Cluster are changes of a Kubernetes cluster that are no deployment of a service: scaling, nodes, quotas, networks.
	Cluster []Deployment `json:"cluster_changes"`
}

// Deployment is a service's process started with something new, its configuration changed, or its workload was rolled out anew.
type Deployment struct {
	Time    time.Time `json:"time"`
	Service string    `json:"service"`
	Kind    string    `json:"kind"` // executable, image, arguments, configuration, …: the values of midwatch.change.kind
	Before  string    `json:"before"`
	After   string    `json:"after"`
	Detail  string    `json:"detail"` // unified diff
	File    string    `json:"file"`
	// Of a change in a Kubernetes cluster:
	Actor     string `json:"actor,omitempty"`     // field manager: kubectl, helm
	Namespace string `json:"namespace,omitempty"` // of the object
	Object    string `json:"object,omitempty"`    // what changed: Deployment/checkout, ConfigMap/settings
	Workload  string `json:"workload,omitempty"`  // kind/name, as deployment/checkout
}

// Lifecycle is a process that started, exited or was killed for want of memory.
type Lifecycle struct {
	Time       time.Time `json:"time"`
	Service    string    `json:"service"`
	Instance   string    `json:"instance"`
	PID        string    `json:"pid"`
	Executable string    `json:"executable"`
	ExitCode   string    `json:"exit_code,omitempty"`
	Signal     string    `json:"signal,omitempty"`
	Detail     string    `json:"detail"`
}
