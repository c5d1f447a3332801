package rulewatch

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"

	"github.com/midwatch/midwatch/collector/exporter/filter"
	"github.com/midwatch/midwatch/internal/rules"
)

// set is what the objects of a cluster come to.
type set struct {
	drop    []rules.Drop
	redact  []rules.Redaction
	missing []error // of rules of which no version can be applied
}

// kind is one kind of rule.
type kind struct {
	resource schema.GroupVersionResource
	name     string
	filters  bool                                                   // it says what must not leave
	read     func(name string, object []byte) (func(s *set), error) // what an object adds to a set

	informer cache.SharedIndexInformer
	absent   atomic.Bool             // the API server does not know the kind, so there is no such object
	good     map[string]func(s *set) // :: uid → what its last good version adds
}

func kinds() []*kind {
	of := func(resource, name string, filters bool, read func(string, []byte) (func(*set), error)) *kind {
		gvr := schema.GroupVersionResource{Group: rules.Group, Version: rules.Version, Resource: resource}
		return &kind{resource: gvr, name: name, filters: filters, read: read, good: map[string]func(*set){}}
	}
	return []*kind{
		of("droprules", rules.DropKind, true, func(_ string, object []byte) (func(*set), error) {
			r, err := rules.DropOf(object)
			return func(s *set) { s.drop = append(s.drop, r) }, err
		}),
		of("redactionrules", rules.RedactionKind, true, func(name string, object []byte) (func(*set), error) {
			r, err := rules.RedactionOf(object)
			r.Name = name
			return func(s *set) { s.redact = append(s.redact, r) }, err
		}),
		of("alertrules", rules.AlertKind, false, func(_ string, object []byte) (func(*set), error) {
			_, err := rules.AlertOf(object) // the workers read it from the store
			return func(*set) {}, err
		}),
	}
}

// watch prepares the informer.
func (k *kind) watch(client dynamic.Interface, log *slog.Logger, changed func()) error {
	k.informer = dynamicinformer.NewFilteredDynamicInformer(client, k.resource, "", 0, cache.Indexers{}, nil).Informer()
	err := k.informer.SetWatchErrorHandlerWithContext(func(_ context.Context, _ *cache.Reflector, err error) {
		if absent := apierrors.IsNotFound(err); absent && !k.absent.Swap(absent) {
			log.Info("the cluster has no such rules: the CRD is not installed", "kind", k.name)
		} else if !absent {
			log.Warn("rules are not watched; those known last go on, telemetry waits if none are known yet", "kind", k.name, "error", err)
		}
		changed()
	})
	if err != nil {
		return fmt.Errorf("watch %s: %w", k.name, err)
	}
	_, err = k.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { changed() }, UpdateFunc: func(any, any) { changed() }, DeleteFunc: func(any) { changed() },
	})
	if err != nil {
		return fmt.Errorf("watch %s: %w", k.name, err)
	}
	return nil
}

// known says whether it is known what objects there are.
func (k *kind) known() bool { return k.informer.HasSynced() || k.absent.Load() }

// verdict is what is to be told of an object.
type verdict struct {
	kind    *kind
	object  *unstructured.Unstructured
	reason  string
	message string
}

// Reasons of the condition Accepted. Only of Valid objects it is True.
const (
	reasonValid   = "Valid"
	reasonInvalid = "Invalid"
	reasonTooMany = "TooMany"
)

// judge adds what the objects say to a set, and says what is to be told of each.
func (k *kind) judge(s *set) []verdict {
	var out []verdict
	good := map[string]func(*set){}
	for i, o := range k.objects() {
		uid := string(o.GetUID())
		v := verdict{kind: k, object: o, reason: reasonValid, message: "the rule is in force"}
		add, err := k.parse(o)
		switch {
		case k.filters && i >= filter.MaxRules:
			v.reason, err = reasonTooMany, fmt.Errorf("there are more than %d rules of this kind", filter.MaxRules)
			add = nil
		case err != nil:
			v.reason = reasonInvalid
			add = k.good[uid]
		}
		if err != nil {
			v.message = err.Error() + k.consequence(add != nil)
		}
		switch {
		case add != nil:
			good[uid] = add
			add(s)
		case k.filters:
			s.missing = append(s.missing, fmt.Errorf("%s %s: %w", k.name, o.GetName(), err))
		}
		out = append(out, v)
	}
	k.good = good
	return out
}

// consequence ends the message of an object that is not accepted.
func (k *kind) consequence(before bool) string {
	switch {
	case before || !k.filters:
		return "; the version before stays in force, if there was a good one"
	}
	return "; no telemetry leaves the cluster until it is corrected or deleted"
}

func (k *kind) parse(o *unstructured.Unstructured) (func(*set), error) {
	raw, err := json.Marshal(map[string]any{"spec": o.Object["spec"]})
	if err != nil {
		return nil, err
	}
	add, err := k.read(o.GetName(), raw)
	if err != nil {
		return nil, err
	}
	return add, nil
}

// objects are those there are, by age: a new one is the one too many.
func (k *kind) objects() []*unstructured.Unstructured {
	var out []*unstructured.Unstructured
	for _, x := range k.informer.GetStore().List() {
		if o, ok := x.(*unstructured.Unstructured); ok {
			out = append(out, o)
		}
	}
	slices.SortFunc(out, func(a, b *unstructured.Unstructured) int {
		return cmp.Or(a.GetCreationTimestamp().Compare(b.GetCreationTimestamp().Time), cmp.Compare(a.GetNamespace(), b.GetNamespace()), cmp.Compare(a.GetName(), b.GetName()))
	})
	return out
}
