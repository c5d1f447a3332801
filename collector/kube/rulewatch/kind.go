package rulewatch

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/midwatch/midwatch/collector/kube/api"
	"github.com/midwatch/midwatch/internal/rules"
)

// retryEvery is the pause before a watch that broke begins again.
const retryEvery = 2 * time.Second

// object is what a rule's object says.
type object struct {
	Metadata struct {
		Name              string    `json:"name"`
		Namespace         string    `json:"namespace"`
		UID               string    `json:"uid"`
		ResourceVersion   string    `json:"resourceVersion"`
		Generation        int64     `json:"generation"`
		CreationTimestamp time.Time `json:"creationTimestamp"`
	} `json:"metadata"`
	Status struct {
		Conditions []metav1.Condition `json:"conditions"`
	} `json:"status"`

	raw []byte
}

// kind is one kind of rule.
type kind struct {
	resource api.Resource
	filters  bool                                                   // it says what must not leave
	read     func(name string, object []byte) (func(s *set), error) // what an object adds to a set
	good     map[string]func(s *set)                                // :: uid → what its last good version adds; judge's alone

	seen struct {
		sync.Mutex
		known   bool              // what objects there are
		objects map[string]object // :: uid → object
	}
}

func kinds() []*kind {
	of := func(resource, name string, filters bool, read func(string, []byte) (func(*set), error)) *kind {
		k := &kind{
			resource: api.Resource{Group: rules.Group, Version: rules.Version, Name: resource, Kind: name}, filters: filters, read: read,
			good: map[string]func(*set){},
		}
		k.seen.objects = map[string]object{}
		return k
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

// follow keeps what is seen as the cluster has it until ctx ends, and calls changed after each change.
func (k *kind) follow(ctx context.Context, client *api.Client, log *slog.Logger, changed func()) {
	told := ""
	for ctx.Err() == nil {
		err := k.watch(ctx, client, changed)
		if errors.Is(err, api.ErrNotServed) {
			k.absent()
			changed()
		}
		if err.Error() != told && !errors.Is(err, api.ErrExpired) && ctx.Err() == nil {
			told = err.Error()
			log.Warn("rules are not watched; those known last stay in force, telemetry waits if none are known yet", "kind", k.resource.Kind, "error", err)
		}
		select {
		case <-time.After(retryEvery):
		case <-ctx.Done():
		}
	}
}

// absent notes that the API server does not know the kind: there can be no such object. Where some were known, they stay.
func (k *kind) absent() {
	k.seen.Lock()
	defer k.seen.Unlock()
	k.seen.known = true
}

// watch lists and then watches until something fails, and says what.
func (k *kind) watch(ctx context.Context, client *api.Client, changed func()) error {
	fresh := map[string]object{}
	version, err := client.List(ctx, k.resource, func(raw []byte) error {
		o, err := decode(raw)
		fresh[o.Metadata.UID] = o
		return err
	})
	if err != nil {
		return err
	}
	k.seen.Lock()
	k.seen.known, k.seen.objects = true, fresh
	k.seen.Unlock()
	changed()
	for {
		err := client.Watch(ctx, k.resource, version, func(e api.Event) error {
			o, err := decode(e.Object)
			if err != nil {
				return err
			}
			version = o.Metadata.ResourceVersion
			k.note(e.Type, o)
			changed()
			return nil
		})
		if err != nil {
			return err
		}
	}
}

func (k *kind) note(event string, o object) {
	k.seen.Lock()
	defer k.seen.Unlock()
	switch event {
	case api.Added, api.Modified:
		k.seen.objects[o.Metadata.UID] = o
	case api.Deleted:
		delete(k.seen.objects, o.Metadata.UID)
	}
}

func decode(raw []byte) (o object, err error) {
	if err := json.Unmarshal(raw, &o); err != nil {
		return o, fmt.Errorf("read a rule: %w", err)
	}
	o.raw = raw
	return o, nil
}

// objects are those there are, by age: a new one is the one too many. known says whether it is known which there are.
func (k *kind) objects() (list []object, known bool) {
	k.seen.Lock()
	defer k.seen.Unlock()
	list = slices.SortedFunc(maps.Values(k.seen.objects), func(a, b object) int {
		return cmp.Or(a.Metadata.CreationTimestamp.Compare(b.Metadata.CreationTimestamp), cmp.Compare(a.Metadata.UID, b.Metadata.UID))
	})
	return list, k.seen.known
}
