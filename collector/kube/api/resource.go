package api

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Resource is a kind of object and where the API server has it.
type Resource struct {
	Group    string // "" is the core group
	Version  string // v1
	Name     string // plural, lower case: deployments
	Kind     string // Deployment
	Metadata bool   // metadata is enough
}

// ErrSecret means that somebody asked for Secrets. Midwatch never reads them: only their names, where other objects refer to them.
var ErrSecret = errors.New("kubernetes: Secrets are never read")

var word = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)

// String is the resource as RBAC and people write it: deployments.apps.
func (r Resource) String() string {
	if r.Group == "" {
		return r.Name
	}
	return r.Name + "." + r.Group
}

// APIVersion is group and version: apps/v1.
func (r Resource) APIVersion() string {
	if r.Group == "" {
		return r.Version
	}
	return r.Group + "/" + r.Version
}

// path is where the group and version are served. Every request for objects is made of it, which is why Secrets are refused here.
func (r Resource) path() (string, error) {
	if r.Group == "" && (r.Name == "secrets" || strings.HasPrefix(r.Name, "secrets/")) {
		return "", ErrSecret
	}
	if !word.MatchString(r.Name) || !word.MatchString(r.Version) || r.Group != "" && !word.MatchString(r.Group) {
		return "", fmt.Errorf("kubernetes: %q is no resource", r.APIVersion()+"/"+r.Name)
	}
	if r.Group == "" {
		return "/api/" + r.Version, nil
	}
	return "/apis/" + r.Group + "/" + r.Version, nil
}

// Validate says what is wrong with a resource that somebody configured.
func (r Resource) Validate() error {
	_, err := r.path()
	return err
}
