package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// What rules are called as objects of a cluster.
const (
	Group         = "midwatch.dev"
	Version       = "v1alpha1"
	AlertKind     = "AlertRule"
	DropKind      = "DropRule"
	RedactionKind = "RedactionRule"
)

// AlertOf reads an AlertRule object and validates it. Its name is the caller's to set.
func AlertOf(object []byte) (Alert, error) {
	a, err := specOf[Alert](object)
	if err != nil {
		return a, err
	}
	return a, a.Validate()
}

// DropOf reads a DropRule object and validates it.
func DropOf(object []byte) (Drop, error) {
	d, err := specOf[Drop](object)
	if err != nil {
		return d, err
	}
	return d, d.Validate()
}

// RedactionOf reads a RedactionRule object and validates it. Its name is the caller's to set.
func RedactionOf(object []byte) (Redaction, error) {
	r, err := specOf[Redaction](object)
	if err != nil {
		return r, err
	}
	return r, r.Validate()
}

// specOf reads a spec. A field that this version does not know is an error: half a rule is none.
func specOf[Rule any](object []byte) (r Rule, err error) {
	var o struct {
		Spec json.RawMessage `json:"spec"`
	}
	if err := json.Unmarshal(object, &o); err != nil {
		return r, fmt.Errorf("read the object: %w", err)
	}
	if len(o.Spec) == 0 {
		return r, errors.New("spec: there is none")
	}
	d := json.NewDecoder(bytes.NewReader(o.Spec))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return r, fmt.Errorf("spec: %w", err)
	}
	return r, nil
}
