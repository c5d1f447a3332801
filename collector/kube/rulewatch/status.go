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

// written are the conditions that were written to an object, which the watch may not show yet.
type written struct {
	conditions []metav1.Condition
	at         time.Time
}

// tell writes what is to be told into the statuses that say otherwise.
func (w *Watcher) tell(ctx context.Context, all []verdict) {
	there := make(map[string]written, len(all))
	for _, v := range all {
		uid := v.object.Metadata.UID
		want, now := w.conditions(v, time.Now()), w.written[uid]
		shown := v.object.Status.Conditions
		switch {
		case same(shown, want):
		case same(now.conditions, want) && time.Since(now.at) < 2*statusEvery:
			there[uid] = now
		default:
			for i, c := range want {
				if before, has := find(shown, c.Type); has && before.Status == c.Status {
					want[i].LastTransitionTime = before.LastTransitionTime
				}
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

// conditions are what the status of an object is to say.
func (w *Watcher) conditions(v verdict, now time.Time) []metav1.Condition {
	status := metav1.ConditionTrue
	if v.reason != reasonValid {
		status = metav1.ConditionFalse
	}
	all := []metav1.Condition{condition(v.object, conditionAccepted, status, v.reason, v.message, now)}
	if told, ok := w.evaluated(v, now); ok {
		all = append(all, told)
	}
	return all
}

func condition(o object, kind string, status metav1.ConditionStatus, reason, message string, now time.Time) metav1.Condition {
	return metav1.Condition{
		Type: kind, Status: status, Reason: reason, Message: strings.ToValidUTF8(message[:min(len(message), maxMessage)], ""),
		ObservedGeneration: o.Metadata.Generation, LastTransitionTime: metav1.NewTime(now.UTC().Truncate(time.Second)),
	}
}

// same tells whether conditions say the same, those of others apart.
func same(shown, want []metav1.Condition) bool {
	return !slices.ContainsFunc(want, func(w metav1.Condition) bool {
		c, has := find(shown, w.Type)
		return !has || c.Status != w.Status || c.Reason != w.Reason || c.Message != w.Message || c.ObservedGeneration != w.ObservedGeneration
	})
}

// find is a condition by its type.
func find(all []metav1.Condition, kind string) (c metav1.Condition, has bool) {
	i := slices.IndexFunc(all, func(c metav1.Condition) bool { return c.Type == kind })
	if i < 0 {
		return c, false
	}
	return all[i], true
}

// write applies conditions; an object that is gone, or another of its name, needs none.
func (w *Watcher) write(ctx context.Context, v verdict, all []metav1.Condition) error {
	m := v.object.Metadata
	err := w.client.ApplyStatus(ctx, v.kind.resource, m.Namespace, m.Name, fieldManager, map[string]any{
		"apiVersion": v.kind.resource.APIVersion(), "kind": v.kind.resource.Kind,
		"metadata": map[string]any{"name": m.Name, "namespace": m.Namespace, "uid": m.UID},
		"status":   map[string]any{"conditions": all},
	})
	var answer *api.StatusError
	if errors.As(err, &answer) && (answer.Code == http.StatusNotFound || answer.Code == http.StatusConflict) {
		return nil
	}
	return err
}
