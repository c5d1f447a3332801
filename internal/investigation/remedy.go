package investigation

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Kinds of action that change a Kubernetes cluster. They need no named action in the configuration: Remedies makes them, when
// an administrator allows them.
const (
	RollbackWorkload ActionKind = "kubernetes_rollback"  // parameters workload and, if it is not the one before, revision
	ScaleWorkload    ActionKind = "kubernetes_scale"     // parameters workload, replicas
	RestartWorkload  ActionKind = "kubernetes_restart"   // parameter workload
	ResizeContainer  ActionKind = "kubernetes_resources" // parameters workload, container, and the requests and limits to set
	CordonNode       ActionKind = "kubernetes_cordon"    // parameter node: no new pods
	UncordonNode     ActionKind = "kubernetes_uncordon"  // parameter node: new pods again
)

// Types of parameters of remedies.
const (
	WorkloadParameter ParameterType = "workload" // namespace/kind/name: shop/deployment/checkout; Allowed lists namespaces
	NodeParameter     ParameterType = "node"     // name of a node
	NameParameter     ParameterType = "name"     // of a container
	CountParameter    ParameterType = "count"    // a whole number, 0 to 10000
	QuantityParameter ParameterType = "quantity" // as Kubernetes writes them: 512Mi, 250m
)

// Remedies are the actions that change a cluster, for an installation that allows them.
type Remedies struct {
	Kinds      []ActionKind `yaml:"kinds"`      // empty: none
	Namespaces []string     `yaml:"namespaces"` // whose workloads may be changed; empty: all
}

// remedies are all there are, in the order in which the configuration documents them.
var remedies = []Action{
	{Kind: RollbackWorkload, Description: "Take a Deployment, StatefulSet or DaemonSet back to its previous revision, or to one that is named", Parameters: []Parameter{
		{Name: "workload", Type: WorkloadParameter}, {Name: "revision", Type: CountParameter, Optional: true},
	}},
	{Kind: ScaleWorkload, Description: "Set the number of replicas of a Deployment or StatefulSet that no autoscaler owns", Parameters: []Parameter{
		{Name: "workload", Type: WorkloadParameter}, {Name: "replicas", Type: CountParameter},
	}},
	{Kind: RestartWorkload, Description: "Replace the pods of a workload, a few at a time, as its strategy says", Parameters: []Parameter{{Name: "workload", Type: WorkloadParameter}}},
	{Kind: ResizeContainer, Description: "Set requests and limits of a container", Parameters: []Parameter{
		{Name: "workload", Type: WorkloadParameter},
		{Name: "container", Type: NameParameter},
		{Name: "memory_limit", Type: QuantityParameter, Optional: true},
		{Name: "memory_request", Type: QuantityParameter, Optional: true},
		{Name: "cpu_limit", Type: QuantityParameter, Optional: true},
		{Name: "cpu_request", Type: QuantityParameter, Optional: true},
	}},
	{Kind: CordonNode, Description: "Let no new pods onto a node; those on it stay", Parameters: []Parameter{{Name: "node", Type: NodeParameter}}},
	{Kind: UncordonNode, Description: "Let new pods onto a node again", Parameters: []Parameter{{Name: "node", Type: NodeParameter}}},
}

// IsRemedy tells whether an action of this kind changes a cluster.
func (k ActionKind) IsRemedy() bool {
	return slices.ContainsFunc(remedies, func(a Action) bool { return a.Kind == k })
}

// Validate says what is wrong with the settings and what to do.
func (r Remedies) Validate() error {
	for _, k := range r.Kinds {
		if !k.IsRemedy() {
			return fmt.Errorf("%q is no remedy; there are %v", k, remedyKinds())
		}
	}
	return nil
}

func remedyKinds() []ActionKind {
	kinds := make([]ActionKind, len(remedies))
	for i, a := range remedies {
		kinds[i] = a.Kind
	}
	return kinds
}

// Actions are the allowed remedies as named actions, each named after its kind.
func (r Remedies) Actions() []Action {
	var out []Action
	for _, a := range remedies {
		if !slices.Contains(r.Kinds, a.Kind) {
			continue
		}
		a.Name, a.Parameters = string(a.Kind), slices.Clone(a.Parameters)
		for i := range a.Parameters {
			if a.Parameters[i].Type == WorkloadParameter {
				a.Parameters[i].Allowed = r.Namespaces
			}
		}
		out = append(out, a)
	}
	return out
}

// ClusterChange is exactly one change of one Kubernetes object, computed from the object as it was and shown as what the API
// server's dry run made of it.
type ClusterChange struct {
	Resource  string `json:"resource"` // group/version/resource, the core group as "": /v1/nodes, apps/v1/deployments
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	UID       string `json:"uid"`
	// Spec is the hex SHA-256 of what was reviewed of the object, as package remedy makes it: another one is not changed.
	Spec  string          `json:"spec"`
	Made  string          `json:"made,omitempty"`  // likewise, of what the dry run made of it
	Patch json.RawMessage `json:"patch,omitempty"` // RFC 6902, with credentials in the clear: it leaves the metadata store for the apply role alone
	Diff  string          `json:"diff"`            // of the specification, unified, as YAML; what looks like a credential is hidden
}
