package rules

import (
	"slices"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
)

// States are what became of the alert rules of an environment when they were evaluated last.
type States struct {
	At    time.Time `json:"at"`
	Rules []State   `json:"rules"`             // by name
	Error string    `json:"problem,omitempty"` // why there may be more rules than these
}

// State is what became of one alert rule.
type State struct {
	Name     string                 `json:"name"` // as Alert has it
	Severity investigation.Severity `json:"severity"`
	Series   int                    `json:"series"`  // that it holds for
	Raised   int                    `json:"raised"`  // triggers: it holds for as long as it has to
	Blind    bool                   `json:"no_data"` // nothing of what it reads was measured lately
	Error    string                 `json:"problem,omitempty"`
}

// What State.Reason says.
const (
	ReasonFailed  = "failed"  // it was not evaluated, or not wholly
	ReasonRaised  = "raised"  // it holds for as long as it has to
	ReasonWaiting = "waiting" // it holds, not yet for so long
	ReasonNoData  = "no_data" // nothing of what it reads was measured lately
	ReasonQuiet   = "quiet"   // it holds for nothing
)

// Reason is a state in a word.
func (s State) Reason() string {
	switch {
	case s.Error != "":
		return ReasonFailed
	case s.Raised > 0:
		return ReasonRaised
	case s.Series > 0:
		return ReasonWaiting
	case s.Blind:
		return ReasonNoData
	}
	return ReasonQuiet
}

// What an ingester is asked for States by, as a method of gRPC without arguments; the answer is a google.protobuf.BytesValue of JSON.
const (
	StatesService = "midwatch.v1.Rules"
	StatesMethod  = "States"
)

// Of returns what became of a rule by its name.
func (s States) Of(name string) (State, bool) {
	i := slices.IndexFunc(s.Rules, func(r State) bool { return r.Name == name })
	if i < 0 {
		return State{}, false
	}
	return s.Rules[i], true
}
