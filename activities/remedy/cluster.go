// Package remedy changes a Kubernetes cluster in the few ways an administrator may allow: take a workload back to an earlier
// revision, scale it, restart it, set a container's requests and limits, keep new pods off a node.
//
// A change is computed from the object as it is and shown as what the API server's dry run makes of it. It is applied only if the
// object's specification is still the one that was reviewed, and carries the id of its fix, so that it is never applied twice.
package remedy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/midwatch/midwatch/activities/action"
	"github.com/midwatch/midwatch/internal/investigation"
)

var (
	// ErrChanged means the object is no longer what was reviewed.
	ErrChanged = errors.New("the object was changed since the fix was prepared; investigate again")
	// ErrRefused means the API server does not do it, now and later.
	ErrRefused = errors.New("the API server refused")
	// ErrUnclear means the object says that the fix was applied, and looks otherwise: that is for a person to find out.
	ErrUnclear = errors.New("it carries the mark of this fix and is not what the fix was to make of it")
)

const (
	// FixAnnotation of a changed object is the id of the fix that changed it last.
	FixAnnotation = "midwatch.dev/fix"
	// manager is Midwatch's name in an object's managed fields.
	manager = "midwatch-apply"
	// timeout bounds one request to the API server.
	timeout = 15 * time.Second
	// conflicts is how often a patch is tried anew after the API server gave up.
	conflicts = 5
)

// Cluster is one Kubernetes cluster and the right to change it. Safe for concurrent use.
type Cluster struct{ client dynamic.Interface }

// Open connects by a kubeconfig file or, with an empty path, by the service account of the pod it runs in. It makes no request.
func Open(kubeconfig string) (*Cluster, error) {
	conf, err := config(kubeconfig)
	if err != nil {
		return nil, err
	}
	conf.Timeout, conf.UserAgent = timeout, manager
	client, err := dynamic.NewForConfig(conf)
	if err != nil {
		return nil, fmt.Errorf("use the cluster's configuration: %w", err)
	}
	return &Cluster{client}, nil
}

func config(kubeconfig string) (*rest.Config, error) {
	if kubeconfig == "" {
		conf, err := rest.InClusterConfig()
		if err != nil {
			return nil, fmt.Errorf("remedies need a kubeconfig, or to run in a pod: %w", err)
		}
		return conf, nil
	}
	conf, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read kubeconfig %s: %w", kubeconfig, err)
	}
	return conf, nil
}

// Prepare computes a change and what it would make of the object. An error that wraps action.ErrDraft is about the draft: it will
// never fit. at is when the fix was proposed; a restart carries it.
func (c *Cluster) Prepare(ctx context.Context, kind investigation.ActionKind, parameters map[string]string, at time.Time) (Planned, error) {
	t, err := targetOf(kind, parameters)
	if err != nil {
		return Planned{}, err
	}
	object, err := c.resource(t.resource, t.namespace).Get(ctx, t.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return Planned{}, fmt.Errorf("%w: %s is not there", action.ErrDraft, t)
	}
	if err != nil {
		return Planned{}, lacking("get", t.resource, fmt.Errorf("read %s: %w", t, err))
	}
	e, err := c.edit(ctx, kind, t, object, parameters, at)
	if err != nil {
		return Planned{}, err
	}
	patch, err := json.Marshal(e.operations)
	if err != nil {
		return Planned{}, err
	}
	change := investigation.ClusterChange{
		Resource: resourceName(t.resource), Namespace: t.namespace, Name: t.name, UID: string(object.GetUID()), Spec: digest(object, e.operations), Patch: patch,
	}
	dry, err := c.patch(ctx, change, object, "", true)
	if apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) {
		return Planned{}, fmt.Errorf("%w: the API server would refuse it: %w", action.ErrDraft, err)
	}
	if err != nil {
		return Planned{}, lacking("patch", t.resource, fmt.Errorf("try the change of %s: %w", t, err))
	}
	change.Made = digest(dry, e.operations)
	if change.Diff, err = diff(object, dry); err != nil {
		return Planned{}, err
	}
	if change.Diff == "" || change.Made == change.Spec { // a taint that came meanwhile is not of this change
		return Planned{}, fmt.Errorf("%w: it would change nothing of %s", action.ErrDraft, t)
	}
	return Planned{Summary: e.summary, Change: change}, nil
}

