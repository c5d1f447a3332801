package remedy

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/midwatch/midwatch/activities/action"
)

// page is how many objects one answer of the API server holds at most: a namespace may have thousands of revisions.
const page = 100

// each calls use for every object that a selector (empty: all) chooses, page by page, until use returns an error.
func (c *Cluster) each(ctx context.Context, resource schema.GroupVersionResource, namespace, selector string, use func(*unstructured.Unstructured) error) error {
	options := metav1.ListOptions{LabelSelector: selector, Limit: page}
	for {
		list, err := c.resource(resource, namespace).List(ctx, options)
		if err != nil {
			return lacking("list", resource, err)
		}
		for i := range list.Items {
			if err := use(&list.Items[i]); err != nil {
				return err
			}
		}
		if options.Continue = list.GetContinue(); options.Continue == "" {
			return nil
		}
	}
}

// selectorOf is a workload's, which its revisions' labels match as its pods' do.
func selectorOf(object *unstructured.Unstructured) (string, error) {
	given, _, err := unstructured.NestedMap(object.Object, "spec", "selector")
	if err != nil {
		return "", err
	}
	var labels metav1.LabelSelector
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(given, &labels); err != nil {
		return "", err
	}
	selector, err := metav1.LabelSelectorAsSelector(&labels)
	if err != nil {
		return "", err
	}
	return selector.String(), nil
}

// lacking makes a missing right a reason why the draft does not fit, so that people read which one it is.
func lacking(verb string, resource schema.GroupVersionResource, err error) error {
	if apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) {
		return fmt.Errorf("%w: the apply role may not %s %s (docs/remedies.md lists the rights): %w", action.ErrDraft, verb, resource.GroupResource(), err)
	}
	return err
}
