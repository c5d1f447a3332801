package rulewatch

import (
	"fmt"

	"github.com/midwatch/midwatch/collector/exporter/filter"
	"github.com/midwatch/midwatch/internal/rules"
)

// set is what the objects of a cluster come to.
type set struct {
	drop    []rules.Drop
	redact  []rules.Redaction
	missing []error // of rules of which no version can be applied
}

// verdict is what is to be told of an object.
type verdict struct {
	kind    *kind
	object  object
	reason  string
	message string
}

// Reasons of the condition Accepted. Only of Valid objects it is True.
const (
	reasonValid   = "Valid"
	reasonInvalid = "Invalid"
	reasonTooMany = "TooMany"
)

// judge adds what the objects say to a set, and says what is to be told of each, and whether it is known what objects there are.
func (k *kind) judge(s *set) (out []verdict, known bool) {
	list, known := k.objects()
	good := map[string]func(*set){}
	for i, o := range list {
		v := verdict{kind: k, object: o, reason: reasonValid, message: "the rule is in force"}
		add, err := k.read(o.Metadata.Name, o.raw)
		switch {
		case k.filters && i >= filter.MaxRules:
			add, err = nil, fmt.Errorf("there are more than %d rules of this kind", filter.MaxRules)
			v.reason = reasonTooMany
		case err != nil:
			add = k.good[o.Metadata.UID]
			v.reason = reasonInvalid
		}
		if err != nil {
			v.message = err.Error() + k.consequence(add != nil)
		}
		switch {
		case add != nil:
			good[o.Metadata.UID] = add
			add(s)
		case k.filters:
			s.missing = append(s.missing, fmt.Errorf("%s %s: %w", k.resource.Kind, o.Metadata.Name, err))
		}
		out = append(out, v)
	}
	k.good = good
	return out, known
}

// consequence ends the message of an object that is not accepted.
func (k *kind) consequence(before bool) string {
	if before || !k.filters {
		return "; the version before stays in force, if there was a good one"
	}
	return "; no telemetry leaves the cluster until it is corrected or deleted"
}
