package auth

import (
	"fmt"
	"slices"
	"strings"
)

// Role is what a token may do. Each role may do all that the one before it may.
type Role string

// The roles, least first.
const (
	Viewer   Role = "viewer"   // reads
	Operator Role = "operator" // also starts investigations and runs tools
	Approver Role = "approver" // also approves and rejects fixes
	Admin    Role = "admin"    // also tokens, settings and the audit log
)

var roles = []Role{Viewer, Operator, Approver, Admin}

// ParseRole returns the role of a name.
func ParseRole(name string) (Role, error) {
	if slices.Contains(roles, Role(name)) {
		return Role(name), nil
	}
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return "", fmt.Errorf("unknown role %q; choose %s", name, strings.Join(names, ", "))
}

// Allows says whether r may do what needs role least. A role that does not exist may do nothing.
func (r Role) Allows(least Role) bool {
	have, need := slices.Index(roles, r), slices.Index(roles, least)
	return need >= 0 && have >= need
}
