package rulewatch

import (
	"context"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

const (
	conditionAccepted = "Accepted"
	fieldManager      = "midwatch-exporter"
	writeTimeout      = 10 * time.Second
	maxMessage        = 1000 // bytes
)

// written is a condition that was written to an object, which the watch may not show yet.
type written struct {
	condition metav1.Condition
	at        time.Time
}

// tell writes what is to be told into the statuses that say otherwise.
func (w *Watcher) tell(ctx context.Context, all []verdict) {
	there := make(map[string]written, len(all))
	for _, v := range all {
		uid := string(v.object.GetUID())
		want, now := v.condition(time.Now()), w.written[uid]
		shown, has := accepted(v.object)
		switch {
		case has && same(shown, want):
		case same(now.condition, want) && time.Since(now.at) < 2*statusEvery:
			there[uid] = now
		default:
			if has && shown.Status == want.Status {
				want.LastTransitionTime = shown.LastTransitionTime
			}
			if err := w.write(ctx, v, want); err != nil && ctx.Err() == nil {
				w.cfg.Log.Warn("write the status of a rule; trying again", "kind", v.kind.name, "name", v.object.GetName(), "error", err)
			} else {
				there[uid] = written{want, time.Now()}
			}
		}
	}
	w.written = there
}

func (v verdict) condition(now time.Time) metav1.Condition {
	c := metav1.Condition{
		Type: conditionAccepted, Status: metav1.ConditionTrue, Reason: v.reason, Message: strings.ToValidUTF8(v.message[:min(len(v.message), maxMessage)], ""),
		ObservedGeneration: v.object.GetGeneration(), LastTransitionTime: metav1.NewTime(now.UTC().Truncate(time.Second)),
	}
	if v.reason != reasonValid {
		c.Status = metav1.ConditionFalse
	}
	return c
}

// same tells whether two conditions say the same.
func same(a, b metav1.Condition) bool {
	return a.Status == b.Status && a.Reason == b.Reason && a.Message == b.Message && a.ObservedGeneration == b.ObservedGeneration
}

// accepted is the condition that an object shows.
func accepted(o *unstructured.Unstructured) (c metav1.Condition, has bool) {
	list, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, x := range list {
		m, ok := x.(map[string]any)
		if !ok || m["type"] != conditionAccepted {
			continue
		}
		if runtime.DefaultUnstructuredConverter.FromUnstructured(m, &c) == nil {
			return c, true
		}
	}
	return c, false
}

// write applies a condition; an object that is gone, or another of its name, needs none.
func (w *Watcher) write(ctx context.Context, v verdict, c metav1.Condition) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	condition, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&c)
	if err != nil {
		return err
	}
	o := &unstructured.Unstructured{Object: map[string]any{"status": map[string]any{"conditions": []any{condition}}}}
	o.SetAPIVersion(v.kind.resource.GroupVersion().String())
	o.SetKind(v.kind.name)
	o.SetNamespace(v.object.GetNamespace())
	o.SetName(v.object.GetName())
	o.SetUID(v.object.GetUID())
	_, err = w.client.Resource(v.kind.resource).Namespace(v.object.GetNamespace()).
		ApplyStatus(ctx, v.object.GetName(), o, metav1.ApplyOptions{FieldManager: fieldManager, Force: true})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}
