package remedy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"reflect"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/midwatch/midwatch/internal/investigation"
)

// digest is the hex SHA-256 of what a change is reviewed against: of a node, whether it takes pods, because its taints come and go with
// its health; of a workload, its specification without the replicas, which an autoscaler moves, unless the change sets them.
func digest(object *unstructured.Unstructured, operations []operation) string {
	spec, _ := object.Object["spec"].(map[string]any)
	sets := func(path string) bool {
		return slices.ContainsFunc(operations, func(o operation) bool { return o.Path == path })
	}
	var reviewed any
	if sets(unschedulable) {
		off, _ := spec["unschedulable"].(bool)
		reviewed = map[string]any{"unschedulable": off}
	} else {
		rest := maps.Clone(spec)
		if !sets(replicas) {
			delete(rest, "replicas")
		}
		reviewed = rest
	}
	b, err := json.Marshal(reviewed) // JSON writes the keys of a map in order
	if err != nil {
		panic(fmt.Sprintf("what was JSON is JSON: %v", err))
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func operationsOf(change investigation.ClusterChange) ([]operation, error) {
	var operations []operation
	if err := json.Unmarshal(change.Patch, &operations); err != nil {
		return nil, fmt.Errorf("read the patch: %w", err)
	}
	return operations, nil
}

// reviewed reads the object of a change, which must be what was reviewed, or, which made tells, what this fix made of it.
func (c *Cluster) reviewed(ctx context.Context, resource schema.GroupVersionResource, fix string, change investigation.ClusterChange) (object *unstructured.Unstructured, made bool, err error) {
	operations, err := operationsOf(change)
	if err != nil {
		return nil, false, err
	}
	name := path.Join(change.Namespace, change.Name)
	object, err = c.resource(resource, change.Namespace).Get(ctx, change.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, false, fmt.Errorf("%w: %s is not there any more", ErrChanged, name)
	case refused(err):
		return nil, false, fmt.Errorf("read %s %s: %w: %w", resource.Resource, name, ErrRefused, err)
	case err != nil:
		return nil, false, fmt.Errorf("read %s %s: %w", resource.Resource, name, err)
	case string(object.GetUID()) != change.UID:
		return nil, false, fmt.Errorf("%w: %s was deleted and made again", ErrChanged, name)
	}
	is := digest(object, operations)
	switch marked := object.GetAnnotations()[FixAnnotation] == fix; {
	case marked && is == change.Made:
		return object, true, nil
	case marked: // whoever may change the object may write a mark, too
		return nil, false, fmt.Errorf("%s: %w", name, ErrUnclear)
	case is != change.Spec:
		return nil, false, fmt.Errorf("%w: the specification of %s is another", ErrChanged, name)
	}
	return object, false, nil
}

// same are the tests by which the API server itself looks, in one step with the change, whether the object is the one that was read. A
// resource version would not do in general: it moves with every word about the object's health. Where there are no annotations yet, it
// must: the change makes the map of them, and would throw away what others wrote into one meanwhile.
func same(object *unstructured.Unstructured) []operation {
	tests := []operation{{"test", "/metadata/uid", string(object.GetUID())}, {"test", "/spec", object.Object["spec"]}}
	if object.GetAnnotations() == nil {
		tests = append(tests, operation{"test", "/metadata/resourceVersion", object.GetResourceVersion()})
	}
	return tests
}

// holds tells whether an object read later would still pass the tests that were made of an earlier one.
func holds(earlier, later *unstructured.Unstructured) bool {
	return reflect.DeepEqual(same(earlier), same(later))
}
