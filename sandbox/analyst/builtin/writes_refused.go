package builtin

import (
	"fmt"
	"slices"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// refusals are the status codes by which a store says that it takes no writes, and why.
var refusals = map[string]string{
	"OOM":      "its memory limit is reached",
	"MISCONF":  "it cannot save its data to disk",
	"READONLY": "it is a read-only replica",
	"25006":    "it is read-only",
	"53100":    "its disk is full",
}

// writesRefused: some commands of a store fail with a refusal while others still succeed.
func writesRefused(f *facts) []hypothesis {
	if f.statements == nil {
		return nil
	}
	refused := map[string][]result.Statement{}
	var stores []string
	for _, s := range f.statements.Statements {
		if len(s.Codes) > 0 && refusals[s.Codes[0].Code] != "" && s.Failing {
			if refused[s.Database] == nil {
				stores = append(stores, s.Database)
			}
			refused[s.Database] = append(refused[s.Database], s)
		}
	}
	slices.Sort(stores)
	var out []hypothesis
	for _, store := range stores {
		out = append(out, f.refusal(store, refused[store]))
	}
	return out
}

func (f *facts) refusal(store string, refused []result.Statement) hypothesis {
	id, code := f.ids["statements"], refused[0].Codes[0].Code
	h := hypothesis{
		culprit: telemetry.Service(store), service: store, mechanism: investigation.WritesRefused, confidence: 0.75,
		title: fmt.Sprintf("%s refuses writes: %s", store, refusals[code]),
	}
	h.claim(fmt.Sprintf("%s answers %s with %s: %d of %d since the onset, none to speak of before.", store, refused[0].Operation, code,
		refused[0].Fault.Errors, refused[0].Fault.Requests),
		id, some(id, "statements", is("database", store), is("operation", refused[0].Operation), holds("failing"),
			fmt.Sprintf("any([c[\"code\"] == %q for c in x[\"codes\"]])", code)))
	for _, s := range f.statements.Statements {
		if s.Database == store && s.Fault.Requests >= 5 && s.Fault.ErrorRatio < 0.01 {
			h.confidence = 0.93
			h.claim(fmt.Sprintf("%s still answers %s (%d requests, %s failed), so it is up and reachable.", store, s.Operation, s.Fault.Requests,
				share(s.Fault.ErrorRatio)), id, some(id, "statements", is("database", store), is("operation", s.Operation), `not x["failing"]`, atLeast(5, "fault", "requests")))
			break
		}
	}
	h.summary = fmt.Sprintf("%s has refused %s since %s because %s; reads still work. Callers fail as a consequence.", store, refused[0].Operation,
		f.onset.Format("15:04:05"), refusals[code])
	if code == "OOM" || code == "53100" {
		h.fix = f.draft(investigation.RaiseLimit, store, nil, "The limit it has reached is what it names as the reason.")
	}
	return h
}
