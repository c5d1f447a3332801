// Package rulewatch watches the rules that people wrote as objects of a cluster: drop and redaction rules take effect in every exporter at
// once, and of all three kinds the leading exporter writes into the object's status whether Midwatch accepts it.
//
// Nothing may leave because a rule is not known. So telemetry is held back until both kinds of filters were listed; while a rule has no
// usable version; and never because the API server is away: what was known last goes on. A version that is not accepted leaves the one
// before in place. What is remembered of versions before lives as long as the process; one that starts anew and finds only a version that
// is not accepted holds back.
package rulewatch