// Planned is a change that could be applied.
type Planned struct {
	Summary string // one line: roll back deployment shop/checkout from revision 4 to 3
	Change  investigation.ClusterChange
}

// Apply makes the change, once: called again for the same fix it only says so. ErrChanged is that the object is another one, or
// its specification is, than was reviewed. After an error that is neither that nor ErrRefused nor ErrUnclear nobody knows: call it again.
func (c *Cluster) Apply(ctx context.Context, fix string, change investigation.ClusterChange) (string, error) {
	resource, err := parseResource(change.Resource)
	if err != nil {
		return "", err
	}
	name := path.Join(change.Namespace, change.Name)
	object, made, err := c.reviewed(ctx, resource, fix, change)
	for range conflicts {
		if err != nil {
			return "", err
		}
		if made {
			return fmt.Sprintf("%s %s was changed by this fix", resource.Resource, name), nil
		}
		done, failure := c.patch(ctx, change, object, fix, false)
		if failure == nil {
			return fmt.Sprintf("%s %s is now at generation %d, resource version %s", resource.Resource, name, done.GetGeneration(), done.GetResourceVersion()), nil
		}
		if !apierrors.IsConflict(failure) && !refused(failure) {
			return "", fmt.Errorf("change %s %s: %w", resource.Resource, name, failure)
		}
		before := object
		object, made, err = c.reviewed(ctx, resource, fix, change)
		// A conflict is that the API server itself gave up on an object that is written to all the time. What others own may have moved, too.
		if err == nil && !made && !apierrors.IsConflict(failure) && holds(before, object) {
			return "", fmt.Errorf("change %s %s: %w: %w", resource.Resource, name, ErrRefused, failure)
		}
	}
	if err != nil {
		return "", err
	}
	return "", fmt.Errorf("change %s %s: it is written to all the time; %d tries met another version", resource.Resource, name, conflicts)
}

// Applied tells whether the object is what a fix made of it. It changes nothing. ErrUnclear is that the object says so and looks
// otherwise.
func (c *Cluster) Applied(ctx context.Context, fix string, change investigation.ClusterChange) (bool, error) {
	resource, err := parseResource(change.Resource)
	if err != nil {
		return false, err
	}
	_, made, err := c.reviewed(ctx, resource, fix, change)
	if errors.Is(err, ErrChanged) {
		return false, nil
	}
	return made, err
}

// refused tells whether the API server answered that it will not, rather than that it could not now.
func refused(err error) bool {
	return apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) || apierrors.IsMethodNotSupported(err)
}

// patch sends a change, for exactly the specification that object has and with the fix that it is of, or tries it dry.
func (c *Cluster) patch(ctx context.Context, change investigation.ClusterChange, object *unstructured.Unstructured, fix string, dry bool) (*unstructured.Unstructured, error) {
	operations, err := operationsOf(change)
	if err != nil {
		return nil, err
	}
	if !dry {
		operations = slices.Concat(same(object), operations, annotate(object, FixAnnotation, fix))
	}
	body, err := json.Marshal(operations)
	if err != nil {
		return nil, err
	}
	options := metav1.PatchOptions{FieldManager: manager}
	if dry {
		options.DryRun = []string{metav1.DryRunAll}
	}
	resource, err := parseResource(change.Resource)
	if err != nil {
		return nil, err
	}
	return c.resource(resource, change.Namespace).Patch(ctx, change.Name, types.JSONPatchType, body, options)
}

func (c *Cluster) resource(r schema.GroupVersionResource, namespace string) dynamic.ResourceInterface {
	if namespace == "" {
		return c.client.Resource(r)
	}
	return c.client.Resource(r).Namespace(namespace)
}
