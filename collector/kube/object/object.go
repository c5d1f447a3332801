package object

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Object is one version of a Kubernetes object as decoded JSON: maps, slices, strings, booleans, json.Number and nil.
type Object map[string]any

// Owner is the controller of an object.
type Owner struct{ APIVersion, Kind, Name, UID string }

// Parse decodes an object. It must have a metadata.uid and a metadata.resourceVersion, as everything stored in a cluster has.
func Parse(raw []byte) (Object, error) {
	o, err := Decode(raw)
	if err != nil {
		return nil, err
	}
	if o.UID() == "" || o.ResourceVersion() == "" {
		return nil, errors.New("decode Kubernetes object: no uid or resource version")
	}
	return o, nil
}

// Decode is Parse for what need not be whole.
func Decode(raw []byte) (Object, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber() // a 64-bit number stays what it is
	var o Object
	if err := d.Decode(&o); err != nil {
		return nil, fmt.Errorf("decode Kubernetes object: %w", err)
	}
	if o == nil {
		return nil, errors.New("decode Kubernetes object: it is null")
	}
	return o, nil
}

// JSON is the object with its keys in order, so that equal objects have equal text.
func (o Object) JSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(map[string]any(o)); err != nil {
		return nil, fmt.Errorf("encode Kubernetes object: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Bare says that there is nothing of the object but which one it is.
func (o Object) Bare() bool {
	for k := range o {
		if k != "kind" && k != "apiVersion" && k != "metadata" {
			return false
		}
	}
	for k := range o.Metadata() {
		if k != "name" && k != "namespace" && k != "uid" {
			return false
		}
	}
	return true
}

// Metadata is the object's metadata; empty, not nil, when it has none.
func (o Object) Metadata() Object { return o.Map("metadata") }

// Kind is the object's kind as it names itself: Pod.
func (o Object) Kind() string { return o.Text("kind") }

// APIVersion is group and version: apps/v1.
func (o Object) APIVersion() string { return o.Text("apiVersion") }

// Name is metadata.name.
func (o Object) Name() string { return o.Metadata().Text("name") }

// Namespace is empty for what is of the whole cluster.
func (o Object) Namespace() string { return o.Metadata().Text("namespace") }

// UID is metadata.uid.
func (o Object) UID() string { return o.Metadata().Text("uid") }

// ResourceVersion is metadata.resourceVersion.
func (o Object) ResourceVersion() string { return o.Metadata().Text("resourceVersion") }

// Controller is the owner that controls the object; ok is false when none does.
func (o Object) Controller() (owner Owner, ok bool) {
	for _, r := range o.Metadata().Items("ownerReferences") {
		if r["controller"] == true {
			return Owner{r.Text("apiVersion"), r.Text("kind"), r.Text("name"), r.Text("uid")}, true
		}
	}
	return Owner{}, false
}

// Map follows keys through maps. It returns an empty one when there is none, never nil.
func (o Object) Map(path ...string) Object {
	at := o
	for _, key := range path {
		next, ok := at[key].(map[string]any)
		if !ok {
			return Object{}
		}
		at = next
	}
	return at
}

// Items are the maps in the list at key.
func (o Object) Items(key string) []Object {
	list, _ := o[key].([]any)
	out := make([]Object, 0, len(list))
	for _, x := range list {
		if m, ok := x.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// Text is the string at key, or "".
func (o Object) Text(key string) string {
	s, _ := o[key].(string)
	return s
}

// Number is the whole number at key, or 0; ok is false when there is none.
func (o Object) Number(key string) (n int64, ok bool) {
	v, ok := o[key].(json.Number)
	if !ok {
		return 0, false
	}
	n, err := v.Int64()
	return n, err == nil
}

// Time is the RFC 3339 time at key, or the zero time.
func (o Object) Time(key string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, o.Text(key))
	if err != nil {
		return time.Time{}
	}
	return t
}

// Strings are the entries of the map at key that are strings.
func (o Object) Strings(key string) map[string]string {
	m := o.Map(key)
	if len(m) == 0 {
		return nil
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		if s, ok := v.(string); ok {
			out[k] = s
		}
	}
	return out
}

// PodTemplate is the pod template of a workload, or the pod itself as one; nil when the kind has none.
func (o Object) PodTemplate() Object {
	switch o.Kind() {
	case "Pod":
		return o
	case "CronJob":
		return o.Map("spec", "jobTemplate", "spec", "template")
	default:
		t := o.Map("spec", "template")
		if len(t.Map("spec")) == 0 {
			return nil
		}
		return t
	}
}
