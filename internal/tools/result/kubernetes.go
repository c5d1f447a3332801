package result

import (
	"encoding/json"
	"time"
)

// Reach says how far back a result can know. It is part of each result about the past of a cluster.
type Reach struct {
	// WatchedSince is when the watching of the cluster began; it is set when the question reaches back before that. Of before is known only
	// what was still as it had been when the watching began.
	WatchedSince time.Time `json:"watched_since,omitzero"`
}

// KubernetesObjects is the result of kubernetes_list: what was there at a moment, what needs attention first, then by namespace and name.
type KubernetesObjects struct {
	Reach
	At        time.Time          `json:"at"`
	Kind      string             `json:"kind"`
	Objects   []KubernetesObject `json:"objects"`
	Unhealthy int                `json:"unhealthy"` // how many of all that match are not as they should be
	Omitted   int                `json:"omitted"`   // objects that match and are not listed
}

// KubernetesObject is one of them with the columns that kubectl shows; what its kind has not is empty.
type KubernetesObject struct {
	Namespace string   `json:"namespace"`
	Name      string   `json:"name"`
	Status    string   `json:"status"`   // CrashLoopBackOff, Progressing, NotReady, Bound
	Ready     string   `json:"ready"`    // 1/2
	Restarts  int      `json:"restarts"` // of a pod's containers
	AgeS      float64  `json:"age_s"`
	Node      string   `json:"node"`
	IP        string   `json:"ip"`
	Images    []string `json:"images"`
	Workload  string   `json:"workload"` // kind/name of the topmost controller
	Unhealthy bool     `json:"unhealthy"`
	Message   string   `json:"message"` // why a pod has no node, a rollout no progress, a node is not ready; "" when the object does not tell
	// Containers of a pod that is not well or was restarted; of at most 20 pods of a list.
	Containers []KubernetesContainer `json:"containers"`
	UID        string                `json:"uid"`
	Version    string                `json:"resource_version"`
	Since      time.Time             `json:"since"` // when it became as it is, or was last told again
}

// KubernetesContainer is one container of a pod, as it is and as it ended last.
type KubernetesContainer struct {
	Name        string `json:"name"`
	Image       string `json:"image"`
	Ready       bool   `json:"ready"`
	Restarts    int    `json:"restarts"`
	State       string `json:"state"`   // running, terminated, or why it waits: CrashLoopBackOff, ImagePullBackOff
	Message     string `json:"message"` // of the state
	Ended       string `json:"ended"`   // how it ended last: OOMKilled, Error, Completed; "" if it never did
	ExitCode    int    `json:"exit_code"`
	MemoryLimit string `json:"memory_limit"` // as it is written: 64Mi; "" without
	CPULimit    string `json:"cpu_limit"`
	Readiness   string `json:"readiness"` // what the probe asks: GET :8080/healthz; "none"
	Liveness    string `json:"liveness"`
}

// KubernetesVersion is the result of kubernetes_get: one object as it was at a moment.
type KubernetesVersion struct {
	Reach
	At       time.Time        `json:"at"`
	Object   KubernetesObject `json:"object"`
	Actor    string           `json:"actor"`    // field manager of the change that made it so
	Manifest json.RawMessage  `json:"manifest"` // JSON; null when YAML was asked for
	YAML     string           `json:"yaml"`
}

// KubernetesHistory is the result of kubernetes_history, the oldest version first.
type KubernetesHistory struct {
	Reach
	Versions []KubernetesChange `json:"versions"`
	Omitted  int                `json:"omitted"` // older ones that are not listed
}

