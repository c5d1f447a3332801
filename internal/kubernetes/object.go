package kubernetes

import (
	"encoding/json"
	"fmt"
	"time"
)

// Object is what all objects have; Raw is the whole.
type Object struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   Metadata `json:"metadata"`

	Raw json.RawMessage `json:"-"`
}

// Metadata is an object's own.
type Metadata struct {
	Name              string            `json:"name"`
	Namespace         string            `json:"namespace"`
	UID               string            `json:"uid"`
	ResourceVersion   string            `json:"resourceVersion"`
	Generation        int64             `json:"generation"`
	CreationTimestamp time.Time         `json:"creationTimestamp"`
	DeletionTimestamp *time.Time        `json:"deletionTimestamp"`
	Labels            map[string]string `json:"labels"`
	Annotations       map[string]string `json:"annotations"`
	OwnerReferences   []Owner           `json:"ownerReferences"`
}

// Owner is an owner reference.
type Owner struct {
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	Controller bool   `json:"controller"`
}

// Condition is one of an object's status.
type Condition struct {
	Type               string    `json:"type"`
	Status             string    `json:"status"` // True, False, Unknown
	Reason             string    `json:"reason"`
	Message            string    `json:"message"`
	LastTransitionTime time.Time `json:"lastTransitionTime"`
}

// Parse reads an object.
func Parse(raw []byte) (Object, error) {
	o := Object{Raw: raw}
	if err := json.Unmarshal(raw, &o); err != nil {
		return o, fmt.Errorf("read an object: %w", err)
	}
	return o, nil
}

// into decodes a part of an object that a kind has; what does not fit is left zero, for an object of an unknown version is still an object.
func into[T any](o Object) (v T) {
	_ = json.Unmarshal(o.Raw, &v)
	return v
}

// condition returns one by its type.
func condition(list []Condition, kind string) (Condition, bool) {
	for _, c := range list {
		if c.Type == kind {
			return c, true
		}
	}
	return Condition{}, false
}
