package code

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// Repository is "owner/name". Only ParseRepository and ParseSource make one: its parts are safe in a URL's path.
type Repository string

var (
	ownerName      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,38}$`)
	repositoryName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)
	version        = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+/-]{0,127}$`)
	fullSHA        = regexp.MustCompile(`^[0-9a-f]{40}$`)
	someSHA        = regexp.MustCompile(`^[0-9a-f]{7,40}$`)
)

// ParseRepository reads "owner/name".
func ParseRepository(s string) (Repository, error) {
	owner, name, ok := strings.Cut(s, "/")
	if !ok || !ownerName.MatchString(owner) || !repositoryName.MatchString(name) || name == "." || name == ".." {
		return "", fmt.Errorf("%q is not owner/name of a repository", s)
	}
	return Repository(s), nil
}

// ParseSource reads what images, packages and build information call their source: a URL, a remote of git or a Go module's
// path. It must be on host, such as github.com. under is the directory that follows the repository in a module's path.
func ParseSource(source, host string) (repo Repository, under string, err error) {
	rest, err := onHost(source, host)
	if err != nil {
		return "", "", err
	}
	parts := strings.SplitN(strings.Trim(rest, "/"), "/", 3)
	if len(parts) < 2 {
		return "", "", fmt.Errorf("%q names no repository", source)
	}
	repo, err = ParseRepository(parts[0] + "/" + strings.TrimSuffix(parts[1], ".git"))
	if err != nil {
		return "", "", err
	}
	if len(parts) == 3 && !strings.Contains(source, "://") { // in a URL it is /tree/main and the like
		under = parts[2]
	}
	return repo, under, nil
}

// onHost returns what follows the host.
func onHost(source, host string) (string, error) {
	var name, rest string
	switch {
	case strings.Contains(source, "://"):
		u, err := url.Parse(strings.TrimPrefix(source, "git+"))
		if err != nil {
			return "", errors.New("the source is not a URL")
		}
		name, rest = u.Hostname(), u.Path
	case strings.HasPrefix(source, "git@"):
		name, rest, _ = strings.Cut(strings.TrimPrefix(source, "git@"), ":")
	default:
		name, rest, _ = strings.Cut(source, "/")
	}
	if !strings.EqualFold(name, host) {
		return "", fmt.Errorf("%q is not on %s", source, host)
	}
	return rest, nil
}

// Owner is what comes before the slash.
func (r Repository) Owner() string { o, _, _ := strings.Cut(string(r), "/"); return o }

// Name is what comes after the slash.
func (r Repository) Name() string { _, n, _ := strings.Cut(string(r), "/"); return n }

// Allowed says which repositories may be read: "owner/name", or "owner/*" for all of an owner.
type Allowed []string

// Validate says what is wrong with an entry.
func (a Allowed) Validate() error {
	for _, pattern := range a {
		if owner, ok := strings.CutSuffix(pattern, "/*"); ok && ownerName.MatchString(owner) {
			continue
		}
		if _, err := ParseRepository(pattern); err != nil {
			return fmt.Errorf("%w (or owner/* for all of an owner)", err)
		}
	}
	return nil
}

// Allows tells whether a repository is on the list. Names of code hosts ignore case.
func (a Allowed) Allows(r Repository) bool {
	for _, pattern := range a {
		if strings.EqualFold(pattern, string(r)) || strings.EqualFold(pattern, r.Owner()+"/*") {
			return true
		}
	}
	return false
}

// IsSHA tells whether s is a whole commit.
func IsSHA(s string) bool { return fullSHA.MatchString(s) }

// Abbreviates tells whether s may be the beginning of a commit, of 7 digits or more.
func Abbreviates(s string) bool { return someSHA.MatchString(s) }

// IsVersion tells whether s may be a tag's name or a commit.
func IsVersion(s string) bool {
	return version.MatchString(s) && !strings.Contains(s, "..") && !strings.HasSuffix(s, ".lock")
}

// CleanPath checks a path inside a repository: relative, without "..", never empty unless empty is allowed.
func CleanPath(p string) (string, error) {
	if p == "" {
		return "", nil
	}
	clean := path.Clean(p)
	if clean == "." {
		return "", nil
	}
	if len(p) > 1024 || strings.HasPrefix(clean, "/") || clean == ".." || strings.HasPrefix(clean, "../") || strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", fmt.Errorf("%q is not a path inside a repository", p)
	}
	return clean, nil
}

// Below tells whether a path is a directory's or in it. The empty directory holds everything.
func Below(p, dir string) bool { return dir == "" || p == dir || strings.HasPrefix(p, dir+"/") }
