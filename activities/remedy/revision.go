package remedy

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/midwatch/midwatch/activities/action"
)

// revision is one pod template that a workload has had.
type revision struct {
	number   int64
	template map[string]any
}

// rollBack puts the template of an earlier revision in place: the newest before the current one, unless one is named.
func (c *Cluster) rollBack(ctx context.Context, t target, object *unstructured.Unstructured, wanted string) (edit, error) {
	if paused, _, _ := unstructured.NestedBool(object.Object, "spec", "paused"); paused {
		return edit{}, fmt.Errorf("%w: the rollout of %s is paused; resume it first", action.ErrDraft, t)
	}
	revisions, err := c.revisions(ctx, t, object)
	if err != nil {
		return edit{}, err
	}
	slices.SortFunc(revisions, func(a, b revision) int { return cmp.Compare(b.number, a.number) })
	if len(revisions) < 2 {
		return edit{}, fmt.Errorf("%w: %s has no earlier revision", action.ErrDraft, t)
	}
	current, to := revisions[0], revisions[1]
	if wanted != "" {
		i := slices.IndexFunc(revisions, func(r revision) bool { return strconv.FormatInt(r.number, 10) == wanted })
		if i < 0 {
			return edit{}, fmt.Errorf("%w: %s has no revision %s", action.ErrDraft, t, wanted)
		}
		to = revisions[i]
	}
	return edit{
		fmt.Sprintf("roll back %s from revision %d to %d", t, current.number, to.number),
		[]operation{{"replace", "/spec/template", to.template}},
	}, nil
}

// revisions are in no order. A Deployment's are its ReplicaSets, the others' are ControllerRevisions.
func (c *Cluster) revisions(ctx context.Context, t target, object *unstructured.Unstructured) ([]revision, error) {
	resource, read := apps("controllerrevisions"), fromControllerRevision
	if t.kind == "deployment" {
		resource, read = apps("replicasets"), fromReplicaSet
	}
	selector, err := selectorOf(object)
	if err != nil {
		return nil, fmt.Errorf("read the selector of %s: %w", t, err)
	}
	var out []revision
	err = c.each(ctx, resource, t.namespace, selector, func(item *unstructured.Unstructured) error {
		if owner := metav1.GetControllerOfNoCopy(item); owner == nil || owner.UID != object.GetUID() {
			return nil
		}
		if r, ok := read(item); ok {
			out = append(out, r)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the revisions of %s: %w", t, err)
	}
	return out, nil
}

func fromReplicaSet(rs *unstructured.Unstructured) (revision, bool) {
	number, err := strconv.ParseInt(rs.GetAnnotations()["deployment.kubernetes.io/revision"], 10, 64)
	template, found, _ := unstructured.NestedMap(rs.Object, "spec", "template")
	if err != nil || !found {
		return revision{}, false
	}
	unstructured.RemoveNestedField(template, "metadata", "labels", "pod-template-hash")
	return revision{number, template}, true
}

// fromControllerRevision reads the patch that one holds, which replaces the template.
func fromControllerRevision(cr *unstructured.Unstructured) (revision, bool) {
	number, found, err := unstructured.NestedInt64(cr.Object, "revision")
	if err != nil || !found {
		return revision{}, false
	}
	template, found, _ := unstructured.NestedMap(cr.Object, "data", "spec", "template")
	delete(template, "$patch")
	return revision{number, template}, found
}
