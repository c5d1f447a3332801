package result

import (
	"encoding/json"
	"time"
)

// KubernetesObjects is the result of kubernetes_list: what was there at a moment, what needs attention first, then by namespace and name.
type KubernetesObjects struct {
	At        time.Time          `json:"at"`
	Kind      string             `json:"kind"`
	Objects   []KubernetesObject `json:"objects"`
	Unhealthy int                `json:"unhealthy"` // how many of all that match are not as they should be
	Omitted   int                `json:"omitted"`   // objects that match and are not listed
}

// KubernetesObject is one of them with the columns that kubectl shows; what its kind has not is empty.
type KubernetesObject struct {
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	Status    string    `json:"status"`   // CrashLoopBackOff, Progressing, NotReady, Bound
	Ready     string    `json:"ready"`    // 1/2
	Restarts  int       `json:"restarts"` // of a pod's containers
	AgeS      float64   `json:"age_s"`
	Node      string    `json:"node"`
	IP        string    `json:"ip"`
	Images    []string  `json:"images"`
	Workload  string    `json:"workload"` // kind/name of the topmost controller
	Unhealthy bool      `json:"unhealthy"`
	UID       string    `json:"uid"`
	Version   string    `json:"resource_version"`
	Since     time.Time `json:"since"` // when it became as it is, or was last told again
}

// KubernetesVersion is the result of kubernetes_get: one object as it was at a moment.
type KubernetesVersion struct {
	At       time.Time        `json:"at"`
	Object   KubernetesObject `json:"object"`
	Actor    string           `json:"actor"`    // field manager of the change that made it so
	Manifest json.RawMessage  `json:"manifest"` // JSON; null when YAML was asked for
	YAML     string           `json:"yaml"`
}
