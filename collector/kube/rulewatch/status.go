package rulewatch

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/midwatch/midwatch/collector/kube/api"
)

const (
	conditionAccepted = "Accepted"
	fieldManager      = "midwatch-exporter"
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
		uid := v.object.Metadata.UID
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
				w.cfg.Log.Warn("write the status of a rule; trying again", "kind", v.kind.resource.Kind, "name", v.object.Metadata.Name, "error", err)
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
		ObservedGeneration: v.object.Metadata.Generation, LastTransitionTime: metav1.NewTime(now.UTC().Truncate(time.Second)),
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
func accepted(o object) (c metav1.Condition, has bool) {
	i := slices.IndexFunc(o.Status.Conditions, func(c metav1.Condition) bool { return c.Type == conditionAccepted })
	if i < 0 {
		return c, false
	}
	return o.Status.Conditions[i], true
}

// write applies a condition; an object that is gone, or another of its name, needs none.
func (w *Watcher) write(ctx context.Context, v verdict, c metav1.Condition) error {
	m := v.object.Metadata
	err := w.client.ApplyStatus(ctx, v.kind.resource, m.Namespace, m.Name, fieldManager, map[string]any{
		"apiVersion": v.kind.resource.APIVersion(), "kind": v.kind.resource.Kind,
		"metadata": map[string]any{"name": m.Name, "namespace": m.Namespace, "uid": m.UID},
		"status":   map[string]any{"conditions": []metav1.Condition{c}},
	})
	var answer *api.StatusError
	if errors.As(err, &answer) && (answer.Code == http.StatusNotFound || answer.Code == http.StatusConflict) {
		return nil
	}
	return err
}
