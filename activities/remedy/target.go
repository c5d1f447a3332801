package remedy

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/midwatch/midwatch/activities/action"
	"github.com/midwatch/midwatch/internal/investigation"
)

// target is the object that a change is about.
type target struct {
	kind      string // as in telemetry.K8sWorkload: deployment
	resource  schema.GroupVersionResource
	namespace string // "" of a node
	name      string
}

func (t target) String() string {
	if t.namespace == "" {
		return t.kind + " " + t.name
	}
	return fmt.Sprintf("%s %s/%s", t.kind, t.namespace, t.name)
}

var (
	nodes = schema.GroupVersionResource{Version: "v1", Resource: "nodes"}
	// workloads are the kinds whose pods follow from a template with revisions.
	workloads = map[string]schema.GroupVersionResource{
		"deployment":  apps("deployments"),
		"statefulset": apps("statefulsets"),
		"daemonset":   apps("daemonsets"),
	}
)

func apps(resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: resource}
}

func targetOf(kind investigation.ActionKind, parameters map[string]string) (target, error) {
	if kind == investigation.CordonNode || kind == investigation.UncordonNode {
		return target{kind: "node", resource: nodes, name: parameters["node"]}, nil
	}
	parts := strings.Split(parameters["workload"], "/")
	if len(parts) != 3 {
		return target{}, fmt.Errorf("%w: %q is not namespace/kind/name", action.ErrDraft, parameters["workload"])
	}
	resource, ok := workloads[parts[1]]
	if !ok {
		return target{}, fmt.Errorf("%w: a %s cannot be changed; a deployment, statefulset or daemonset can", action.ErrDraft, parts[1])
	}
	return target{kind: parts[1], resource: resource, namespace: parts[0], name: parts[2]}, nil
}

func resourceName(r schema.GroupVersionResource) string {
	return r.Group + "/" + r.Version + "/" + r.Resource
}

func parseResource(name string) (schema.GroupVersionResource, error) {
	parts := strings.Split(name, "/")
	if len(parts) != 3 {
		return schema.GroupVersionResource{}, fmt.Errorf("%w: %q is no resource", action.ErrDraft, name)
	}
	return schema.GroupVersionResource{Group: parts[0], Version: parts[1], Resource: parts[2]}, nil
}
