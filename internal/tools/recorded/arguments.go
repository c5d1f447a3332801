package recorded

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/promql"
)

// arguments of a call, the times apart from the rest.
type arguments struct {
	times map[string]time.Time
	rest  map[string]any
}

// call is a recorded one.
type call struct {
	arguments arguments
	answer    Answer
}

// expression is the argument of query_metrics that holds PromQL.
const expression = "expression"

// read sorts arguments into times and the rest. What a tool takes for left out, an empty text, is left out; the expression of query_metrics is
// the same however it is spelled.
func read(raw json.RawMessage) arguments {
	a := arguments{times: map[string]time.Time{}, rest: map[string]any{}}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var object map[string]any
	if d.Decode(&object) != nil {
		a.rest[""] = string(raw)
		return a
	}
	for name, v := range object {
		text, isText := v.(string)
		at, err := time.Parse(time.RFC3339Nano, text)
		switch {
		case isText && err == nil:
			a.times[name] = at.UTC()
		case isText && strings.TrimSpace(text) == "" || v == nil:
		case isText && name == expression:
			a.rest[name] = promql.Canonical(text)
		default:
			a.rest[name] = v
		}
	}
	return a
}

// key is equal for equal calls, however their JSON was written.
func (a arguments) key() string {
	b, err := json.Marshal([]any{a.times, a.rest}) // maps are written in the order of their keys
	if err != nil {
		return ""
	}
	return string(b)
}

// nearest is the recorded call that differs from what is asked in its times alone, and least in those.
func nearest(asked arguments, calls []call, near float64) (Answer, bool) {
	if near <= 0 {
		return Answer{}, false
	}
	rest := arguments{rest: asked.rest}.key()
	best, found := Answer{}, false
	for _, c := range calls {
		if rest != (arguments{rest: c.arguments.rest}).key() {
			continue
		}
		if share := common(asked.times, c.arguments.times); share >= near {
			best, found, near = c.answer, true, share
		}
	}
	return best, found
}

// spans are the pairs of arguments that are a span of time.
var spans = [...][2]string{{"from", "to"}, {"baseline_from", "baseline_to"}}

// nearMoment is how far apart two moments are that have nothing in common.
const nearMoment = 10 * time.Minute

// common is the least share that a span has in common with its counterpart, of what both cover together; moments have the more in
// common the nearer they are.
func common(a, b map[string]time.Time) float64 {
	if len(a) != len(b) {
		return 0
	}
	least := 1.0
	for _, s := range spans {
		from, known := a[s[0]]
		if !known {
			continue
		}
		to, otherFrom, otherTo := a[s[1]], b[s[0]], b[s[1]]
		both := earlier(to, otherTo).Sub(later(from, otherFrom))
		either := later(to, otherTo).Sub(earlier(from, otherFrom))
		if either <= 0 {
			return 0
		}
		least = min(least, both.Seconds()/either.Seconds())
	}
	for name, at := range a {
		if !slices.ContainsFunc(spans[:], func(s [2]string) bool { return name == s[0] || name == s[1] }) {
			least = min(least, 1-at.Sub(b[name]).Abs().Seconds()/nearMoment.Seconds())
		}
	}
	return least
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
