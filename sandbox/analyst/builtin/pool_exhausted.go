package builtin

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const (
	poolWaitMS = 100 // what requests wait for, by themselves
	poolFewer  = 0.7 // calls per request that are left
)

// poolWords are how libraries of many languages say that no connection came free.
var poolWords = regexp.MustCompile(`(?i)pool\b.{0,40}(time|exhaust|full|wait|limit|empty)|(time.?out|timed out|wait\w*|no (free|more|available)|unable to (get|acquire|obtain)).{0,40}\b(connection|conn|pool)\b|too many (open )?connections|connection (limit|is not available)`)

// poolExhausted: requests of a service wait by themselves and give up, while what it calls is idle and fast for those that
// get through.
func poolExhausted(f *facts) []hypothesis {
	var out []hypothesis
	for _, s := range f.bad() {
		if !f.isSuspect(s.Service) || s.SelfMS.Fault-s.SelfMS.Healthy < poolWaitMS || f.killed(s.Service) > 0 {
			continue
		}
		if h, ok := f.waitsForPool(s); ok {
			out = append(out, h)
		}
	}
	return out
}

func (f *facts) waitsForPool(s result.ServiceChange) (hypothesis, bool) {
	var starved result.EdgeChange
	for _, e := range f.edgesFrom(s.Service) {
		switch {
		case e.Failing || e.Slow || e.Protocol == "tcp":
			return hypothesis{}, false // what it calls is to blame
		case e.Healthy.Requests >= 5 && e.PerRequest.Fault < poolFewer*e.PerRequest.Healthy && e.Healthy.Requests > starved.Healthy.Requests:
			starved = e
		}
	}
	line, logID := f.says(s.Service, poolWords)
	if starved.To == "" && logID == "" {
		return hypothesis{}, false
	}
	h := hypothesis{
		culprit: telemetry.Service(s.Service), service: s.Service, mechanism: investigation.PoolExhausted, confidence: 0.62,
		title: fmt.Sprintf("%s has no connection left to give to its requests", s.Service),
	}
	id := f.ids["compare_windows"]
	f.ownClaim(&h, s)
	if starved.To != "" {
		h.confidence += 0.1
		h.title = fmt.Sprintf("%s has no connection to %s left to give to its requests", s.Service, starved.To)
		h.claim(fmt.Sprintf("Only %.2g calls per request reach %s (before %.2g), and those that do are answered as fast as before.", starved.PerRequest.Fault,
			starved.To, starved.PerRequest.Healthy), id, some(id, "edges", is("from", s.Service), is("to", starved.To), `not x["failing"]`, `not x["slow"]`,
			fmt.Sprintf(`x["per_request"]["fault"] < %s * x["per_request"]["healthy"]`, figure(poolFewer))))
		f.plateau(&h, s.Service, starved)
	}
	if logID != "" {
		h.confidence += 0.2
		h.claim(fmt.Sprintf("%s says so itself, and did not before: %s", s.Service, quoted(line.Sample)), logID,
			some(logID, "patterns", is("service", s.Service), is("pattern", line.Pattern), `x["count"] > 2 * x["baseline"]`))
	}
	if _, changed := f.deployed(s.Service, slices.Concat(versions, settings)...); changed {
		h.confidence -= 0.1
	}
	h.confidence = min(h.confidence, 0.94)
	h.summary = fmt.Sprintf("Since %s requests of %s wait for a connection from its pool that is never given back. What it calls is healthy and nearly idle.",
		f.onset.Format("15:04:05"), s.Service)
	h.fix = f.draft(investigation.RestartAction, s.Service, nil, "A restart frees the connections that are held; what holds them needs a change of its code.")
	return h, true
}

// plateau adds that the connections are there, all of them, although there are fewer calls.
func (f *facts) plateau(h *hypothesis, service string, e result.EdgeChange) {
	if f.resources == nil {
		return
	}
	id := f.ids["process_resources"]
	for _, c := range f.resources.Connections {
		if c.Service == service && (c.Peer == e.To || c.Address == e.Address) && c.Mean.Fault >= 1 && c.Mean.Fault >= 0.9*c.Mean.Healthy && c.Failures == 0 {
			h.confidence += 0.05
			h.claim(fmt.Sprintf("It holds %.3g connections to %s (before %.3g): they are open, but not in use.", c.Mean.Fault, e.To, c.Mean.Healthy),
				id, some(id, "connections", is("service", service), is("address", c.Address), atLeast(1, "mean", "fault")))
			return
		}
	}
}

// says finds a log pattern of a service that is new, or far more frequent, and matches; evidence is "" when there is none.
func (f *facts) says(service string, words *regexp.Regexp) (pattern result.LogPattern, evidence string) {
	for _, l := range f.logs {
		for _, p := range l.Patterns {
			if p.Service == service && (p.New || float64(p.Count) > 3*p.Baseline) && p.Count >= 3 && words.MatchString(p.Sample) {
				return p, l.id
			}
		}
	}
	return result.LogPattern{}, ""
}

// quoted is a line of a log as a report quotes it.
func quoted(line string) string {
	const most = 200
	if r := []rune(line); len(r) > most {
		line = string(r[:most]) + "…"
	}
	return "“" + line + "”"
}
