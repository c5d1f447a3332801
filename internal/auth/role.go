package auth

import (
	"fmt"
	"slices"
	"strings"
)

// Role is what a token may do. Each role may do all that the one before it may; reporter and sender stand apart.
type Role string

// The roles, least first.
const (
	Viewer   Role = "viewer"   // reads
	Operator Role = "operator" // also starts investigations and runs tools
	Approver Role = "approver" // also approves and rejects fixes
	Admin    Role = "admin"    // also tokens, settings and the audit log
)

// Reporter is for other alerting systems: it may raise triggers and do nothing else, not even read.
const Reporter Role = "reporter"

// Sender is for senders of telemetry: it may send to its environment and do nothing else. No other role may.
const Sender Role = "sender"

var roles = []Role{Viewer, Operator, Approver, Admin}

// ParseRole returns the role of a name.
func ParseRole(name string) (Role, error) {
	all := append([]Role{Sender, Reporter}, roles...)
	if slices.Contains(all, Role(name)) {
		return Role(name), nil
	}
	names := make([]string, len(all))
	for i, r := range all {
		names[i] = string(r)
	}
	return "", fmt.Errorf("unknown role %q; choose %s", name, strings.Join(names, ", "))
}

// Allows says whether r may do what needs role least. A role that does not exist may do nothing. What a reporter does
// starts investigations, so from the others it needs an operator.
func (r Role) Allows(least Role) bool {
	switch least {
	case Reporter:
		return r == Reporter || r.Allows(Operator)
	case Sender:
		return r == Sender
	}
	have, need := slices.Index(roles, r), slices.Index(roles, least)
	return need >= 0 && have >= need
}
