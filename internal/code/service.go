package code

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// Service says in the configuration where the code of a service is.
type Service struct {
	Service    string `yaml:"service"`
	Repository string `yaml:"repository"` // owner/name
	Path       string `yaml:"path"`       // directory in it; empty: the root
}

// Validate says what is wrong with an entry.
func (s Service) Validate() error {
	if s.Service == "" {
		return errors.New("a service's name is missing")
	}
	if _, err := ParseRepository(s.Repository); err != nil {
		return fmt.Errorf("%s: %w", s.Service, err)
	}
	if _, err := CleanPath(s.Path); err != nil {
		return fmt.Errorf("%s: %w", s.Service, err)
	}
	return nil
}

// Sources finds the repository of a service and the commits it ran: the configuration first, then what its image, its
// pod's annotations or its executable say. What they say counts only for a repository that Allowed names: whoever may
// deploy an image must not choose what Midwatch reads.
type Sources struct {
	Services []Service
	Allowed  Allowed
	Host     string // as images name it, github.com
}

// Place is where a service's code is.
type Place struct {
	Repository Repository // empty: not known
	Path       string
	Origin     string // "configuration", or the attribute that said it
	Why        string // why it is not known
}

// Attributes that say where code comes from, the first one counts. Labels of images and annotations of pods arrive under their
// own names, build information of executables under the semantic conventions' (docs/telemetry.md).
var (
	repositoryAttributes = []string{telemetry.VCSRepository, telemetry.ImageSource, "argocd.argoproj.io/source-repo", telemetry.GoModule}
	commitAttributes     = []string{telemetry.VCSRevision, telemetry.ImageRevision, "app.kubernetes.io/commit", "app.kubernetes.io/revision"}
	tagAttributes        = []string{"app.kubernetes.io/version", telemetry.ImageVersion, telemetry.ImageTag}
)

// Attributes lists what Place and Version look at.
func Attributes() []string {
	return append(slices.Concat(repositoryAttributes, commitAttributes, tagAttributes), telemetry.VCSModified)
}

// Place finds the repository of a service from the attributes of one of its processes.
func (s Sources) Place(service string, attributes map[string]string) Place {
	for _, c := range s.Services {
		if c.Service != service {
			continue
		}
		repo, err := ParseRepository(c.Repository)
		if err != nil {
			return Place{Why: err.Error()}
		}
		return Place{Repository: repo, Path: strings.Trim(path.Clean("/"+c.Path), "/"), Origin: "configuration"}
	}
	why := "neither the configuration nor any label, annotation or build information names its repository"
	for _, name := range repositoryAttributes {
		source := attributes[name]
		if source == "" {
			continue
		}
		repo, under, err := ParseSource(source, s.Host)
		if err != nil {
			why = fmt.Sprintf("%s: %v", name, err)
			continue
		}
		if !s.Allowed.Allows(repo) {
			why = fmt.Sprintf("%s names %s, which github.repositories does not allow", name, repo)
			continue
		}
		return Place{Repository: repo, Path: under, Origin: name}
	}
	return Place{Why: why}
}

// Version finds the commit, or the tag, that a process was built from. origin is the attribute that said it; both are
// empty when nothing does. dirty means that the commit is not all of it.
func (Sources) Version(attributes map[string]string) (version, origin string, dirty bool) {
	dirty = attributes[telemetry.VCSModified] == "true"
	for _, name := range commitAttributes {
		if v := strings.ToLower(attributes[name]); Abbreviates(v) {
			return v, name, dirty
		}
	}
	for _, name := range tagAttributes {
		v := attributes[name]
		if short := strings.TrimPrefix(v, "sha-"); Abbreviates(short) { // as image builders tag
			return short, name, dirty
		}
		if moving(v) {
			continue
		}
		return v, name, dirty
	}
	return "", "", dirty
}

// moving says that a tag tells nothing about what runs.
func moving(tag string) bool {
	switch strings.ToLower(cmp.Or(tag, "latest")) {
	case "latest", "main", "master", "dev", "develop", "stable", "edge", "nightly":
		return true
	}
	return !IsVersion(tag)
}