// KubernetesChange is one version of an object and what it changed.
type KubernetesChange struct {
	Time        time.Time              `json:"time"`
	Action      string                 `json:"action"` // added, modified, deleted
	Actor       string                 `json:"actor"`  // field manager; "" when the object does not tell
	UID         string                 `json:"uid"`
	Version     string                 `json:"resource_version"`
	Status      string                 `json:"status"`
	Differences []KubernetesDifference `json:"differences"`
	Omitted     int                    `json:"omitted"` // differences that are not listed
	StatusAlone bool                   `json:"status_alone,omitempty"`
	// Folded is how many versions of status alone, one after the other, this stands for when they were asked to be folded: the first at Time, the
	// last at Until, Statuses one after the other, actor and status of the last, no differences.
	Folded   int       `json:"folded,omitempty"`
	Until    time.Time `json:"until,omitzero"`
	Statuses []string  `json:"statuses,omitempty"`
}

// KubernetesDifference is one place in which two versions differ; what is not there is "". Two masks that are equal hide values that are not.
type KubernetesDifference struct {
	Path   string `json:"path"` // /spec/template/spec/containers/api/image
	Before string `json:"before"`
	After  string `json:"after"`
	Lines  string `json:"lines,omitempty"` // of texts of several lines: those that differ, as a unified diff
}

// KubernetesDiff is the result of kubernetes_diff: what differs in more than status first, then what changed last.
type KubernetesDiff struct {
	Reach
	Kind    string            `json:"kind"`
	Objects []KubernetesMoved `json:"objects"`
	Omitted int               `json:"omitted"`
}

// KubernetesMoved is an object that differs between two moments.
type KubernetesMoved struct {
	Namespace   string                 `json:"namespace"`
	Name        string                 `json:"name"`
	UID         string                 `json:"uid"`
	Workload    string                 `json:"workload"`
	Action      string                 `json:"action"` // added, modified, deleted
	Actor       string                 `json:"actor"`  // of the last change; of one of status alone only if nothing else changed
	Actors      []string               `json:"actors"` // all who changed more than status, the last first; else Actor
	Since       time.Time              `json:"since"`  // that change
	StatusAlone bool                   `json:"status_alone,omitempty"`
	Reverted    bool                   `json:"reverted,omitempty"` // more than status changed, and is again as it was
	Differences []KubernetesDifference `json:"differences"`
	Omitted     int                    `json:"omitted"`
}

// KubernetesEvents is the result of kubernetes_events: Events that say the same of the same, what there is most of first, warnings before others.
type KubernetesEvents struct {
	Reach
	Events  []KubernetesEvent `json:"events"`
	Omitted int               `json:"omitted"`
}

// KubernetesEvent is such Events together.
type KubernetesEvent struct {
	Namespace string    `json:"namespace"`
	Workload  string    `json:"workload"` // kind/name; of what belongs to none, of the object itself
	Kind      string    `json:"kind"`     // of the objects
	Objects   []string  `json:"objects"`  // names, at most 5
	Reason    string    `json:"reason"`
	Type      string    `json:"type"` // Normal, Warning
	Count     uint64    `json:"count"`
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
	Note      string    `json:"note"` // the latest
}

// ServicePods is the result of service_pods: what was behind a Service at a moment, as its EndpointSlices told.
type ServicePods struct {
	Reach
	At       time.Time    `json:"at"`
	Exists   bool         `json:"exists"` // the Service was there
	Type     string       `json:"type"`
	Address  string       `json:"address"` // its cluster address
	Pods     []ServicePod `json:"pods"`    // those that are not ready first, then by name
	Ready    int          `json:"ready"`
	NotReady int          `json:"not_ready"`
}

// ServicePod is one endpoint of a Service.
type ServicePod struct {
	Name        string   `json:"name"` // of the pod; "" for an address that is none's
	Namespace   string   `json:"namespace"`
	Addresses   []string `json:"addresses"`
	Ports       []string `json:"ports"` // http:8080/TCP
	Ready       bool     `json:"ready"` // gets requests
	Terminating bool     `json:"terminating"`
	Node        string   `json:"node"`
	Status      string   `json:"status"` // of the pod
	Restarts    int      `json:"restarts"`
	Workload    string   `json:"workload"`
}
