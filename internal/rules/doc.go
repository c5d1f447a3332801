// Package rules is what people may tell Midwatch to look for and to leave out: alert rules, drop rules and redaction rules. The same
// rule is an entry of the configuration file on a plain machine, or an object in a cluster (deploy/helm/midwatch/crds); this package
// knows what is in one and what is wrong with it, not what it does.
package rules
