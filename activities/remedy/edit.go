package remedy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/midwatch/midwatch/activities/action"
	"github.com/midwatch/midwatch/internal/investigation"
)

// operation is one of RFC 6902.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// What remedies set that is not a pod template.
const (
	replicas      = "/spec/replicas"
	unschedulable = "/spec/unschedulable"
)

// edit is what a remedy does to an object.
type edit struct {
	summary    string
	operations []operation
}

func (c *Cluster) edit(ctx context.Context, kind investigation.ActionKind, t target, object *unstructured.Unstructured, parameters map[string]string, at time.Time) (edit, error) {
	switch kind {
	case investigation.RollbackWorkload:
		return c.rollBack(ctx, t, object, parameters["revision"])
	case investigation.ScaleWorkload:
		return c.scale(ctx, t, object, parameters["replicas"])
	case investigation.RestartWorkload:
		return restart(t, object, at), nil
	case investigation.ResizeContainer:
		return resize(t, object, parameters)
	case investigation.CordonNode, investigation.UncordonNode:
		return cordon(t, kind == investigation.CordonNode), nil
	}
	return edit{}, fmt.Errorf("%w: %s is no remedy", action.ErrDraft, kind)
}

func cordon(t target, off bool) edit {
	if off {
		return edit{"let no new pods onto " + t.String(), []operation{{"add", unschedulable, true}}}
	}
	return edit{"let new pods onto " + t.String(), []operation{{"add", unschedulable, false}}}
}

// restartedAt is the annotation that kubectl sets, so that both tools' restarts look alike.
const restartedAt = "kubectl.kubernetes.io/restartedAt"

func restart(t target, object *unstructured.Unstructured, at time.Time) edit {
	path := "/spec/template/metadata/annotations"
	annotations, found, _ := unstructured.NestedStringMap(object.Object, "spec", "template", "metadata", "annotations")
	e := edit{summary: "restart " + t.String()}
	if !found || annotations == nil {
		e.operations = append(e.operations, operation{"add", path, map[string]string{}})
	}
	e.operations = append(e.operations, operation{"add", path + "/" + escape(restartedAt), at.UTC().Format(time.RFC3339)})
	return e
}

var autoscalers = schema.GroupVersionResource{Group: "autoscaling", Version: "v2", Resource: "horizontalpodautoscalers"}

func (c *Cluster) scale(ctx context.Context, t target, object *unstructured.Unstructured, wanted string) (edit, error) {
	n, err := strconv.ParseInt(wanted, 10, 32)
	if err != nil {
		return edit{}, fmt.Errorf("%w: %q is no number of replicas", action.ErrDraft, wanted)
	}
	if t.kind == "daemonset" {
		return edit{}, fmt.Errorf("%w: a daemonset has one pod for each node", action.ErrDraft)
	}
	err = c.each(ctx, autoscalers, t.namespace, "", func(hpa *unstructured.Unstructured) error {
		kind, _, _ := unstructured.NestedString(hpa.Object, "spec", "scaleTargetRef", "kind")
		name, _, _ := unstructured.NestedString(hpa.Object, "spec", "scaleTargetRef", "name")
		if strings.EqualFold(kind, t.kind) && name == t.name {
			return fmt.Errorf("%w: the autoscaler %s sets the replicas of %s; its bounds are what to change", action.ErrDraft, hpa.GetName(), t)
		}
		return nil
	})
	if err != nil {
		return edit{}, fmt.Errorf("look for an autoscaler of %s: %w", t, err)
	}
	now, _, _ := unstructured.NestedInt64(object.Object, "spec", "replicas")
	return edit{fmt.Sprintf("scale %s from %d to %d replicas", t, now, n), []operation{{"replace", replicas, n}}}, nil
}

// sizes are the parameters of a resize and where they go.
var sizes = map[string][2]string{
	"memory_limit": {"limits", "memory"}, "memory_request": {"requests", "memory"}, "cpu_limit": {"limits", "cpu"}, "cpu_request": {"requests", "cpu"},
}

func resize(t target, object *unstructured.Unstructured, parameters map[string]string) (edit, error) {
	containers, _, err := unstructured.NestedSlice(object.Object, "spec", "template", "spec", "containers")
	if err != nil {
		return edit{}, fmt.Errorf("read the containers of %s: %w", t, err)
	}
	name := parameters["container"]
	i := slices.IndexFunc(containers, func(c any) bool { m, _ := c.(map[string]any); return m["name"] == name })
	if i < 0 {
		return edit{}, fmt.Errorf("%w: %s has no container %s", action.ErrDraft, t, name)
	}
	container := containers[i].(map[string]any)
	resources, _, _ := unstructured.NestedMap(container, "resources")
	if resources == nil {
		resources = map[string]any{}
	}
	var words []string
	for _, p := range slices.Sorted(maps.Keys(sizes)) {
		if parameters[p] == "" {
			continue
		}
		at := sizes[p]
		before, _, _ := unstructured.NestedFieldNoCopy(resources, at[0], at[1])
		if err := unstructured.SetNestedField(resources, parameters[p], at[0], at[1]); err != nil {
			return edit{}, fmt.Errorf("set %s of %s: %w", p, t, err)
		}
		if before == nil {
			before = "none"
		}
		words = append(words, fmt.Sprintf("%s from %v to %s", strings.ReplaceAll(p, "_", " "), before, parameters[p]))
	}
	if words == nil {
		return edit{}, fmt.Errorf("%w: no request and no limit is named", action.ErrDraft)
	}
	return edit{
		fmt.Sprintf("set %s of container %s of %s", strings.Join(words, ", "), name, t),
		[]operation{{"add", fmt.Sprintf("/spec/template/spec/containers/%d/resources", i), resources}},
	}, nil
}

// annotate sets one annotation of the object itself.
func annotate(object *unstructured.Unstructured, name, value string) []operation {
	set := operation{"add", "/metadata/annotations/" + escape(name), value}
	if object.GetAnnotations() == nil {
		return []operation{{"add", "/metadata/annotations", map[string]string{}}, set}
	}
	return []operation{set}
}

// escape is a name as part of a JSON pointer.
func escape(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }
