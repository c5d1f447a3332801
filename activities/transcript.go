package activities

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
)

// maxEvidence bounds the structured results of one transcript, in bytes, together.
const maxEvidence = 8 << 20

// transcript is what a step gets to see: the turns so far with the ids of their evidence, and the evidence.
func transcript(inv metadata.Investigation, evidence []investigation.Evidence, before int, last bool, now time.Time) investigation.Transcript {
	asked := slices.DeleteFunc(slices.Clone(evidence), IsControl)
	t := investigation.Transcript{Request: inv.Request, Evidence: capped(asked), Now: now, LastTurn: last}
	var earlier []investigation.ToolCall
	for _, turn := range inv.Turns {
		if turn.Number < before {
			earlier = append(earlier, turn.Calls...)
			turn.Evidence = evidenceOf(turn, earlier, asked)
			t.Turns = append(t.Turns, turn)
		}
	}
	return t
}

// evidenceOf finds the evidence of a turn's calls, in their order. A call that repeats an earlier one has that one's
// evidence; a call without an answer has "".
func evidenceOf(turn investigation.Turn, earlier []investigation.ToolCall, evidence []investigation.Evidence) []string {
	ids := make([]string, len(turn.Calls))
	for n, c := range turn.Calls {
		i := slices.IndexFunc(evidence, func(e investigation.Evidence) bool {
			return e.Call == c.ID || slices.ContainsFunc(earlier, func(o investigation.ToolCall) bool {
				return e.Call == o.ID && o.Same(c)
			})
		})
		if i >= 0 {
			ids[n] = evidence[i].ID
		}
	}
	return ids
}

// capped leaves out the oldest results once the newer ones fill the space.
func capped(evidence []investigation.Evidence) []investigation.Evidence {
	space := maxEvidence
	for i := len(evidence) - 1; i >= 0; i-- {
		if space -= len(evidence[i].Result); space < 0 {
			evidence[i].Result, evidence[i].Error = nil, "left out: the results are too large together"
		}
	}
	return evidence
}

// ownTurns is what the built-in analyst sees: its turns, numbered from 1, and their evidence. The returned function gives the
// calls of its answer the ids of the turn that is decided.
func ownTurns(t investigation.Transcript, turn int) (investigation.Transcript, func(*investigation.Step)) {
	own := t
	own.Turns, own.Evidence = nil, nil
	var ids []string
	for _, done := range t.Turns {
		if done.Analyst == investigation.AnalystModel {
			continue
		}
		done.Number = len(own.Turns) + 1
		own.Turns, ids = append(own.Turns, done), append(ids, done.Evidence...)
	}
	for _, e := range t.Evidence {
		if slices.Contains(ids, e.ID) {
			own.Evidence = append(own.Evidence, e)
		}
	}
	return own, func(s *investigation.Step) {
		for i := range s.Calls {
			if number, ok := strings.CutPrefix(s.Calls[i].ID, fmt.Sprintf("t%dc", len(own.Turns)+1)); ok {
				s.Calls[i].ID = fmt.Sprintf("t%dc%s", turn, number)
			}
		}
	}
}
